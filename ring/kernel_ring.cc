#include "ring/kernel_ring.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <liburing.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "ring/features.h"

namespace rondel::ring {

namespace {

constexpr unsigned kBaseFlags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED;

// Newest first: an older kernel answers EINVAL to flags that it does not know.
constexpr std::array<unsigned, 4> kFlagSets{
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
        IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SUBMIT_ALL};

constexpr std::array<std::uint8_t, 13> kOpcodes{
    IORING_OP_ACCEPT,  IORING_OP_RECV,         IORING_OP_SEND,  IORING_OP_SENDMSG,
    IORING_OP_READ,    IORING_OP_WRITE,        IORING_OP_FSYNC, IORING_OP_POLL_ADD,
    IORING_OP_CONNECT, IORING_OP_ASYNC_CANCEL, IORING_OP_CLOSE, IORING_OP_NOP,
    IORING_OP_SHUTDOWN};

/// The ring's own descriptor, without which the thread would keep the ring for ever, and its files.
constexpr std::array<std::uint8_t, 4> kRegistrations{
    IORING_REGISTER_RING_FDS, IORING_UNREGISTER_RING_FDS, IORING_REGISTER_FILES2,
    IORING_REGISTER_FILES_UPDATE};

/// liburing 2.3 declares functions for these two registrations, but its shared library lacks them.
long register_with(int ring_fd, unsigned opcode, void* argument, std::size_t count) {
  return syscall(__NR_io_uring_register, ring_fd, opcode, argument, count);
}

}  // namespace

KernelRing::KernelRing() : ring_(std::make_unique<io_uring>()) {
}

KernelRing::~KernelRing() {
  if (is_made_) {
    io_uring_queue_exit(ring_.get());
  }
}

base::Result<std::unique_ptr<KernelRing>> KernelRing::create(unsigned submission_entries,
                                                             unsigned completion_entries) {
  std::unique_ptr<KernelRing> kernel(new KernelRing);
  int result = -EINVAL;
  for (const unsigned flags : kFlagSets) {
    io_uring_params parameters{};
    parameters.flags = kBaseFlags | flags;
    parameters.cq_entries = std::max(completion_entries, submission_entries);
    result = io_uring_queue_init_params(submission_entries, kernel->ring_.get(), &parameters);
    if (result != -EINVAL) {
      kernel->setup_flags_ = parameters.flags;
      break;
    }
  }
  if (result < 0) {
    return base::Unexpected(setup_error(-result));
  }
  kernel->is_made_ = true;
  constexpr unsigned kNeeded = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
  if ((kernel->ring_->features & kNeeded) != kNeeded) {
    return base::Unexpected(setup_error(ENOSYS));
  }
  // Slots stand for themselves, so that enter() need not write this array for each submission.
  for (unsigned slot = 0; kernel->ring_->sq.array && slot < kernel->ring_->sq.ring_entries;
       ++slot) {
    kernel->ring_->sq.array[slot] = slot;
  }
  return kernel;
}

bool KernelRing::try_restrict() {
  std::array<io_uring_restriction, kOpcodes.size() + 1 + kRegistrations.size()> restrictions{};
  std::size_t count = 0;
  for (const std::uint8_t opcode : kOpcodes) {
    restrictions[count].opcode = IORING_RESTRICTION_SQE_OP;
    restrictions[count++].sqe_op = opcode;
  }
  restrictions[count].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
  restrictions[count++].sqe_flags = IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
  for (const std::uint8_t registration : kRegistrations) {
    restrictions[count].opcode = IORING_RESTRICTION_REGISTER_OP;
    restrictions[count++].register_op = registration;
  }
  return register_with(ring_->ring_fd, IORING_REGISTER_RESTRICTIONS, restrictions.data(), count) ==
         0;
}

bool KernelRing::try_tell(int event_fd) {
  const int result = io_uring_register_eventfd(ring_.get(), event_fd);
  errno = -result;
  set_telling(false);
  return result == 0;
}

void KernelRing::set_telling(bool is_telling) {
  io_uring_cq_eventfd_toggle(ring_.get(), is_telling);
}

base::Result<void> KernelRing::enable() {
  if (register_with(ring_->ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) != 0) {
    return base::Unexpected(setup_error(errno));
  }
  // Saves the kernel a look-up with each call; a thread has 16 places, and does without when they
  // are taken.
  is_descriptor_registered_ = io_uring_register_ring_fd(ring_.get()) == 1;
  return {};
}

bool KernelRing::try_make_file_table(unsigned places) {
  io_uring_rsrc_register table{};
  table.nr = places;
  table.flags = IORING_RSRC_REGISTER_SPARSE;
  return register_with(ring_->ring_fd, IORING_REGISTER_FILES2, &table, sizeof table) == 0;
}

bool KernelRing::try_set_file(unsigned place, int fd) {
  io_uring_files_update update{};
  update.offset = place;
  update.fds = reinterpret_cast<std::uint64_t>(&fd);
  return register_with(ring_->ring_fd, IORING_REGISTER_FILES_UPDATE, &update, 1) == 1;
}

io_uring_sqe* KernelRing::next_entry() {
  return io_uring_get_sqe(ring_.get());
}

bool KernelRing::has_free_entry() const {
  return io_uring_sq_space_left(ring_.get()) > 0;
}

bool KernelRing::has_completions() const {
  return io_uring_cq_ready(ring_.get()) > 0;
}

bool KernelRing::has_work() const {
  const unsigned pending = IO_URING_READ_ONCE(*ring_->sq.kflags);
  return has_completions() || (pending & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) ||
         ring_->sq.sqe_tail != io_uring_smp_load_acquire(ring_->sq.khead);
}

bool KernelRing::are_completions_crowded() const {
  return io_uring_cq_ready(ring_.get()) * 2 >= ring_->cq.ring_entries;
}

bool KernelRing::has_overflow() const {
  return io_uring_cq_has_overflow(ring_.get());
}

int KernelRing::enter(base::Nanoseconds wait, unsigned wanted) {
  io_uring_sq& queue = ring_->sq;
  io_uring_smp_store_release(queue.ktail, queue.sqe_tail);
  queue.sqe_head = queue.sqe_tail;
  const unsigned to_submit = queue.sqe_tail - io_uring_smp_load_acquire(queue.khead);

  const unsigned pending = IO_URING_READ_ONCE(*queue.kflags);
  const bool tells_work = (setup_flags_ & IORING_SETUP_TASKRUN_FLAG) != 0;
  const bool is_idle = tells_work && !(pending & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW));
  if (wait.count() <= 0 && to_submit == 0 && is_idle) {
    return 0;
  }
  // Completions of our own kind appear only in a call that asks for events.
  unsigned flags = IORING_ENTER_GETEVENTS;
  const int descriptor = is_descriptor_registered_ ? ring_->enter_ring_fd : ring_->ring_fd;
  if (is_descriptor_registered_) {
    flags |= IORING_ENTER_REGISTERED_RING;
  }
  int result;
  if (wait.count() > 0) {
    __kernel_timespec limit{.tv_sec = wait.count() / 1'000'000'000,
                            .tv_nsec = wait.count() % 1'000'000'000};
    io_uring_getevents_arg argument{};
    argument.sigmask_sz = _NSIG / 8;
    argument.ts = reinterpret_cast<std::uint64_t>(&limit);
    result = io_uring_enter2(static_cast<unsigned>(descriptor), to_submit, wanted,
                             flags | IORING_ENTER_EXT_ARG, reinterpret_cast<sigset_t*>(&argument),
                             sizeof argument);
  } else {
    result =
        io_uring_enter2(static_cast<unsigned>(descriptor), to_submit, 0, flags, nullptr, _NSIG / 8);
  }
  return result >= 0 || result == -ETIME || result == -EINTR ? 0 : -result;
}

}  // namespace rondel::ring
