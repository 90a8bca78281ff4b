// The half of UringRing that takes what the kernel has done.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <liburing.h>
#include <unistd.h>

#include "base/check.h"
#include "ring/buffer_pool.h"
#include "ring/kernel_ring.h"
#include "ring/message_pool.h"
#include "ring/uring_ring.h"

namespace rondel::ring {

namespace {

constexpr std::uint64_t kAcceptPauseMs = 100;
constexpr std::uint64_t kStopMaxMs = 2000;
constexpr base::Nanoseconds kStopRound = base::Milliseconds(10);

/// The connection went away, or its network did, before it was accepted: accept(2) tells us to go
/// on.
bool is_of_one_connection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

/// Lasts a while, and trying again at once would only burn the core.
bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
         error == EPERM;
}

/// Closes what comes too late.
class DiscardingSink final : public Sink {
 public:
  void completed(const Completion& completion) override {
    if (completion.tag.op == Op::accept && completion.result >= 0) {
      ::close(completion.result);
    }
  }
};

}  // namespace

bool UringRing::may_go_on(std::uint32_t index) const {
  return !table_[index].is_cancel_requested && !is_stopping_;
}

constexpr unsigned kRecordsAhead = 6;
constexpr unsigned kOwnersAhead = 3;

/// What the kernel has done for many operations has driven ours out of the caches: the record of
/// one that is handled soon, the owner of one that comes earlier, and what hangs on the next one's
/// come meanwhile.
template <class At>
void UringRing::load_ahead(At&& at, Sink& sink) const {
  table_.prefetch(at(kRecordsAhead).user_data);
  if (const std::uint32_t index = table_.find(at(kOwnersAhead).user_data);
      index != OperationTable::kNone) {
    sink.coming(table_[index].tag);
  }
  if (const std::uint32_t index = table_.find(at(1).user_data); index != OperationTable::kNone) {
    sink.next(table_[index].tag);
  }
}

void UringRing::reap(Sink& sink) {
  unsigned head;
  unsigned count = 0;
  const io_uring_cqe* entry;
  const io_uring_cq& queue = kernel_->raw().cq;
  const unsigned ready = io_uring_cq_ready(&kernel_->raw());
  io_uring_for_each_cqe(&kernel_->raw(), head, entry) {
    if (count + kRecordsAhead < ready) {
      load_ahead(
          [&](unsigned behind) -> const io_uring_cqe& {
            return queue.cqes[(head + behind) & queue.ring_mask];
          },
          sink);
    }
    dispatch(*entry, sink);
    ++count;
  }
  io_uring_cq_advance(&kernel_->raw(), count);
  reaped_ += count;
}

void UringRing::dispatch(const io_uring_cqe& entry, Sink& sink) {
  if (!(entry.flags & IORING_CQE_F_MORE)) {
    --in_kernel_;
  }
  if (entry.user_data == kUnreportedKey) {
    return;
  }
  const std::uint32_t index = table_.find(entry.user_data);
  // A record lives until its last completion, so a stranger means that memory is not what we think.
  RONDEL_CHECK(index != OperationTable::kNone);
  switch (table_[index].kind) {
    case OperationKind::receive_multishot:
    case OperationKind::receive_one_shot:
      receive_completed(index, entry, sink);
      break;
    case OperationKind::accept:
      accept_completed(index, entry, sink);
      break;
    case OperationKind::wake_read:
      if (!is_stopping_) {
        submit_or_park(index);
      }
      break;
    case OperationKind::shut_down_kept:
    case OperationKind::close_kept:
      own_completed(index);
      break;
    default:
      other_completed(index, entry, sink);
      break;
  }
}

void UringRing::own_completed(std::uint32_t index) {
  const Operation operation = table_[index];
  --own_operations_;
  table_.remove(index);
  if (operation.kind == OperationKind::close_kept) {
    files_.closed(operation.fd);
  } else if (files_.end(operation.fd) && !is_stopping_) {
    start_own(OperationKind::close_kept, operation.fd, 0);
  }
}

void UringRing::receive_completed(std::uint32_t index, const io_uring_cqe& entry, Sink& sink) {
  // Only this flag says that a buffer was used; without it the number in `flags` means nothing.
  const bool has_buffer = entry.flags & IORING_CQE_F_BUFFER;
  const auto buffer = static_cast<std::uint16_t>(entry.flags >> IORING_CQE_BUFFER_SHIFT);
  std::span<const std::byte> data;
  if (has_buffer) {
    data = buffers_->take(buffer, static_cast<std::size_t>(std::max(entry.res, 0)));
  }
  if (entry.flags & IORING_CQE_F_MORE) {
    ++counters_.completions;
    sink.completed({table_[index].tag, entry.res, true, data});
  } else if (entry.res == -ENOBUFS || entry.res == -EAGAIN || entry.res == -EINTR) {
    if (!may_go_on(index)) {
      finish(index, -ECANCELED, {}, sink);
    } else if (entry.res == -ENOBUFS) {
      ++counters_.buffers_starved;
      // There are bytes to read as soon as there is a buffer.
      table_[index].is_poll_first = false;
      table_.push_back(starved_, index);
    } else {
      table_[index].is_poll_first = true;
      submit_or_park(index);
    }
  } else {
    finish(index, entry.res, data, sink);
  }
  if (has_buffer) {
    buffers_->give_back(buffer);
  }
}

void UringRing::accept_completed(std::uint32_t index, const io_uring_cqe& entry, Sink& sink) {
  const Tag tag = table_[index].tag;
  const bool has_more = entry.flags & IORING_CQE_F_MORE;
  const int error = entry.res < 0 ? -entry.res : 0;
  if (!has_more && !may_go_on(index)) {
    finish(index, error ? -ECANCELED : entry.res, {}, sink);
    return;
  }
  if (!has_more) {
    // Armed again before the sink hears of it, so that it may cancel.
    if (is_shortage(error) || error == EAGAIN) {
      pause(index);
    } else if (error == 0 || is_of_one_connection(error)) {
      submit_or_park(index);
    } else {
      finish(index, entry.res, {}, sink);
      return;
    }
  }
  if (error == 0 || is_shortage(error)) {
    ++counters_.completions;
    sink.completed({tag, entry.res, true, {}});
  }
}

void UringRing::other_completed(std::uint32_t index, const io_uring_cqe& entry, Sink& sink) {
  const OperationKind kind = table_[index].kind;
  const bool is_send = kind == OperationKind::send || kind == OperationKind::send_last ||
                       kind == OperationKind::send_vector;
  const bool is_undone = entry.res == -EINTR || (entry.res == -EAGAIN && is_send);
  if (!is_undone || kind == OperationKind::connect) {
    finish(index, entry.res, {}, sink);
  } else if (may_go_on(index)) {
    submit_or_park(index);
  } else {
    finish(index, -ECANCELED, {}, sink);
  }
}

void UringRing::finish(std::uint32_t index,
                       std::int32_t result,
                       std::span<const std::byte> data,
                       Sink& sink) {
  const Tag tag = table_[index].tag;
  release(index);
  if (tag.op != Op::none) {
    ++counters_.completions;
    sink.completed({tag, result, false, data});
  }
}

void UringRing::release(std::uint32_t index) {
  if (const std::uint32_t message = table_[index].message; message != OperationTable::kNone) {
    messages_->give_back(message);
  }
  table_.remove(index);
}

void UringRing::pause(std::uint32_t index) {
  table_[index].argument = base::monotonic_ms() + kAcceptPauseMs;
  table_.push_back(paused_, index);
}

void UringRing::resume_paused() {
  while (paused_.size > 0 && table_[paused_.first].argument <= base::monotonic_ms()) {
    submit_or_park(table_.pop_front(paused_));
  }
}

void UringRing::resume_starved() {
  // More than there are buffers would starve again at once.
  std::uint32_t count = std::min<std::uint32_t>(starved_.size, buffers_->free_count());
  for (; count > 0; --count) {
    submit_or_park(table_.pop_front(starved_));
  }
}

void UringRing::deliver_cancelled(Sink& sink) {
  for (std::uint32_t count = cancelled_.size; count > 0; --count) {
    finish(table_.pop_front(cancelled_), -ECANCELED, {}, sink);
  }
}

void UringRing::deliver_wake(Sink& sink) {
  // Cleared before the sink looks at its mailbox: what is posted after that look wakes again.
  if (wake_pending_.load(std::memory_order_relaxed) &&
      wake_pending_.exchange(false, std::memory_order_seq_cst)) {
    ++counters_.completions;
    sink.completed({Tag{Op::wake, {}}, 0, true, {}});
  }
}

void UringRing::arm_wake() {
  start(OperationKind::wake_read, wake_fd_, &wake_count_, sizeof wake_count_, Tag{});
}

void UringRing::stop() {
  is_stopping_ = true;
  while (parked_.size > 0) {
    const std::uint32_t index = table_.pop_front(parked_);
    if (table_[index].kind == OperationKind::close) {
      ::close(table_[index].fd);
    }
  }
  DiscardingSink sink;
  const std::uint64_t deadline = base::monotonic_ms() + kStopMaxMs;
  while (in_kernel_ > 0 && base::monotonic_ms() < deadline) {
    // Again in each round: an operation on its way between two states can be missed.
    if (io_uring_sqe* entry = kernel_->next_entry()) {
      io_uring_prep_cancel64(entry, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
      entry->user_data = kUnreportedKey;
      ++in_kernel_;
    }
    if (kernel_->enter(kStopRound) == EEXIST) {
      return;  // Another thread than the ring's own destroys it: the kernel cancels by itself.
    }
    reap(sink);
    buffers_->publish();
  }
}

}  // namespace rondel::ring
