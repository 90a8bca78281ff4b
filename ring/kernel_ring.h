// The shared memory and the system calls of one io_uring, without meaning.
#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/result.h"

struct io_uring;
struct io_uring_sqe;

namespace rondel::ring {

/// Owns an io_uring: set-up with the best flags that the kernel takes, and one system call a turn.
///
/// Thread: made, used and destroyed in one.
class KernelRing {
 public:
  /// A disabled ring: buffers are registered now, then enable() starts it.
  ///
  /// Errors: setup_error() for what the kernel answered.
  static base::Result<std::unique_ptr<KernelRing>> create(unsigned submission_entries,
                                                          unsigned completion_entries);
  ~KernelRing();
  KernelRing(const KernelRing&) = delete;
  KernelRing& operator=(const KernelRing&) = delete;

  /// Limits the ring to the opcodes that UringRing uses, from enable() on; false where the kernel
  /// cannot.
  bool try_restrict();
  /// Lets completions, and work that ends in them, count up an eventfd; before enable(), and silent
  /// until set_telling(). False where the kernel refuses: errno.
  bool try_tell(int event_fd);
  void set_telling(bool is_telling);
  base::Result<void> enable();

  /// Makes the ring's own table of files, with empty places; once. False where the kernel refuses.
  bool try_make_file_table(unsigned places);
  /// Puts an open file into a place, or empties it with -1.
  bool try_set_file(unsigned place, int fd);

  /// A cleared entry to fill in, or null if all are taken until the next submission.
  io_uring_sqe* next_entry();
  [[nodiscard]] bool has_free_entry() const;
  [[nodiscard]] bool has_completions() const;
  /// An enter() that does not wait would do something.
  [[nodiscard]] bool has_work() const;
  /// The shared completion ring is half full, or more.
  [[nodiscard]] bool are_completions_crowded() const;

  /// Submits all entries and takes completions that are ready; waits until there are `wanted` of
  /// them, at most `wait`. Zero does not wait, and makes no system call when there is nothing to
  /// do.
  ///
  /// Errors: 0, or the errno of the refused call, positive; ETIME and EINTR are no errors.
  int enter(base::Nanoseconds wait, unsigned wanted = 1);

  /// Completions wait in the kernel because the shared ring was full.
  [[nodiscard]] bool has_overflow() const;
  [[nodiscard]] io_uring& raw() { return *ring_; }
  [[nodiscard]] const io_uring& raw() const { return *ring_; }
  [[nodiscard]] unsigned setup_flags() const { return setup_flags_; }

 private:
  KernelRing();

  std::unique_ptr<io_uring> ring_;
  unsigned setup_flags_ = 0;
  bool is_made_ = false;
  bool is_descriptor_registered_ = false;
};

}  // namespace rondel::ring
