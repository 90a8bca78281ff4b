// The kernel engine: records in the socket; for this room's sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/types.h>

#include "base/byte_buffer.h"
#include "tls/channel.h"
#include "tls/record_cipher.h"
#include "tls/traffic_keys.h"

struct msghdr;

namespace rondel::tls {

/// The system calls of this engine; a test of what one kernel cannot show puts others in.
struct KernelCalls {
  int (*set_option)(int fd, int level, int name, const void* value, unsigned size);
  int (*get_option)(int fd, int level, int name, void* value, unsigned* size);
  ssize_t (*receive_message)(int fd, msghdr* message, int flags);
  ssize_t (*send_message)(int fd, const msghdr* message, int flags);

  [[nodiscard]] static const KernelCalls& real();
};

/// One socket whose records the kernel carries. Lives for one call; what lasts is in `Keys`.
/// Source: Linux Documentation/networking/tls.rst. Never blocks.
class KernelRecords {
 public:
  /// What a connection keeps.
  struct Keys {
    Aead aead;
    TrafficKeys& receive;
    TrafficKeys& send;
    bool can_rekey;  ///< Else the secrets are gone.
  };

  KernelRecords(int fd, Keys keys, const KernelCalls& calls)
      : fd_(fd), keys_(keys), calls_(calls) {}

  /// Gives the keys to the kernel and wipes what will not be needed again.
  [[nodiscard]] EnterResult enter(Failure& failure);

  struct Outcome {
    Status status = Status::ok;
    Failure failure{};
    bool is_close_said = false;  ///< No more sending.
    bool must_answer = false;    ///< A KeyUpdate waits until the socket takes it: refresh().
    bool was_control = false;
  };
  /// Reads one record that is not data, and does what it asks for.
  [[nodiscard]] Outcome take_record(base::ByteBuffer& plain);
  /// Says by an alert what is wrong, if it is something of the peer's.
  [[nodiscard]] Outcome take_error(int error);
  /// Changes the key for sending if it is worn, or if the peer asked for it.
  [[nodiscard]] Outcome refresh(bool must_answer);
  [[nodiscard]] bool say(std::uint8_t alert);
  /// All that ever came from the wire. Units: bytes; 0: unknown.
  [[nodiscard]] std::uint64_t bytes_received() const;

 private:
  [[nodiscard]] bool set_keys(int direction, const TrafficKeys& keys) const;
  [[nodiscard]] std::uint64_t records_sent() const;
  [[nodiscard]] bool send_record(ContentType type, std::span<const std::byte> content);
  [[nodiscard]] Outcome take_alert(std::span<const std::byte> content);
  [[nodiscard]] Outcome take_handshake(std::span<const std::byte> content);
  [[nodiscard]] Outcome fail(Failure failure);

  int fd_;
  Keys keys_;
  const KernelCalls& calls_;
};

}  // namespace rondel::tls
