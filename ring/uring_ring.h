// The ring on io_uring: what every shard, and the logger, runs on.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "ring/file_table.h"
#include "ring/operation_table.h"
#include "ring/ring.h"

struct io_uring_cqe;
struct io_uring_sqe;

namespace rondel::ring {

class BufferPool;
class KernelRing;
class MessagePool;
class UringRing;

/// How large a ring is. Small values work: what does not fit waits.
struct UringOptions {
  /// Operations that one system call can submit; more are parked for the next. A power of two.
  unsigned submission_entries = 1024;
  /// Completions that wait in shared memory. At least the buffers and the sends of one turn, or the
  /// kernel keeps the rest in a slower list. A power of two.
  unsigned completion_entries = 16384;
  /// Shared by all receives of the ring; all are free again after each turn. 512: on kernel 6.1 one
  /// busy socket may take hundreds at once. A power of two, at most 32768; 0 for a ring that
  /// receives nothing (the logger's).
  unsigned receive_buffers = 512;
  /// 4 KiB hold a burst of a dozen stanzas: splitting a burst costs more than any other choice
  /// here. Units: bytes.
  unsigned receive_buffer_bytes = 4096;
  /// After a turn with many completions the next sleep first waits for half as many (64 at most),
  /// but no longer than this: threads that share a core then change places less often, and each
  /// finds more to do. Turns with few completions never wait for more than one; 0: none does.
  base::Nanoseconds gather_max{0};
  /// Sockets that keep() can take into the ring's own table. At most what a process may open.
  unsigned kept_max = 0;
  /// keep() leaves descriptors below this one as they are: there are enough of them.
  int keep_from = 0;
  /// A ring of the same thread that sleeps for both: its run_once() also returns when this one has
  /// something to do, for a run_once() that does not wait. Outlives this ring, and has no sleeper.
  UringRing* sleeper = nullptr;
  /// The kernel refuses every opcode that this class does not use, whoever gets hold of the ring.
  bool restrict_operations = true;
};

/// A Ring on io_uring.
///
/// Descriptors are ordinary ones. Those given to read() must be blocking (no O_NONBLOCK): the
/// kernel answers EAGAIN for others. Sockets may be either. Thread: made, used and destroyed in
/// one; wake() from any. Limits: an operation record (56 bytes) for each operation under way.
class UringRing final : public Ring {
 public:
  /// Errors: a sentence for the operator when io_uring is off, forbidden or too old, or memory is
  /// refused.
  static base::Result<std::unique_ptr<UringRing>> create(const UringOptions& options);
  /// Cancels what is under way and waits (2 s at most) until the kernel has let go of the memory.
  ~UringRing() override;
  UringRing(const UringRing&) = delete;
  UringRing& operator=(const UringRing&) = delete;

  void accept(int listener_fd, Tag tag) override;
  void receive(int fd, Tag tag, ReceiveMode mode) override;
  void send(int fd, std::span<const std::byte> bytes, Tag tag) override;
  void send_last(int fd, std::span<const std::byte> bytes, Tag tag) override;
  void send_vector(int fd, std::span<const iovec> parts, Tag tag) override;
  void read(int fd, std::span<std::byte> into, Tag tag) override;
  void write(int fd, std::span<const std::byte> bytes, Tag tag) override;
  void sync(int fd, Tag tag) override;
  void poll(int fd, unsigned events, Tag tag) override;
  void connect(int fd, const void* address, unsigned address_bytes, Tag tag) override;
  void cancel(Tag target) override;
  void shut_down(int fd, int how) override;
  void close(int fd) override;
  int keep(int fd) override;
  void run_once(base::Nanoseconds wait_max, Sink& sink) override;
  void wake() override;
  [[nodiscard]] const RingCounters& counters() const override { return counters_; }

  /// Started operations that have not yet completed for the last time; the ring's own are not
  /// counted.
  [[nodiscard]] std::size_t operations_under_way() const;
  /// Receive buffers that are not lent to a sink; all of them between turns.
  [[nodiscard]] unsigned buffers_free() const;
  /// Sockets in the ring's own table.
  [[nodiscard]] std::size_t kept() const { return files_.size(); }
  /// The IORING_SETUP_* flags that the kernel took.
  [[nodiscard]] unsigned setup_flags() const;

 private:
  UringRing(std::unique_ptr<KernelRing> kernel,
            std::unique_ptr<BufferPool> buffers,
            int wake_fd,
            const UringOptions& options);

  [[nodiscard]] bool may_go_on(std::uint32_t index) const;
  void start(OperationKind kind, int fd, const void* memory, std::uint64_t argument, Tag tag);
  void submit_or_park(std::uint32_t index);
  bool try_submit(std::uint32_t index);
  void prepare(const Operation& operation, io_uring_sqe& entry);
  void submit_unreported(OperationKind kind, int fd, std::uint64_t argument);
  void start_own(OperationKind kind, int fd, std::uint64_t argument);
  void own_completed(std::uint32_t index);
  [[nodiscard]] bool submit_parked();
  void resume_paused();
  void resume_starved();
  void pause(std::uint32_t index);
  void release(std::uint32_t index);

  [[nodiscard]] base::Nanoseconds wait_bounded(base::Nanoseconds wait_max) const;
  void enter(base::Nanoseconds wait, unsigned wanted = 1);
  [[nodiscard]] bool try_gather(base::Nanoseconds wait);
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] bool are_followers_quiet();
  void sleep(base::Nanoseconds wait);
  void reap(Sink& sink);
  /// `at(n)`: the completion that comes n behind the present one.
  template <class At>
  void load_ahead(At&& at, Sink& sink) const;
  void dispatch(const io_uring_cqe& entry, Sink& sink);
  void receive_completed(std::uint32_t index, const io_uring_cqe& entry, Sink& sink);
  void accept_completed(std::uint32_t index, const io_uring_cqe& entry, Sink& sink);
  void other_completed(std::uint32_t index, const io_uring_cqe& entry, Sink& sink);
  void finish(std::uint32_t index,
              std::int32_t result,
              std::span<const std::byte> data,
              Sink& sink);
  void deliver_cancelled(Sink& sink);
  void deliver_wake(Sink& sink);
  void arm_wake();
  void stop();

  std::unique_ptr<KernelRing> kernel_;
  std::unique_ptr<BufferPool> buffers_;
  std::unique_ptr<MessagePool> messages_;
  OperationTable table_;
  FileTable files_;
  OperationList parked_;     ///< Found no submission slot; oldest first.
  OperationList starved_;    ///< Receives that found no buffer.
  OperationList paused_;     ///< Accepts that wait out a shortage; by deadline.
  OperationList cancelled_;  ///< Cancelled while the kernel did not have them.
  std::size_t in_kernel_ = 0;
  std::size_t own_operations_ = 0;
  bool is_stopping_ = false;
  RingCounters counters_;
  const base::Nanoseconds gather_max_;
  const int keep_from_;
  UringRing* const sleeper_;
  std::vector<UringRing*> followers_;  ///< Rings that this one sleeps for.
  unsigned reaped_ = 0;                ///< Completions of the last turn.

  int wake_fd_;
  std::uint64_t wake_count_ = 0;  ///< Where the eventfd's counter is read to.
  std::atomic<bool> wake_pending_{false};
  std::atomic<bool> is_sleeping_{false};
  std::atomic<std::uint64_t> wakes_sent_{0};
};

}  // namespace rondel::ring
