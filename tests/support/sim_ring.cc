#include "tests/support/sim_ring.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <poll.h>
#include <sys/uio.h>

#include "base/check.h"
#include "tests/support/sim_operation.h"

namespace rondel::tests {

using ring::Completion;
using ring::Tag;

namespace {

constexpr base::Nanoseconds kRound = std::chrono::microseconds(100);
constexpr base::Nanoseconds kAcceptPause = base::Milliseconds(100);
constexpr base::Nanoseconds kSleepMax = std::chrono::seconds(1);

const char* characters(const std::byte* bytes) {
  return reinterpret_cast<const char*>(bytes);
}

}  // namespace

SimRing::SimRing(const SimOptions& options) : options_(options), random_(options.seed) {
}

SimRing::~SimRing() = default;

bool SimRing::happens(unsigned chance) {
  return chance > 0 && random_() % 1000 < chance;
}

std::size_t SimRing::between(std::size_t low, std::size_t high) {
  return low + random_() % (high - low + 1);
}

std::size_t SimRing::operations_under_way() const {
  return active_.size() +
         static_cast<std::size_t>(std::ranges::count_if(queued_, [](const auto& operation) {
           return operation->kind != Operation::Kind::cancel &&
                  operation->kind != Operation::Kind::close;
         }));
}

SimRing::Operation& SimRing::start(int fd, Tag tag) {
  queued_.push_back(std::make_unique<Operation>());
  queued_.back()->fd = fd;
  queued_.back()->tag = tag;
  return *queued_.back();
}

void SimRing::accept(int listener_fd, Tag tag) {
  start(listener_fd, tag).kind = Operation::Kind::accept;
}

void SimRing::receive(int fd, Tag tag, ring::ReceiveMode mode) {
  Operation& operation = start(fd, tag);
  operation.kind = Operation::Kind::receive;
  operation.is_multishot = mode == ring::ReceiveMode::multishot;
}

void SimRing::send(int fd, std::span<const std::byte> bytes, Tag tag) {
  Operation& operation = start(fd, tag);
  operation.kind = Operation::Kind::send;
  operation.parts.push_back(bytes);
  operation.bytes = bytes.size();
}

void SimRing::send_vector(int fd, std::span<const iovec> parts, Tag tag) {
  Operation& operation = start(fd, tag);
  operation.kind = Operation::Kind::send;
  for (const iovec& part : parts) {
    operation.parts.emplace_back(static_cast<const std::byte*>(part.iov_base), part.iov_len);
    operation.bytes += part.iov_len;
  }
}

void SimRing::read(int fd, std::span<std::byte> into, Tag tag) {
  Operation& operation = start(fd, tag);
  operation.kind = Operation::Kind::read;
  operation.into = into.data();
  operation.bytes = into.size();
}

void SimRing::write(int fd, std::span<const std::byte> bytes, Tag tag) {
  Operation& operation = start(fd, tag);
  operation.kind = Operation::Kind::write;
  operation.parts.push_back(bytes);
  operation.bytes = bytes.size();
}

void SimRing::sync(int fd, Tag tag) {
  start(fd, tag).kind = Operation::Kind::sync;
}

void SimRing::poll(int fd, unsigned events, Tag tag) {
  Operation& operation = start(fd, tag);
  operation.kind = Operation::Kind::poll;
  operation.events = events;
}

void SimRing::connect(int fd, const void* /*address*/, unsigned /*address_bytes*/, Tag tag) {
  start(fd, tag).kind = Operation::Kind::connect;
}

void SimRing::cancel(Tag target) {
  start(-1, target).kind = Operation::Kind::cancel;
}

void SimRing::close(int fd) {
  start(fd, Tag{}).kind = Operation::Kind::close;
}

void SimRing::submit_queued() {
  std::vector<std::unique_ptr<Operation>> queued;
  queued.swap(queued_);
  for (std::unique_ptr<Operation>& operation : queued) {
    ++counters_.submissions;
    if (operation->kind == Operation::Kind::close) {
      close_now(operation->fd);
    } else if (operation->kind == Operation::Kind::cancel) {
      for (const auto& other : active_) {
        if (other->tag == operation->tag && other->tag.op != ring::Op::none) {
          other->is_cancelled = true;
          other->held_until = base::Nanoseconds(0);
        }
      }
    } else {
      for (const auto& other : active_) {
        const bool is_same_tag = other->tag == operation->tag && other->tag.op != ring::Op::none;
        const bool is_second_send = other->fd == operation->fd &&
                                    other->kind == Operation::Kind::send &&
                                    operation->kind == Operation::Kind::send;
        RONDEL_CHECK(!is_same_tag && !is_second_send);
      }
      active_.push_back(std::move(operation));
    }
  }
}

void SimRing::run_once(base::Nanoseconds wait_max, ring::Sink& sink) {
  ++counters_.turns;
  if (meanwhile) {
    meanwhile();
  }
  submit_queued();
  bool has_progressed = deliver_wake(sink);
  const base::Nanoseconds deadline = now_ + std::min(wait_max, kSleepMax);
  while (true) {
    has_progressed |= run_round(sink);
    now_ += kRound;
    if (has_progressed || now_ >= deadline) {
      return;
    }
    const bool is_any_held = std::ranges::any_of(
        active_, [this](const auto& operation) { return operation->held_until > now_; });
    if (!is_any_held) {
      now_ = deadline;  // Only the test can make something happen.
      return;
    }
  }
}

bool SimRing::deliver_wake(ring::Sink& sink) {
  if (!wake_pending_.exchange(false) || happens(options_.faults.lost_wake)) {
    return false;
  }
  ++counters_.wakes_sent;
  ++counters_.completions;
  sink.completed({Tag{ring::Op::wake, {}}, 0, true, {}});
  return true;
}

bool SimRing::run_round(ring::Sink& sink) {
  std::vector<Operation*> order;
  for (const auto& operation : active_) {
    if (operation->held_until <= now_) {
      order.push_back(operation.get());
    }
  }
  if (options_.shuffles) {
    std::ranges::shuffle(order, random_);
  }
  bool has_progressed = false;
  for (Operation* operation : order) {
    has_progressed |= step(*operation, sink);
  }
  std::erase_if(active_, [](const auto& operation) { return operation->is_done; });
  return has_progressed;
}

bool SimRing::step(Operation& operation, ring::Sink& sink) {
  if (operation.decided) {
    return finish(operation, *operation.decided, sink);
  }
  SimSocket* socket = find(operation.fd);
  if (!socket) {
    return finish(operation, -EBADF, sink);
  }
  switch (operation.kind) {
    case Operation::Kind::accept:
      return step_accept(operation, *socket, sink);
    case Operation::Kind::receive:
      return step_receive(operation, *socket, sink);
    case Operation::Kind::send:
      return step_send(operation, *socket, sink);
    default:
      return step_other(operation, *socket, sink);
  }
}

bool SimRing::step_accept(Operation& operation, SimSocket& socket, ring::Sink& sink) {
  bool has_progressed = false;
  const bool is_too_late = operation.is_cancelled && random_() % 2 == 0;
  while (!socket.backlog.empty() && !is_too_late) {
    if (!operation.is_cancelled && happens(options_.faults.accept_shortage)) {
      hold(operation, kAcceptPause);
      report(operation, -EMFILE, true, {}, sink);
      return true;
    }
    std::shared_ptr<SimSocket> accepted = std::move(socket.backlog.front());
    socket.backlog.pop_front();
    accepted->is_accepted = true;
    report(operation, add_socket(std::move(accepted)), true, {}, sink);
    has_progressed = true;
  }
  return operation.is_cancelled ? finish(operation, -ECANCELED, sink) : has_progressed;
}

bool SimRing::step_receive(Operation& operation, SimSocket& socket, ring::Sink& sink) {
  const SimFaults& faults = options_.faults;
  if (operation.is_cancelled) {
    // What was already on its way comes first, sometimes.
    if (!socket.inbound.empty() && random_() % 2 == 0) {
      receive_data(operation, socket, sink);
    }
    return operation.is_done || finish(operation, -ECANCELED, sink);
  }
  if (socket.is_reset) {
    return finish(operation, -ECONNRESET, sink);
  }
  if (socket.inbound.empty()) {
    return socket.has_peer_ended && finish_soon(operation, 0, sink);
  }
  if (happens(faults.late_completion)) {
    hold(operation, kRound * between(1, 10));
    return false;
  }
  if (happens(faults.starved_receive)) {
    ++counters_.buffers_starved;
    hold(operation, kRound * between(1, 10));
    return false;
  }
  if (happens(faults.failed_receive)) {
    return finish(operation, -EIO, sink);
  }
  if (happens(faults.reset)) {
    socket.is_reset = true;
    socket.inbound.clear();
    return finish(operation, -ECONNRESET, sink);
  }
  while (!operation.is_done && !socket.inbound.empty()) {
    receive_data(operation, socket, sink);
    if (random_() % 4 == 0) {
      break;  // Others come first; the rest comes in a later round.
    }
  }
  return true;
}

bool SimRing::receive_data(Operation& operation, SimSocket& socket, ring::Sink& sink) {
  std::size_t bytes = std::min(socket.inbound.size(), options_.buffer_bytes);
  if (happens(options_.faults.cut_receive)) {
    bytes = between(1, bytes);
  }
  bool has_more = operation.is_multishot;
  if (has_more && happens(options_.faults.ended_multishot)) {
    ++counters_.completion_overflows;
    has_more = false;
  }
  // Exactly as large as the data, and gone after the call: a sanitizer sees every misuse.
  const auto buffer = std::make_unique<std::byte[]>(bytes);
  memcpy(buffer.get(), socket.inbound.data(), bytes);
  socket.inbound.erase(0, bytes);
  operation.is_done = !has_more;
  report(operation, static_cast<std::int32_t>(bytes), has_more, {buffer.get(), bytes}, sink);
  return true;
}

bool SimRing::step_send(Operation& operation, SimSocket& socket, ring::Sink& sink) {
  if (!socket.is_connected || socket.is_shut) {
    return finish(operation, -EPIPE, sink);
  }
  if (socket.is_reset) {
    return finish(operation, random_() % 2 == 0 ? -ECONNRESET : -EPIPE, sink);
  }
  if (socket.has_peer_gone) {
    // The first bytes meet nobody: that is known only when the answer is back.
    socket.is_reset = true;
    socket.inbound.clear();
    return finish_soon(operation, static_cast<std::int32_t>(operation.bytes), sink);
  }
  const std::size_t room =
      options_.window_bytes - std::min(options_.window_bytes, socket.outbound.size());
  if (room == 0 && operation.bytes > 0) {
    return operation.is_cancelled && finish(operation, -ECANCELED, sink);
  }
  if (operation.is_cancelled && random_() % 2 == 0) {
    return finish(operation, -ECANCELED, sink);
  }
  std::size_t bytes = std::min(operation.bytes, room);
  if (bytes > 1 && happens(options_.faults.short_send)) {
    bytes = between(1, bytes);
  }
  std::size_t left = bytes;
  for (const std::span<const std::byte> part : operation.parts) {
    const std::size_t taken = std::min(left, part.size());
    socket.outbound.append(characters(part.data()), taken);
    left -= taken;
  }
  return finish_soon(operation, static_cast<std::int32_t>(bytes), sink);
}

bool SimRing::step_other(Operation& operation, SimSocket& socket, ring::Sink& sink) {
  const bool can_read = !socket.inbound.empty() || socket.has_peer_ended || socket.is_reset;
  const bool can_write = socket.is_reset || socket.outbound.size() < options_.window_bytes;
  if (operation.is_cancelled) {
    return finish(operation, -ECANCELED, sink);
  }
  switch (operation.kind) {
    case Operation::Kind::read: {
      if (socket.inbound.empty()) {
        return false;
      }
      const std::size_t bytes = std::min(operation.bytes, socket.inbound.size());
      memcpy(operation.into, socket.inbound.data(), bytes);
      socket.inbound.erase(0, bytes);
      return finish_soon(operation, static_cast<std::int32_t>(bytes), sink);
    }
    case Operation::Kind::write: {
      std::size_t bytes = operation.bytes;
      if (bytes > 1 && happens(options_.faults.short_send)) {
        bytes = between(1, bytes);
      }
      socket.outbound.append(characters(operation.parts.front().data()), bytes);
      return finish_soon(operation, static_cast<std::int32_t>(bytes), sink);
    }
    case Operation::Kind::poll: {
      const unsigned ready = operation.events & ((can_read ? unsigned{POLLIN} : 0U) |
                                                 (can_write ? unsigned{POLLOUT} : 0U));
      return ready != 0 && finish_soon(operation, static_cast<std::int32_t>(ready), sink);
    }
    case Operation::Kind::connect:
      socket.is_connected = socket.connect_result == 0;
      return finish_soon(operation, socket.connect_result, sink);
    default:
      return finish_soon(operation, 0, sink);
  }
}

void SimRing::report(const Operation& operation,
                     std::int32_t result,
                     bool has_more,
                     std::span<const std::byte> data,
                     ring::Sink& sink) {
  if (operation.tag.op != ring::Op::none) {
    ++counters_.completions;
    sink.completed({operation.tag, result, has_more, data});
  }
}

bool SimRing::finish(Operation& operation, std::int32_t result, ring::Sink& sink) {
  operation.is_done = true;
  report(operation, result, false, {}, sink);
  return true;
}

bool SimRing::finish_soon(Operation& operation, std::int32_t result, ring::Sink& sink) {
  if (!happens(options_.faults.late_completion)) {
    return finish(operation, result, sink);
  }
  operation.decided = result;
  hold(operation, kRound * between(1, 10));
  return false;
}

void SimRing::hold(Operation& operation, base::Nanoseconds time) {
  operation.held_until = now_ + time;
}

}  // namespace rondel::tests
