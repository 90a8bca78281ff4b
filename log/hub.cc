#include "log/hub.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "log/record.h"

namespace rondel::log {
namespace {

std::atomic<std::uint64_t> next_hub_id{1};

// The lanes that this thread used last; plain data, so that reading it costs no initialisation
// check.
struct Cached {
  std::uint64_t hub_id = 0;
  ThreadLanes* lanes = nullptr;
};
constinit thread_local Cached cached;
constinit thread_local bool has_ended = false;

// What this thread holds, of every hub; a hub that has gone leaves its lanes to it.
struct Holdings {
  std::vector<std::pair<std::uint64_t, std::shared_ptr<ThreadLanes>>> items;
  ~Holdings() {
    for (const auto& [hub_id, lanes] : items) {
      lanes->is_taken.store(false, std::memory_order_release);
    }
    // What later destructors of this thread log goes to the shared lanes.
    cached = {};
    has_ended = true;
  }
};
thread_local Holdings holdings;

bool try_put(Lane& lane, const LineView& line, std::uint16_t producer) {
  const std::span<std::byte> space = lane.try_reserve(record_bytes(line));
  if (space.empty()) {
    return false;
  }
  encode_record(space, line, producer);
  lane.commit();
  return true;
}

HubOptions within_bounds(HubOptions options) {
  for (std::size_t* bytes : {&options.error_lane_bytes, &options.info_lane_bytes,
                             &options.debug_lane_bytes, &options.emergency_lane_bytes}) {
    *bytes = std::max(*bytes, Hub::kLaneBytesMin);
  }
  options.verbatim_lane_bytes = std::max(options.verbatim_lane_bytes, 8 * kVerbatimBytesMax);
  return options;
}

void count(std::atomic<std::uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

bool drain_lane(Lane& lane, LineSink& sink) {
  for (auto record = lane.front(); !record.empty(); record = lane.front()) {
    if (!sink.take(decode_record(record).line)) {
      return false;
    }
    lane.pop();
  }
  return true;
}

}  // namespace

ThreadLanes::ThreadLanes(const HubOptions& options, std::uint16_t index_in_hub)
    : index(index_in_hub),
      lanes{Lane(options.error_lane_bytes), Lane(options.info_lane_bytes),
            Lane(options.debug_lane_bytes)} {
}

ThreadLanes::~ThreadLanes() {
  delete verbatim_lane.load(std::memory_order_acquire);
}

Hub::Hub(HubOptions options)
    : options_(within_bounds(options)),
      id_(next_hub_id.fetch_add(1, std::memory_order_relaxed)),
      emergency_(options_.emergency_lane_bytes) {
  owned_[0] = std::make_shared<ThreadLanes>(options_, std::uint16_t{0});
  slots_[0].store(owned_[0].get(), std::memory_order_release);
}

Hub::~Hub() = default;

ThreadLanes* Hub::take_lanes() {
  const std::lock_guard lock(registration_);
  const std::size_t used = slots_used_.load(std::memory_order_relaxed);
  for (std::size_t i = 1; i < used; ++i) {
    // What the thread that ended left in them is drained in order, before what comes now.
    if (!owned_[i]->is_taken.load(std::memory_order_acquire)) {
      owned_[i]->is_taken.store(true, std::memory_order_relaxed);
      holdings.items.emplace_back(id_, owned_[i]);
      return owned_[i].get();
    }
  }
  if (used > std::min<std::size_t>(options_.threads_max, kThreadsMax - 1)) {
    return owned_[0].get();
  }
  owned_[used] = std::make_shared<ThreadLanes>(options_, static_cast<std::uint16_t>(used));
  slots_[used].store(owned_[used].get(), std::memory_order_release);
  slots_used_.store(used + 1, std::memory_order_release);
  holdings.items.emplace_back(id_, owned_[used]);
  return owned_[used].get();
}

ThreadLanes* Hub::lanes_of_this_thread() {
  if (cached.hub_id == id_) [[likely]] {
    return cached.lanes;
  }
  if (has_ended) {
    return owned_[0].get();
  }
  const auto held = std::find_if(holdings.items.begin(), holdings.items.end(),
                                 [this](auto& item) { return item.first == id_; });
  ThreadLanes* lanes = held != holdings.items.end() ? held->second.get() : take_lanes();
  cached = {id_, lanes};
  return lanes;
}

bool Hub::register_thread() {
  return lanes_of_this_thread()->index != 0;
}

bool Hub::submit(const LineView& line) {
  ThreadLanes& lanes = *lanes_of_this_thread();
  bool is_queued;
  if (lanes.index == 0) [[unlikely]] {
    const std::lock_guard lock(shared_);
    is_queued = submit_to(lanes, line);
  } else {
    is_queued = submit_to(lanes, line);
  }
  wake_reader();
  return is_queued;
}

bool Hub::submit_to(ThreadLanes& lanes, const LineView& line) {
  if (line.level == Level::error) {
    return submit_error(lanes, line);
  }
  const auto kind = static_cast<std::size_t>(line.level);
  if (!try_put(lanes.lanes[kind], line, lanes.index)) {
    count(lanes.dropped[kind]);
    return false;
  }
  return true;
}

bool Hub::submit_error(ThreadLanes& lanes, const LineView& line) {
  const bool is_closed = is_closed_.load(std::memory_order_acquire);
  if (!is_closed && lanes.spilled.load(std::memory_order_acquire) == 0 &&
      try_put(lanes.lanes[ThreadLanes::error], line, lanes.index)) [[likely]] {
    return true;
  }
  if (!is_closed && spill(lanes, line)) {
    return true;
  }
  // An error line that is never lost outranks a thread that never waits.
  HubReader* reader = reader_.load(std::memory_order_acquire);
  if (reader && reader->write_now_blocking(line)) {
    return true;
  }
  count(lanes.dropped[ThreadLanes::error]);
  return false;
}

bool Hub::spill(ThreadLanes& lanes, const LineView& line) {
  // Held for one copy of a few hundred bytes; a holder that lost its core costs us a few of these
  // turns.
  while (emergency_is_busy_.test_and_set(std::memory_order_acquire)) {
  }
  lanes.spilled.fetch_add(1, std::memory_order_relaxed);
  const bool is_queued = try_put(emergency_, line, lanes.index);
  if (!is_queued) {
    lanes.spilled.fetch_sub(1, std::memory_order_relaxed);
  }
  emergency_is_busy_.clear(std::memory_order_release);
  return is_queued;
}

bool Hub::submit_verbatim(const LineView& line) {
  ThreadLanes& lanes = *lanes_of_this_thread();
  bool is_queued;
  if (lanes.index == 0) {
    const std::lock_guard lock(shared_);
    is_queued = submit_verbatim_to(lanes, line);
  } else {
    is_queued = submit_verbatim_to(lanes, line);
  }
  wake_reader();
  return is_queued;
}

bool Hub::submit_verbatim_to(ThreadLanes& lanes, const LineView& line) {
  Lane* lane = lanes.verbatim_lane.load(std::memory_order_relaxed);
  if (!lane) {
    lane = new Lane(options_.verbatim_lane_bytes);
    lanes.verbatim_lane.store(lane, std::memory_order_release);
  }
  if (!try_put(*lane, line, lanes.index)) {
    count(lanes.dropped[ThreadLanes::verbatim]);
    return false;
  }
  return true;
}

void Hub::wake_reader() {
  // The plain load keeps the line in the caches of all producers; only one of them wins the
  // exchange.
  if (is_sleeping_.load(std::memory_order_relaxed) &&
      is_sleeping_.exchange(false, std::memory_order_acq_rel)) [[unlikely]] {
    if (HubReader* reader = reader_.load(std::memory_order_acquire)) {
      reader->wake();
    }
  }
}

bool Hub::drain_emergency(LineSink& sink) {
  for (auto bytes = emergency_.front(); !bytes.empty(); bytes = emergency_.front()) {
    const DecodedRecord record = decode_record(bytes);
    ThreadLanes* lanes = slots_[record.producer].load(std::memory_order_acquire);
    // Older lines of the same thread are in its own lane, which takes no new ones while this one
    // waits here.
    if (!drain_lane(lanes->lanes[ThreadLanes::error], sink) || !sink.take(record.line)) {
      return false;
    }
    emergency_.pop();
    lanes->spilled.fetch_sub(1, std::memory_order_release);
  }
  return true;
}

bool Hub::drain(LineSink& sink) {
  const std::size_t used = slots_used_.load(std::memory_order_acquire);
  for (std::size_t kind = 0; kind < kLevels; ++kind) {
    for (std::size_t i = 0; i < used; ++i) {
      if (!drain_lane(slots_[i].load(std::memory_order_acquire)->lanes[kind], sink)) {
        return false;
      }
    }
    if (kind == ThreadLanes::error && !drain_emergency(sink)) {
      return false;
    }
  }
  bool is_empty = true;
  for (std::size_t i = 0; i < used; ++i) {
    Lane* lane =
        slots_[i].load(std::memory_order_acquire)->verbatim_lane.load(std::memory_order_acquire);
    // One file that takes nothing must not hold up the lanes of other threads.
    is_empty = (!lane || drain_lane(*lane, sink)) && is_empty;
  }
  return is_empty;
}

bool Hub::empty() const {
  const std::size_t used = slots_used_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < used; ++i) {
    const ThreadLanes& lanes = *slots_[i].load(std::memory_order_acquire);
    const Lane* verbatim = lanes.verbatim_lane.load(std::memory_order_acquire);
    if (!std::all_of(lanes.lanes.begin(), lanes.lanes.end(),
                     [](auto& lane) { return lane.empty(); }) ||
        (verbatim && !verbatim->empty())) {
      return false;
    }
  }
  return emergency_.empty();
}

std::uint64_t Hub::dropped(ThreadLanes::Kind kind) const {
  std::uint64_t total = 0;
  const std::size_t used = slots_used_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < used; ++i) {
    total +=
        slots_[i].load(std::memory_order_acquire)->dropped[kind].load(std::memory_order_relaxed);
  }
  return total;
}

}  // namespace rondel::log
