// Where the log goes, as the configuration names it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace rondel::log {

/// A parsed `[log] destination`.
struct Destination {
  enum class Kind : std::uint8_t { standard_error, file, journal, syslog };

  Kind kind = Kind::standard_error;
  std::string path{};  ///< Of the file, or of the socket.
};

inline constexpr std::string_view kJournalSocket = "/run/systemd/journal/socket";
inline constexpr std::string_view kSyslogSocket = "/dev/log";

/// Reads `"stderr"`, `"journal"`, `"syslog"` or `"file:/absolute/path"`.
///
/// Errors: a sentence that names the text, what is allowed, and what was probably meant.
[[nodiscard]] base::Result<Destination> parse_destination(std::string_view text);

}  // namespace rondel::log
