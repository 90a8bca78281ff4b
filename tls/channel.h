// The face of one encrypted connection: bytes in, bytes out, no sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/result.h"
#include "tls/options.h"

namespace rondel::tls {

class TlsContexts;

/// Who works on the records after the handshake; DESIGN §6.
enum class Engine : std::uint8_t { retained, compact, kernel };
[[nodiscard]] std::string_view engine_name(Engine engine);

/// What a call on a channel led to.
enum class Status : std::uint8_t {
  ok,         ///< Go on; there may be plain bytes, bytes to write, both or neither.
  closed,     ///< The peer's close_notify came: all it ever sent has been delivered.
  truncated,  ///< The transport ended without close_notify: the end may have been cut off.
  failed,     ///< Write what is in wire_out (an alert), then close; failure() says why.
};

enum class State : std::uint8_t {
  handshaking,
  established,
  closed,  ///< The peer's close_notify came; sending is still possible until our own close().
  failed,
};

/// What was agreed; complete from `established` on, and handed on when the engine changes.
struct TlsInfo {
  std::string_view version;  ///< "TLSv1.3" or "TLSv1.2".
  std::string_view cipher;   ///< The standard (RFC) name.
  std::string sni;           ///< The name that the client asked for, lower case; empty: none.
  std::string_view host;     ///< The configured host whose certificate served; with the contexts.
  std::string_view alpn;     ///< The protocol chosen; empty: none.
  Engine engine = Engine::retained;
  bool is_resumed = false;
};

/// Why a channel failed.
struct Failure {
  int alert = -1;  ///< RFC 8446 §6 number, sent or received; -1: none.
  bool is_from_peer = false;
  std::string text;  ///< For the log.
};

/// One TLS connection, server side.
///
/// Bytes from the wire go in whole and are consumed at once; what a call yields is appended to the
/// buffers given. A channel keeps no input or output between calls but a record not yet complete.
/// Thread: one at a time; may be moved to another thread between calls.
/// Owner: the connection. Keeps its TlsContexts alive.
/// Limits: kHandshakeBytesMax to shake hands; control records after it by a budget that grows with
/// the data received; plain bytes never exceed wire bytes.
class Channel {
 public:
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Takes bytes from the wire; plain bytes that were complete before a failure are delivered.
  [[nodiscard]] virtual Status receive(std::span<const std::byte> wire,
                                       base::ByteBuffer& plain,
                                       base::ByteBuffer& wire_out) = 0;
  /// The transport has ended (FIN or error): `closed` after a close_notify, else `truncated`.
  [[nodiscard]] virtual Status receive_end() = 0;
  /// Seals `plain` into as few records as it can (16 KiB each): pass together what is ready
  /// together. Errors: `failed` before the handshake is done, after close(), and after a failure.
  [[nodiscard]] virtual Status send(std::span<const std::byte> plain,
                                    base::ByteBuffer& wire_out) = 0;
  /// Says close_notify, once; nothing can be sent afterwards, but the peer may still send.
  virtual void close(base::ByteBuffer& wire_out) = 0;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool is_established() const { return state_ == State::established; }
  [[nodiscard]] const TlsInfo& info() const { return info_; }
  /// Set once a call has returned `failed`.
  [[nodiscard]] const Failure& failure() const { return failure_; }

  /// 32 bytes of "EXPORTER-Channel-Binding", taken at the end of the handshake.
  /// Absent before it, and for TLS 1.2 without extended master secret. Source: RFC 9266 §2, §4.2.
  [[nodiscard]] const std::optional<std::string>& exporter() const { return exporter_; }
  /// The hash of our certificate as the client knows it, also in a resumed session.
  /// Absent where the certificate's signature names no single hash. Source: RFC 5929 §4.1.
  [[nodiscard]] const std::optional<std::string>& server_end_point() const { return end_point_; }

 protected:
  Channel() = default;

  TlsInfo info_;
  Failure failure_;
  std::optional<std::string> exporter_;
  std::optional<std::string> end_point_;
  State state_ = State::handshaking;
};

/// Bytes a client may send before its handshake is done: far above any real one without client
/// certificates, far below what would hurt.
inline constexpr std::size_t kHandshakeBytesMax = 32 * 1024;
/// Records without data (KeyUpdate, alerts, renegotiation) that a peer may send for nothing...
inline constexpr std::uint32_t kControlRecordsMax = 32;
/// ...and the bytes of data that earn it one more.
inline constexpr std::uint32_t kBytesPerControlRecord = 256 * 1024;

/// A server's channel for a new connection, with the retained engine.
/// Errors: only for want of memory.
[[nodiscard]] base::Result<std::unique_ptr<Channel>> accept_channel(
    std::shared_ptr<const TlsContexts> contexts, const AcceptOptions& options);

}  // namespace rondel::tls
