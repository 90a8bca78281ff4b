#include "log/writer/render.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "log/escape.h"

namespace rondel::log {
namespace {

constexpr std::string_view kCutMark = " [cut]";
constexpr int kFacilityDaemon = 3 << 3;

// Worst cases: every byte of a text becomes four, all of a verbatim line stays.
constexpr std::size_t kAround = 1024;
static_assert(4 * (kTextBytesMax + kJidBytesMax + kRemoteAddressBytesMax + kNameBytesMax) +
                  kAround <=
              kRenderedBytesMax);
static_assert(kVerbatimBytesMax + kAround <= kRenderedBytesMax);

/// Writes behind what is there; a bound that would not hold cuts instead of overrunning.
class Appender {
 public:
  explicit Appender(std::span<char> out) : out_(out) {}

  Appender& text(std::string_view text) {
    const std::size_t bytes = std::min(text.size(), out_.size() - used_);
    if (bytes > 0) {
      std::memcpy(out_.data() + used_, text.data(), bytes);
    }
    used_ += bytes;
    return *this;
  }
  Appender& escaped(std::string_view text, Newlines newlines = Newlines::escaped) {
    used_ += escape_into(out_.subspan(used_), text, newlines);
    return *this;
  }
  Appender& number(std::uint64_t value, std::size_t digits_min = 1) {
    char digits[20];
    std::size_t begin = sizeof digits;
    do {
      digits[--begin] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value > 0 || sizeof digits - begin < digits_min);
    return text({digits + begin, sizeof digits - begin});
  }
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] std::span<char> since(std::size_t start) const {
    return out_.subspan(start, used_ - start);
  }

 private:
  std::span<char> out_;
  std::size_t used_ = 0;
};

// ISO 8601, UTC, milliseconds. gmtime() is not signal-safe, <chrono> computes only.
void append_time(Appender& out, std::int64_t time_ns) {
  using std::chrono::days;
  const std::int64_t time_ms = time_ns / 1'000'000;
  const std::int64_t day = time_ms / 86'400'000;
  const auto ms = static_cast<std::uint64_t>(time_ms % 86'400'000);
  const std::chrono::year_month_day date{std::chrono::sys_days{days{day}}};
  out.number(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  out.text("-").number(static_cast<unsigned>(date.month()), 2);
  out.text("-").number(static_cast<unsigned>(date.day()), 2);
  out.text("T").number(ms / 3'600'000, 2).text(":").number(ms / 60'000 % 60, 2);
  out.text(":").number(ms / 1000 % 60, 2).text(".").number(ms % 1000, 3).text("Z");
}

void append_connection(Appender& out, const base::ConnectionId& id) {
  out.number(id.shard).text("-").number(id.handle.slot).text("-").number(id.handle.generation);
}

// A value with a space or a quote would run into the next field: it gets quotes, its own become
// apostrophes.
void append_value(Appender& out, std::string_view value) {
  const bool needs_quotes = value.find_first_of(" \"") != std::string_view::npos;
  if (!needs_quotes) {
    out.escaped(value);
    return;
  }
  const std::size_t start = out.text("\"").used();
  out.escaped(value);
  std::ranges::replace(out.since(start), '"', '\'');
  out.text("\"");
}

void append_body(Appender& out, const LineView& line) {
  if (!line.interface.empty()) {
    out.text("[").escaped(line.interface).text("] ");
  }
  out.text(line.event).text(line.event.empty() ? "" : ": ").escaped(line.text);
  out.text(line.is_cut ? kCutMark : "");
  if (!line.fields.jid.empty()) {
    append_value(out.text(" jid="), line.fields.jid);
  }
  if (line.fields.connection.is_set()) {
    append_connection(out.text(" conn="), line.fields.connection);
  }
  if (!line.fields.remote_address.empty()) {
    append_value(out.text(" remote="), line.fields.remote_address);
  }
}

// "NAME=value\n", or for a value with line feeds "NAME\n", its length in 64 bits, little-endian,
// the value, "\n". Source: systemd.io/JOURNAL_NATIVE_PROTOCOL.
template <class F>
void append_field(Appender& out, std::string_view name, F&& write_value) {
  const std::size_t at_name = out.text(name).used();
  const std::size_t start = out.text("=").used();
  write_value();
  const std::span<char> value = out.since(start);
  if (std::ranges::find(value, '\n') != value.end()) {
    const std::size_t value_bytes = value.size();
    char length[8];
    for (std::size_t i = 0; i < sizeof length; ++i) {
      length[i] = static_cast<char>(static_cast<std::uint64_t>(value_bytes) >> (8 * i));
    }
    out.text({length, sizeof length});
    // "=value" and eight more bytes become "\n", the length, "value".
    const std::span<char> all = out.since(at_name);
    std::memmove(all.data() + 1 + sizeof length, all.data() + 1, value_bytes);
    all[0] = '\n';
    std::memcpy(all.data() + 1, length, sizeof length);
  }
  out.text("\n");
}

void append_field(Appender& out, std::string_view name, std::string_view value) {
  if (!value.empty()) {
    append_field(out, name, [&] { out.escaped(value); });
  }
}

void append_journal(Appender& out, const LineView& line, const Identity& identity) {
  // The journal shows further lines of a message indented: they cannot be taken for messages.
  append_field(out, "MESSAGE",
               [&] { out.escaped(line.text, Newlines::kept).text(line.is_cut ? kCutMark : ""); });
  append_field(out, "PRIORITY", [&] { out.number(static_cast<unsigned>(priority(line.level))); });
  append_field(out, "SYSLOG_IDENTIFIER", identity.program);
  append_field(out, "XMPP_EVENT", line.event);
  append_field(out, "XMPP_INTERFACE", line.interface);
  append_field(out, "XMPP_JID", line.fields.jid);
  if (line.fields.connection.is_set()) {
    append_field(out, "XMPP_CONN", [&] { append_connection(out, line.fields.connection); });
  }
  append_field(out, "XMPP_REMOTE_IP", line.fields.remote_address);
}

}  // namespace

std::size_t render(std::span<char> out_bytes,
                   Form form,
                   const LineView& line,
                   const Identity& who) {
  Appender out(out_bytes);
  const auto priority_number = static_cast<unsigned>(priority(line.level));
  switch (form) {
    case Form::text:
      append_time(out, line.time_ns);
      out.text(" ").text(level_name(line.level)).text(" ");
      append_body(out, line);
      out.text("\n");
      break;
    case Form::prefixed_text:
      out.text("<").number(priority_number).text(">");
      append_body(out, line);
      out.text("\n");
      break;
    case Form::verbatim:
      out.text(line.text).text(line.is_cut ? kCutMark : "").text("\n");
      break;
    case Form::syslog:
      out.text("<").number(kFacilityDaemon | priority_number).text(">").text(who.program);
      out.text("[").number(static_cast<unsigned>(who.process_id)).text("]: ");
      append_body(out, line);
      break;
    case Form::journal:
      append_journal(out, line, who);
      break;
  }
  return out.used();
}

}  // namespace rondel::log
