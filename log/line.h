// One log line as it travels from the thread that wrote it to the writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/handle.h"

namespace rondel::log {

/// In the order in which lines are written out: errors first.
enum class Level : std::uint8_t { error, info, debug };

inline constexpr std::size_t kLevels = 3;
inline constexpr std::size_t kTextBytesMax = 4096;           ///< Then a line is cut, with a mark.
inline constexpr std::size_t kVerbatimBytesMax = 32 * 1024;  ///< The same for a FileChannel.
inline constexpr std::size_t kJidBytesMax = 3071;          ///< RFC 7622 §3.1: three parts of 1023.
inline constexpr std::size_t kRemoteAddressBytesMax = 63;  ///< "[IPv6%scope]:port".
inline constexpr std::size_t kNameBytesMax = 63;           ///< Of an interface, of an event.

[[nodiscard]] constexpr std::string_view level_name(Level level) {
  switch (level) {
    case Level::error:
      return "error";
    case Level::info:
      return "info";
    case Level::debug:
      break;
  }
  return "debug";
}

/// Whom a line is about; what is empty is left out.
///
/// The journal gets XMPP_JID, XMPP_CONN and XMPP_REMOTE_IP, other destinations `jid=… conn=…
/// remote=…`. The texts are copied, and may hold what a peer sent: the writer escapes them.
struct Fields {
  std::string_view jid{};
  base::ConnectionId connection{};
  std::string_view remote_address{};
};

/// Names the kind of a line for machines; it never changes once released. `"c2s.bound"`: lower-case
/// letters, digits,
/// `.`, `-` and `_`, checked when compiled.
class Event {
 public:
  template <std::size_t N>
  consteval Event(const char (&name)[N])
      : name_(name, N - 1) {  // NOLINT(google-explicit-constructor)
    if (N < 2 || N - 1 > kNameBytesMax) {
      throw "an event's name has 1 to 63 characters";
    }
    for (const char c : name_) {
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_')) {
        throw "an event's name is made of a-z, 0-9, '.', '-' and '_'";
      }
    }
  }
  [[nodiscard]] constexpr std::string_view name() const { return name_; }

 private:
  std::string_view name_;
};

/// A line as its reader sees it; its texts live until the reader returns.
struct LineView {
  Level level = Level::info;
  bool is_cut = false;       ///< The text was longer than the bound.
  std::uint16_t output = 0;  ///< 0: the log. Otherwise the FileChannel's number.
  std::int64_t time_ns = 0;  ///< Wall clock, since 1970.
  std::string_view interface {};
  std::string_view event{};
  Fields fields{};
  std::string_view text{};  ///< Not escaped.
};

}  // namespace rondel::log
