#include "xmpp/datetime.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fmt/format.h>

namespace rondel::xmpp {
namespace {

constexpr std::int64_t kMsPerDay = 86'400'000;
constexpr std::int64_t kYear0Ms = -62'167'219'200'000;     // 0000-01-01T00:00:00Z
constexpr std::int64_t kYear9999Ms = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z

/// Reads fields from the front; once something is wrong, it stays wrong.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  /// Exactly `digits` digits, at least `low` and at most `high`.
  int number(std::size_t digits, int low, int high) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      value = value * 10 + digit();
    }
    is_good_ = is_good_ && value >= low && value <= high;
    return value;
  }

  void expect(char c) {
    if (!try_take(c)) {
      is_good_ = false;
    }
  }

  bool try_take(char c) {
    if (rest_.empty() || rest_.front() != c) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  /// At least one digit after the point; what lies beyond milliseconds is cut off.
  int fraction_ms() {
    int ms = digit() * 100;
    for (int unit = 10; has_digit(); unit /= 10) {
      ms += digit() * unit;
    }
    return ms;
  }

  [[nodiscard]] bool is_good() const { return is_good_; }
  [[nodiscard]] bool is_done() const { return is_good_ && rest_.empty(); }

 private:
  [[nodiscard]] bool has_digit() const {
    return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
  }
  int digit() {
    if (!has_digit()) {
      is_good_ = false;
      return 0;
    }
    const int value = rest_.front() - '0';
    rest_.remove_prefix(1);
    return value;
  }

  std::string_view rest_;
  bool is_good_ = true;
};

/// "Z", or "+hh:mm" and "-hh:mm", in minutes ahead of UTC. Limits: 14:00 (XML Schema part 2,
/// §3.3.7).
int read_zone(Reader& reader) {
  if (reader.try_take('Z')) {
    return 0;
  }
  const bool is_behind = reader.try_take('-');
  if (!is_behind) {
    reader.expect('+');
  }
  const int hours = reader.number(2, 0, 14);
  reader.expect(':');
  const int minutes = reader.number(2, 0, hours == 14 ? 0 : 59);
  return is_behind ? -(hours * 60 + minutes) : hours * 60 + minutes;
}

}  // namespace

std::string format_datetime(std::int64_t unix_ms) {
  using std::chrono::days;
  const std::int64_t ms = std::clamp(unix_ms, kYear0Ms, kYear9999Ms);
  const std::int64_t day = (ms >= 0 ? ms : ms - (kMsPerDay - 1)) / kMsPerDay;
  const std::chrono::year_month_day date{std::chrono::sys_days{days{day}}};
  const std::int64_t of_day = ms - day * kMsPerDay;
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  of_day / 3'600'000, of_day / 60'000 % 60, of_day / 1000 % 60);
  if (of_day % 1000 != 0) {
    text += fmt::format(".{:03}", of_day % 1000);
  }
  text += 'Z';
  return text;
}

std::optional<std::int64_t> parse_datetime(std::string_view text) {
  Reader reader(text);
  const int year = reader.number(4, 0, 9999);
  reader.expect('-');
  const int month = reader.number(2, 1, 12);
  reader.expect('-');
  const int day = reader.number(2, 1, 31);
  reader.expect('T');
  const int hour = reader.number(2, 0, 23);
  reader.expect(':');
  const int minute = reader.number(2, 0, 59);
  reader.expect(':');
  const int second = reader.number(2, 0, 59);
  const int ms = reader.try_take('.') ? reader.fraction_ms() : 0;
  const int zone_minutes = read_zone(reader);
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!reader.is_done() || !date.ok()) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const std::int64_t minutes = std::int64_t{hour} * 60 + minute - zone_minutes;
  return days * kMsPerDay + (minutes * 60 + second) * 1000 + ms;
}

}  // namespace rondel::xmpp
