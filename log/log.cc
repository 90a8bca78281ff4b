#include "log/log.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>

#include "log/hub.h"
#include "log/record.h"

namespace rondel::log {
namespace {

// The coarse clock never leaves the process, whatever the machine's clock source is, and costs a
// few ns; its steps are those of the kernel's tick, 1 to 10 ms.
std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

Channel::Channel(Hub& hub, Source source)
    : hub_(hub), interface_(source.interface.substr(0, kNameBytesMax)), level_(source.level) {
}

void Channel::write_formatted(Level level,
                              const Fields& fields,
                              std::string_view event,
                              fmt::string_view format,
                              fmt::format_args args) const {
  // Formatted here and copied, not formatted in the lane: the lane gives out no more than a line
  // needs.
  std::array<char, kTextBytesMax + 1> text;
  std::size_t bytes = 0;
  try {
    bytes = fmt::vformat_to_n(text.data(), text.size(), format, args).size;
  } catch (const std::exception&) {
    // Formats are checked when compiled; only a formatter of a type of ours could end here.
    constexpr std::string_view kFailed = "(the line could not be formatted)";
    bytes = kFailed.copy(text.data(), text.size());
  }
  LineView line{.level = level,
                .time_ns = now_ns(),
                .interface = interface_,
                .event = event,
                .fields = fields,
                .text = {text.data(), std::min(bytes, text.size())}};
  hub_.submit(within_bounds(line, kTextBytesMax));
}

bool FileChannel::write_line(std::string_view line) const {
  const LineView view{.output = output_, .time_ns = now_ns(), .text = line};
  if (!hub_.submit_verbatim(within_bounds(view, kVerbatimBytesMax))) {
    lines_dropped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  return true;
}

bool register_thread(Hub& hub) {
  return hub.register_thread();
}

}  // namespace rondel::log
