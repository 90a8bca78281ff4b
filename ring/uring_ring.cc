#include "ring/uring_ring.h"

#include <algorithm>
#include <cerrno>
#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "ring/buffer_pool.h"
#include "ring/features.h"
#include "ring/kernel_ring.h"
#include "ring/message_pool.h"

namespace rondel::ring {

namespace {

/// No sleep is longer, whatever was asked for: on some kernels a wake-up can be lost.
constexpr base::Nanoseconds kSleepMax = std::chrono::seconds(1);
/// Rounds of one turn that fetch overflowed completions; the rest waits for the next turn, which
/// does not sleep.
constexpr int kOverflowRoundsMax = 64;
constexpr unsigned kLengthMax = 1U << 30;
/// A turn with fewer completions is not worth waiting for its like.
constexpr unsigned kGatherFrom = 16;
constexpr unsigned kGatherMax = 64;

unsigned length_of(std::uint64_t bytes) {
  // More than a socket takes at once anyway; the caller goes on after a short send.
  return static_cast<unsigned>(std::min<std::uint64_t>(bytes, kLengthMax));
}

}  // namespace

base::Result<std::unique_ptr<UringRing>> UringRing::create(const UringOptions& options) {
  RONDEL_TRY(std::unique_ptr<KernelRing> kernel,
             KernelRing::create(options.submission_entries, options.completion_entries));
  RONDEL_TRY(std::unique_ptr<BufferPool> buffers,
             BufferPool::create(*kernel, options.receive_buffers, options.receive_buffer_bytes));
  if (options.restrict_operations) {
    kernel->try_restrict();  // A second lock, not the only one: a kernel without it still serves.
  }
  if (options.sleeper && !kernel->try_tell(options.sleeper->wake_fd_)) {
    return base::Unexpected(setup_error(errno));
  }
  RONDEL_TRY_VOID(kernel->enable());
  // Blocking, or the kernel would answer EAGAIN instead of waiting for a wake-up.
  const int wake_fd = eventfd(0, EFD_CLOEXEC);
  if (wake_fd < 0) {
    return base::Unexpected(setup_error(errno));
  }
  return std::unique_ptr<UringRing>(
      new UringRing(std::move(kernel), std::move(buffers), wake_fd, options));
}

UringRing::UringRing(std::unique_ptr<KernelRing> kernel,
                     std::unique_ptr<BufferPool> buffers,
                     int wake_fd,
                     const UringOptions& options)
    : kernel_(std::move(kernel)),
      buffers_(std::move(buffers)),
      messages_(std::make_unique<MessagePool>()),
      files_(options.kept_max),
      parked_{OperationPlace::parked},
      starved_{OperationPlace::starved},
      paused_{OperationPlace::paused},
      cancelled_{OperationPlace::cancelled},
      gather_max_(options.gather_max),
      keep_from_(options.keep_from),
      sleeper_(options.sleeper),
      wake_fd_(wake_fd) {
  if (sleeper_) {
    RONDEL_ASSERT(!sleeper_->sleeper_);
    sleeper_->followers_.push_back(this);
  }
  ++own_operations_;
  arm_wake();
}

UringRing::~UringRing() {
  RONDEL_ASSERT(followers_.empty());
  if (sleeper_) {
    std::erase(sleeper_->followers_, this);
  }
  stop();
  kernel_.reset();
  ::close(wake_fd_);
}

std::size_t UringRing::operations_under_way() const {
  return table_.size() - own_operations_;
}
unsigned UringRing::buffers_free() const {
  return buffers_->free_count();
}
unsigned UringRing::setup_flags() const {
  return kernel_->setup_flags();
}

void UringRing::accept(int listener_fd, Tag tag) {
  start(OperationKind::accept, listener_fd, nullptr, 0, tag);
}

void UringRing::receive(int fd, Tag tag, ReceiveMode mode) {
  RONDEL_ASSERT(buffers_->count() > 0);
  const bool is_multishot = mode == ReceiveMode::multishot;
  const OperationKind kind =
      is_multishot ? OperationKind::receive_multishot : OperationKind::receive_one_shot;
  const std::uint32_t index = table_.add(kind, fd, nullptr, 0, tag);
  // A socket that is being armed is mostly idle; one that is read step by step has mostly more.
  table_[index].is_poll_first = is_multishot;
  submit_or_park(index);
}

void UringRing::send(int fd, std::span<const std::byte> bytes, Tag tag) {
  start(OperationKind::send, fd, bytes.data(), bytes.size(), tag);
}

void UringRing::send_last(int fd, std::span<const std::byte> bytes, Tag tag) {
  start(OperationKind::send_last, fd, bytes.data(), bytes.size(), tag);
}

void UringRing::send_vector(int fd, std::span<const iovec> parts, Tag tag) {
  const std::uint32_t index =
      table_.add(OperationKind::send_vector, fd, parts.data(), parts.size(), tag);
  table_[index].message = messages_->take(parts);
  submit_or_park(index);
}

void UringRing::read(int fd, std::span<std::byte> into, Tag tag) {
  start(OperationKind::read, fd, into.data(), into.size(), tag);
}

void UringRing::write(int fd, std::span<const std::byte> bytes, Tag tag) {
  start(OperationKind::write, fd, bytes.data(), bytes.size(), tag);
}

void UringRing::sync(int fd, Tag tag) {
  start(OperationKind::sync, fd, nullptr, 0, tag);
}

void UringRing::poll(int fd, unsigned events, Tag tag) {
  start(OperationKind::poll, fd, nullptr, events, tag);
}

void UringRing::connect(int fd, const void* address, unsigned address_bytes, Tag tag) {
  start(OperationKind::connect, fd, address, address_bytes, tag);
}

void UringRing::shut_down(int fd, int how) {
  if (!FileTable::is_kept(fd)) {
    ::shutdown(fd, how);
    return;
  }
  files_.begin(fd);
  start_own(OperationKind::shut_down_kept, fd, static_cast<std::uint64_t>(how));
}

void UringRing::close(int fd) {
  if (!FileTable::is_kept(fd)) {
    submit_unreported(OperationKind::close, fd, 0);
  } else if (files_.try_close(fd)) {
    start_own(OperationKind::close_kept, fd, 0);
  }
}

int UringRing::keep(int fd) {
  return fd < keep_from_ ? fd : files_.keep(*kernel_, fd);
}

void UringRing::cancel(Tag target) {
  if (target.op == Op::none) {
    return;
  }
  for (std::uint32_t index = table_.first_with(target); index != OperationTable::kNone;
       index = table_.next_with(target, index)) {
    Operation& operation = table_[index];
    if (operation.is_cancel_requested) {
      continue;
    }
    operation.is_cancel_requested = true;
    switch (operation.place) {
      case OperationPlace::kernel:
        submit_unreported(OperationKind::cancel, -1, table_.key(index));
        break;
      case OperationPlace::parked:
        table_.unlink(parked_, index);
        table_.push_back(cancelled_, index);
        break;
      case OperationPlace::starved:
        table_.unlink(starved_, index);
        table_.push_back(cancelled_, index);
        break;
      case OperationPlace::paused:
        table_.unlink(paused_, index);
        table_.push_back(cancelled_, index);
        break;
      case OperationPlace::free:
      case OperationPlace::cancelled:
        break;
    }
  }
}

void UringRing::wake() {
  if (wake_pending_.exchange(true, std::memory_order_seq_cst)) {
    return;
  }
  // A ring that is not asleep looks at wake_pending_ before it sleeps; see run_once.
  if (is_sleeping_.load(std::memory_order_seq_cst)) {
    wakes_sent_.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_fd_, &one, sizeof one));  // The sleep is bounded in any case.
  }
}

void UringRing::run_once(base::Nanoseconds wait_max, Sink& sink) {
  ++counters_.turns;
  resume_paused();
  const bool is_all_submitted = submit_parked();
  const base::Nanoseconds wait = is_all_submitted ? wait_bounded(wait_max) : base::Nanoseconds(0);
  if (!try_gather(wait)) {
    sleep(wait);
  }
  reaped_ = 0;

  deliver_wake(sink);
  deliver_cancelled(sink);
  reap(sink);
  for (int round = 0; kernel_->has_overflow() && round < kOverflowRoundsMax; ++round) {
    ++counters_.completion_overflows;
    enter(base::Nanoseconds(0));
    reap(sink);
  }
  buffers_->publish();
  resume_starved();
  counters_.wakes_sent = wakes_sent_.load(std::memory_order_relaxed);
}

/// True if that was enough: something has come. Whoever wakes the ring meanwhile need not write to
/// the eventfd, because the sleep behind it looks at the wake-up first.
bool UringRing::try_gather(base::Nanoseconds wait) {
  if (gather_max_.count() == 0 || wait.count() == 0 || reaped_ < kGatherFrom ||
      wake_pending_.load(std::memory_order_relaxed)) {
    return false;
  }
  ++counters_.gathers;
  enter(std::min(wait, gather_max_), std::min(reaped_ / 2, kGatherMax));
  return kernel_->has_completions();
}

void UringRing::sleep(base::Nanoseconds wait) {
  if (wait.count() > 0) {
    is_sleeping_.store(true, std::memory_order_seq_cst);
    if (wake_pending_.load(std::memory_order_seq_cst) || !are_followers_quiet()) {
      wait = base::Nanoseconds(0);
    }
  }
  enter(wait);
  is_sleeping_.store(false, std::memory_order_relaxed);
  for (UringRing* follower : followers_) {
    follower->kernel_->set_telling(false);
  }
}

/// From here on they tell: what the kernel brings them behind this look ends the sleep.
bool UringRing::are_followers_quiet() {
  if (followers_.empty()) {
    return true;
  }
  for (UringRing* follower : followers_) {
    follower->kernel_->set_telling(true);
  }
  // The kernel says that there is work, then looks whether to tell. The standard's fence is one
  // that gcc's thread sanitizer does not know.
  __sync_synchronize();
  return std::none_of(followers_.begin(), followers_.end(),
                      [](const UringRing* follower) { return follower->has_work(); });
}

bool UringRing::has_work() const {
  return parked_.size > 0 || starved_.size > 0 || paused_.size > 0 || cancelled_.size > 0 ||
         wake_pending_.load(std::memory_order_relaxed) || kernel_->has_work();
}

base::Nanoseconds UringRing::wait_bounded(base::Nanoseconds wait_max) const {
  if (cancelled_.size > 0 || starved_.size > 0 || kernel_->has_overflow()) {
    return base::Nanoseconds(0);
  }
  base::Nanoseconds wait = std::min(wait_max, kSleepMax);
  if (paused_.size > 0) {
    const std::uint64_t now = base::monotonic_ms();
    const std::uint64_t due = table_[paused_.first].argument;
    wait = std::min<base::Nanoseconds>(wait, base::Milliseconds(due > now ? due - now : 0));
  }
  return wait;
}

void UringRing::enter(base::Nanoseconds wait, unsigned wanted) {
  switch (const int error = kernel_->enter(wait, wanted)) {
    case 0:
    case EAGAIN:  // Memory is short, or too many completions wait: what was not submitted stays.
    case EBUSY:
      break;
    default:
      RONDEL_CHECK(error == ENOMEM);  // Anything else is a ring used wrongly, e.g. by two threads.
  }
}

void UringRing::start(
    OperationKind kind, int fd, const void* memory, std::uint64_t argument, Tag tag) {
  submit_or_park(table_.add(kind, fd, memory, argument, tag));
}

void UringRing::submit_or_park(std::uint32_t index) {
  if (parked_.size == 0 && try_submit(index)) {
    return;
  }
  ++counters_.parked;
  table_.push_back(parked_, index);
}

bool UringRing::try_submit(std::uint32_t index) {
  io_uring_sqe* entry = kernel_->next_entry();
  if (!entry) {
    return false;
  }
  const Operation& operation = table_[index];
  prepare(operation, *entry);
  ++counters_.submissions;
  ++in_kernel_;
  if (operation.kind == OperationKind::cancel || operation.kind == OperationKind::close) {
    entry->user_data = kUnreportedKey;
    --own_operations_;
    table_.remove(index);
  } else {
    entry->user_data = table_.key(index);
  }
  return true;
}

void UringRing::submit_unreported(OperationKind kind, int fd, std::uint64_t argument) {
  ++own_operations_;
  submit_or_park(table_.add(kind, fd, nullptr, argument, Tag{}));
}

void UringRing::start_own(OperationKind kind, int fd, std::uint64_t argument) {
  ++own_operations_;
  start(kind, fd, nullptr, argument, Tag{});
}

void UringRing::prepare(const Operation& operation, io_uring_sqe& entry) {
  void* memory = const_cast<void*>(operation.memory);
  const unsigned length = length_of(operation.argument);
  switch (operation.kind) {
    case OperationKind::accept:
      io_uring_prep_multishot_accept(&entry, operation.fd, nullptr, nullptr, SOCK_CLOEXEC);
      break;
    case OperationKind::receive_multishot:
    case OperationKind::receive_one_shot:
      io_uring_prep_recv(&entry, operation.fd, nullptr, 0, 0);
      entry.flags |= IOSQE_BUFFER_SELECT;
      entry.buf_group = BufferPool::kGroup;
      if (operation.kind == OperationKind::receive_multishot) {
        entry.ioprio |= IORING_RECV_MULTISHOT;
      }
      if (operation.is_poll_first) {
        entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
      }
      break;
    case OperationKind::send:
      io_uring_prep_send(&entry, operation.fd, memory, length, MSG_NOSIGNAL);
      break;
    case OperationKind::send_last:
      io_uring_prep_send(&entry, operation.fd, memory, length, MSG_NOSIGNAL | MSG_MORE);
      break;
    case OperationKind::send_vector:
      io_uring_prep_sendmsg(&entry, operation.fd, &(*messages_)[operation.message], MSG_NOSIGNAL);
      break;
    case OperationKind::read:
    case OperationKind::wake_read:
      io_uring_prep_read(&entry, operation.fd, memory, length, ~std::uint64_t{0});
      break;
    case OperationKind::write:
      io_uring_prep_write(&entry, operation.fd, memory, length, ~std::uint64_t{0});
      break;
    case OperationKind::sync:
      io_uring_prep_fsync(&entry, operation.fd, IORING_FSYNC_DATASYNC);
      break;
    case OperationKind::poll:
      io_uring_prep_poll_add(&entry, operation.fd, static_cast<unsigned>(operation.argument));
      break;
    case OperationKind::connect:
      io_uring_prep_connect(&entry, operation.fd, static_cast<sockaddr*>(memory), length);
      break;
    case OperationKind::cancel:
      io_uring_prep_cancel64(&entry, operation.argument, 0);
      break;
    case OperationKind::close:
      io_uring_prep_close(&entry, operation.fd);
      break;
    case OperationKind::shut_down_kept:
      io_uring_prep_shutdown(&entry, operation.fd, static_cast<int>(operation.argument));
      break;
    case OperationKind::close_kept:
      io_uring_prep_close_direct(&entry, FileTable::place_of(operation.fd));
      return;
  }
  if (FileTable::is_kept(operation.fd)) {
    entry.fd = static_cast<int>(FileTable::place_of(operation.fd));
    entry.flags |= IOSQE_FIXED_FILE;
  }
}

bool UringRing::submit_parked() {
  while (true) {
    while (parked_.size > 0 && kernel_->has_free_entry()) {
      try_submit(table_.pop_front(parked_));
    }
    if (parked_.size == 0) {
      return true;
    }
    // Completions have to be taken before more of them are asked for.
    if (kernel_->are_completions_crowded()) {
      return false;
    }
    enter(base::Nanoseconds(0));
    if (!kernel_->has_free_entry()) {
      return false;
    }
  }
}

}  // namespace rondel::ring
