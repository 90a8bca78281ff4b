// One client's connection: a socket on a ring, TLS if asked for, and elements out of its bytes.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

#include "base/byte_buffer.h"
#include "perf/load/tls_client.h"
#include "ring/ring.h"
#include "xml/framer.h"

namespace rondel::load {

class Connection;
class Login;

/// Hears what happens on connections.
class ConnectionEvents {
 public:
  virtual ~ConnectionEvents() = default;
  /// Bytes may flow: after TCP, and again after TLS.
  virtual void opened(Connection& connection) = 0;
  /// A stream header, a stanza or the end of the stream; the text is valid during the call.
  virtual void element(Connection& connection, xml::FrameKind kind, std::string_view text) = 0;
  /// The socket is closed and nothing of it is under way; `reason` is empty if we wanted it.
  virtual void ended(Connection& connection, const std::string& reason) = 0;
};

/// What all connections of a thread share.
struct ConnectionWorld {
  ConnectionEvents& events;
  bool is_keeping = false;  ///< Settled sockets go into their ring's table.
  /// Sessions mostly say nothing: a socket that need not be read in steps is polled, since a
  /// receive that waits holds 600 bytes more of the kernel's memory.
  bool is_quiet = false;
  int descriptors_end = std::numeric_limits<int>::max();  ///< The rest is not for sockets.
  std::string limit_words{};                              ///< For those that find no open file.
  const TlsContext* tls = nullptr;
  base::ByteBuffer plain{};          ///< Decrypted bytes of one call.
  std::vector<Connection*> dirty{};  ///< To be flushed at the end of the turn.
  std::size_t buffer_kept = 4096;    ///< A larger buffer is given back once it is empty.
};

/// Its number is its account's. Memory: some 250 bytes, and what is under way.
class Connection {
 public:
  Connection(ConnectionWorld& world, ring::Ring& ring, std::uint32_t number)
      : world_(&world), ring_(&ring), number_(number) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects from `source` (family AF_UNSPEC: the system's choice). The outcome comes as event.
  void open(const sockaddr_storage& server, const sockaddr_storage& source, bool is_tls_direct);
  /// After STARTTLS was agreed; opened() comes again.
  void start_tls();
  /// The stream begins anew.
  void restart_stream() { framer_.reset(); }

  /// The session is there to stay: its socket need be no open file of the process.
  void settle();

  /// What is appended is sent at the end of the turn.
  [[nodiscard]] base::ByteBuffer& out() {
    mark_dirty();
    return pending_;
  }
  void flush();
  /// Bytes that were given and are not sent.
  [[nodiscard]] std::size_t unsent() const { return pending_.size() + sending_.size(); }

  /// Says close_notify, sends what is left, and closes when the server has closed.
  void finish();
  /// Ends at once; `reason` goes to ended().
  void close(std::string reason);
  /// Ends at once with a reset, so that the server hears an error.
  void reset();

  void completed(const ring::Completion& completion);

  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] bool is_closed() const { return fd_ < 0 && !is_closing_; }
  [[nodiscard]] bool is_encrypted() const { return tls_ && tls_->is_established(); }
  [[nodiscard]] bool is_ready() const { return stage == Stage::ready && !is_closing_; }
  [[nodiscard]] bool is_finishing() const { return is_finishing_; }

  /// Where the session stands; its owner's to set.
  enum class Stage : std::uint8_t { none, login, ready, leaving };
  Stage stage = Stage::none;
  std::unique_ptr<Login> login;  ///< While it logs in.
  std::int64_t began_ns = 0;     ///< When the login, or the end, began.

 private:
  [[nodiscard]] ring::Tag tag(ring::Op op) const { return {op, {number_, generation_}}; }
  void mark_dirty() {
    if (!is_dirty_) {
      is_dirty_ = true;
      world_->dirty.push_back(this);
    }
  }
  void arm_receive();
  void connect_completed(int result);
  void receive_completed(const ring::Completion& completion);
  void send_completed(int result);
  void take(std::span<const std::byte> wire);
  void take_plain(std::span<const std::byte> bytes);
  void begin_end();
  void end_if_quiet();

  /// A socket can move only while nothing of it is under way: until then it is read in steps.
  enum class Reading : std::uint8_t { continuous, in_steps, until_moved };

  ConnectionWorld* world_;
  ring::Ring* ring_;
  std::unique_ptr<TlsClient> tls_;
  base::ByteBuffer pending_;  ///< Plain bytes.
  base::ByteBuffer sending_;  ///< Wire bytes that the kernel looks at.
  base::ByteBuffer partial_;  ///< The beginning of an element.
  std::string reason_;
  xml::Framer framer_;
  std::uint32_t number_;
  std::uint32_t generation_ = 0;
  int fd_ = -1;
  Reading reading_ = Reading::continuous;
  bool is_kept_ = false;  ///< `fd_` is for calls of the ring only.
  bool is_dirty_ = false;
  bool is_tls_direct_ = false;
  bool is_sending_ = false;
  bool is_receiving_ = false;
  bool is_polling_ = false;  ///< In place of a receive, with its tag.
  bool is_connecting_ = false;
  bool is_closing_ = false;
  bool is_finishing_ = false;
  bool has_said_close_ = false;
};

}  // namespace rondel::load
