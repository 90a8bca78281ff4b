// The seam between the server and the kernel: tagged operations in, tagged completions out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/clock.h"
#include "base/handle.h"

struct iovec;

namespace rondel::ring {

/// What a completion belongs to; the top byte of an operation's tag.
enum class Op : std::uint8_t {
  none,     ///< Nobody waits for it.
  accept,   ///< result: the new socket.
  receive,  ///< result: bytes, 0 at the end of the stream; `data` holds them.
  send,     ///< result: bytes taken, perhaps fewer than given.
  cancel,   ///< result: ignored by handlers; the cancelled operation completes by itself.
  read,     ///< result: bytes read into the caller's memory (eventfd, signalfd, inotify).
  write,    ///< result: bytes written (log files).
  sync,     ///< result: 0 once the file's data is on the disk.
  poll,     ///< result: ready events.
  wake,     ///< Another thread asked this ring to look at its mailbox.
  connect,  ///< result: 0 once connected.
  count
};

/// A name for one operation: op (8 bits), generation (24), slot (32).
///
/// Limits: never all ones, which liburing uses for itself.
struct Tag {
  Op op = Op::none;
  base::SlotHandle owner;

  [[nodiscard]] std::uint64_t packed() const {
    return static_cast<std::uint64_t>(op) << 56 |
           static_cast<std::uint64_t>(owner.generation & 0xff'ffff) << 32 | owner.slot;
  }
  static Tag unpacked(std::uint64_t value) {
    return {
        static_cast<Op>(value >> 56),
        {static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32) & 0xff'ffff}};
  }
  friend bool operator==(const Tag&, const Tag&) = default;
};

/// One completed step of an operation.
struct Completion {
  Tag tag;
  std::int32_t result = 0;          ///< Zero or positive, or a negated errno.
  bool has_more = false;            ///< The operation goes on (multishot) and will complete again.
  std::span<const std::byte> data;  ///< Of a receive; valid during the call only.
};

/// Takes the completions of one turn.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void completed(const Completion& completion) = 0;
  /// A completion with this tag is among the next ones: its memory may be loaded meanwhile.
  virtual void coming(Tag /*tag*/) {}
  /// One with this tag is the next one, and its owner's memory is there if coming() has asked for
  /// it: what hangs on that may be loaded meanwhile.
  virtual void next(Tag /*tag*/) {}
};

enum class ReceiveMode : std::uint8_t { one_shot, multishot };

/// What happened in rings since they were made; every number only grows.
struct RingCounters {
  std::uint64_t turns = 0;
  std::uint64_t submissions = 0;  ///< Operations handed to the kernel.
  std::uint64_t completions = 0;
  std::uint64_t buffers_starved = 0;  ///< Receives that ended because no buffer was free (ENOBUFS).
  std::uint64_t completion_overflows = 0;
  std::uint64_t parked = 0;  ///< Operations that waited for a free submission slot.
  std::uint64_t wakes_sent = 0;
  std::uint64_t gathers = 0;  ///< Sleeps that waited a little for several completions first.
};

/// An event loop's kernel side. Two implementations: UringRing, and SimRing for tests.
///
/// Operations never fail at the call: what the kernel refuses comes as a completion. One that finds
/// no submission slot is parked, in order, and submitted as soon as there is one. Memory given to
/// an operation must live until its last completion. For each started operation exactly one
/// completion without `has_more` comes (also after a cancel), unless its tag's op is `none`.
/// Errors: ENOBUFS, EINTR and EAGAIN of a receive are dealt with inside: a starved receive is armed
/// again when buffers return, and its handler never hears of it. A multishot that the kernel ends
/// without an error is reported as it comes (has_more false): the handler arms it again. Thread:
/// one, the ring's; wake() alone may be called from any.
class Ring {
 public:
  virtual ~Ring() = default;

  /// Accepts until cancelled. EMFILE, ENFILE, ENOMEM and ENOBUFS pause it (100 ms) instead of
  /// ending it, and are reported with has_more true, so that they can be logged; ECONNABORTED is
  /// not reported.
  virtual void accept(int listener_fd, Tag tag) = 0;
  virtual void receive(int fd, Tag tag, ReceiveMode mode) = 0;
  /// At most one send may be under way for each socket; a short send is the caller's to continue.
  /// MSG_NOSIGNAL is set.
  virtual void send(int fd, std::span<const std::byte> bytes, Tag tag) = 0;
  /// As send(), for a socket's last bytes: the kernel may hold them until shut_down(SHUT_WR), which
  /// is to follow their completion, so that the end leaves with them instead of in a packet of its
  /// own.
  virtual void send_last(int fd, std::span<const std::byte> bytes, Tag tag) {
    send(fd, bytes, tag);
  }
  virtual void send_vector(int fd, std::span<const iovec> parts, Tag tag) = 0;
  virtual void read(int fd, std::span<std::byte> into, Tag tag) = 0;
  /// Appends at the file's end (offset −1: the file's own position).
  virtual void write(int fd, std::span<const std::byte> bytes, Tag tag) = 0;
  virtual void sync(int fd, Tag tag) = 0;
  virtual void poll(int fd, unsigned events, Tag tag) = 0;
  virtual void connect(int fd, const void* address, unsigned address_bytes, Tag tag) = 0;
  /// Asks for an early end of the operation with tag `target`; that operation completes by itself,
  /// perhaps with data.
  virtual void cancel(Tag target) = 0;
  /// Says `how` (as of shutdown(2)) that no more is sent or read; may happen after the call.
  virtual void shut_down(int fd, int how) = 0;
  /// Closes after all submitted operations of the turn; for sockets without operations under way.
  virtual void close(int fd) = 0;
  /// Moves a socket without operations under way into the ring's own table once descriptors are
  /// getting scarce: it is no open file of the process any more. Returns what stands for it from
  /// now on, in calls of this ring only; `fd` itself where it stays what it was. Blocks for two
  /// system calls.
  virtual int keep(int fd) = 0;

  /// One turn: submits, waits at most `wait_max` for a first completion, hands every completion
  /// that is there to `sink`, returns the receive buffers, arms starved receives again.
  virtual void run_once(base::Nanoseconds wait_max, Sink& sink) = 0;

  /// Makes a run_once() that waits, or the next one, return at once with a completion of Op::wake.
  /// Thread: any.
  virtual void wake() = 0;

  [[nodiscard]] virtual const RingCounters& counters() const = 0;
};

}  // namespace rondel::ring
