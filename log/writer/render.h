// A line as a destination wants to read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "log/line.h"

namespace rondel::log {

/// The forms of a line:
/// - text: `2026-11-22T08:55:49.123Z info [clients] c2s.bound: text jid=… conn=… remote=…`
/// - prefixed_text: `<6>[clients] c2s.bound: text …`, for a journal that reads our stderr
/// - verbatim: the text alone
/// - syslog: `<30>rondeld[4711]: [clients] c2s.bound: text …`, as one datagram. Source: RFC 3164
/// §4.1; the time is left
///   out, as it would be local time; the receiver knows it.
/// - journal: the native protocol of systemd-journald, as one datagram
enum class Form : std::uint8_t { text, prefixed_text, verbatim, syslog, journal };

/// No line of any form is longer.
inline constexpr std::size_t kRenderedBytesMax = 40 * 1024;

/// Who logs, for syslog and the journal.
struct Identity {
  std::string_view program = "rondeld";
  int process_id = 0;
};

/// Writes `line` into `out`, which has room for kRenderedBytesMax; returns the bytes written.
/// Signal-safe.
std::size_t render(std::span<char> out, Form form, const LineView& line, const Identity& identity);

/// The priority of syslog: err, info, debug.
[[nodiscard]] constexpr int priority(Level level) {
  return level == Level::error ? 3 : level == Level::info ? 6 : 7;
}

}  // namespace rondel::log
