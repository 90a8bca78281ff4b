// The face of one encrypted connection: bytes in, bytes out, no sockets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/result.h"
#include "tls/client_certificate.h"
#include "tls/options.h"

namespace rondel::tls {

class ChannelBindings;
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

/// What trying the kernel engine led to.
enum class EnterResult : std::uint8_t {
  entered,  ///< From now on the socket carries plain bytes.
  refused,  ///< Nothing has changed: the channel goes on as it was.
  failed,   ///< Half done: close the socket; failure() says why.
};

/// What was agreed; complete from `established` on, empty before. Views live as the channel does.
struct TlsInfo {
  std::string_view version;  ///< "TLSv1.3" or "TLSv1.2".
  std::string_view cipher;   ///< The standard (RFC) name.
  std::string_view sni;      ///< The name that the client asked for, lower case; empty: none.
  std::string_view host;     ///< The configured host whose certificate served.
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
/// After a TLS 1.3 handshake the compact engine takes over by itself; the kernel engine is entered
/// by the owner: when may_enter_kernel(), everything in wire_out has been sent and no receive is
/// under way, it calls try_enter_kernel(). From then on the channel is transparent, and the owner
/// moves plain bytes at the socket. Thread: one at a time; may be moved to another thread between
/// calls. Owner: the connection. Keeps its TlsContexts alive. Limits: kHandshakeBytesMax to shake
/// hands; control records after it by a budget that grows with the data received; plain bytes never
/// exceed wire bytes.
class Channel {
 public:
  virtual ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Takes bytes from the wire; plain bytes that were complete before a failure are delivered.
  [[nodiscard]] virtual Status receive(std::span<const std::byte> wire,
                                       base::ByteBuffer& plain,
                                       base::ByteBuffer& wire_out) = 0;
  /// The transport has ended (FIN or error): `closed` after a close_notify, else `truncated`.
  [[nodiscard]] Status receive_end();
  /// Seals `plain` into as few records as it can (16 KiB each): pass together what is ready
  /// together. Errors: `failed` before the handshake is done, after close(), and after a failure.
  [[nodiscard]] virtual Status send(std::span<const std::byte> plain,
                                    base::ByteBuffer& wire_out) = 0;
  /// Says close_notify, once; nothing can be sent afterwards, but the peer may still send.
  /// A transparent channel says it by send_close_notify() instead.
  virtual void close(base::ByteBuffer& wire_out) = 0;

  /// True once the engine will not change any more: receives by multishot may begin.
  [[nodiscard]] virtual bool is_settled() const = 0;
  /// True at a record boundary of a connection that the kernel can take and that is to be taken.
  /// Only becomes true again with the next receive(): ask after each until it was entered.
  [[nodiscard]] virtual bool may_enter_kernel() const = 0;
  /// Moves the records into the kernel. Only if may_enter_kernel(), with all of wire_out sent (the
  /// sends completed) and no receive under way; bytes in the socket's queue do not matter.
  [[nodiscard]] virtual EnterResult try_enter_kernel(int fd) = 0;
  /// True once the kernel works on the records: the bytes at the socket are plain bytes.
  [[nodiscard]] bool is_transparent() const { return engine_ == Engine::kernel; }
  /// A receive at the socket of a transparent channel gave an error: EIO means a record that is not
  /// data, which this call reads and handles. After `ok` receive again; bytes in `plain` come
  /// first. After `failed` an alert was sent where the kernel let us; `truncated`: the transport
  /// failed. Units: errno, positive.
  /// `closed` also stands for a KeyUpdate that the kernel cannot follow: close_notify was sent.
  [[nodiscard]] virtual Status handle_receive_error(int fd, int error, base::ByteBuffer& plain) = 0;
  /// The same for EIO.
  [[nodiscard]] Status handle_control_record(int fd, base::ByteBuffer& plain);
  /// Says close_notify on a transparent channel, once; behind everything sent before. False: the
  /// socket did not take it. Shut the socket down for writing afterwards.
  virtual bool send_close_notify(int fd) = 0;
  /// Changes a transparent channel's key for sending when it is worn; call it after each GiB sent,
  /// with no send under way. `closed`: the kernel cannot, and close_notify was sent.
  /// Source: RFC 8446 §5.5.
  [[nodiscard]] virtual Status refresh_kernel_keys(int fd) = 0;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool is_established() const { return state_ == State::established; }
  [[nodiscard]] TlsInfo info() const;
  /// Set once a call has returned `failed`.
  [[nodiscard]] const Failure& failure() const;

  /// 32 bytes of "EXPORTER-Channel-Binding", by the secret of the end of the handshake; computed
  /// when asked for, on TLS 1.3, since most clients do without.
  /// Absent before it, after forget_bindings(), and for TLS 1.2 without extended master secret.
  /// Source: RFC 9266 §2, §4.2.
  [[nodiscard]] std::optional<std::string> exporter() const;
  [[nodiscard]] bool has_exporter() const;
  /// The hash of our certificate as the client knows it, also in a resumed session.
  /// Absent where the certificate's signature names no single hash, and after forget_bindings().
  /// Source: RFC 5929 §4.1.
  [[nodiscard]] std::optional<std::string> server_end_point() const;
  /// What the client has shown in this handshake; null if it showed none, or was not asked, in a
  /// resumed session, and after forget_bindings().
  [[nodiscard]] const ClientCertificate* client_certificate() const;
  /// Drops all three: nobody authenticates on this connection any more.
  void forget_bindings();

 protected:
  Channel();

  void set_sni(std::string_view sni, const std::string& host);
  /// To be filled at the end of the handshake.
  [[nodiscard]] ChannelBindings& bindings();
  /// Notes why, and that nothing works from now on.
  Status fail(Failure failure);

  State state_ = State::handshaking;
  Engine engine_ = Engine::retained;
  bool is_tls13_ = false;
  bool is_resumed_ = false;
  const char* cipher_ = nullptr;  ///< OpenSSL's own text.
  std::string_view alpn_;

 private:
  bool is_sni_the_host_ = false;
  const std::string* host_ = nullptr;
  std::unique_ptr<const std::string> sni_;  ///< Null if it is the host's name, or empty.
  std::unique_ptr<const Failure> failure_;
  std::unique_ptr<ChannelBindings>
      bindings_;  ///< Null before the end of the handshake, and when forgotten.
};

/// Bytes a client may send before its handshake is done: far above any real one without client
/// certificates, far below what would hurt.
inline constexpr std::size_t kHandshakeBytesMax = 32 * 1024;
/// More of them where it is asked for a certificate, and the most that its chain may have: a dozen
/// long ones.
inline constexpr std::size_t kClientCertificateBytesMax = 32 * 1024;
/// Records without data (KeyUpdate, alerts) that a peer may send for nothing...
inline constexpr std::uint32_t kControlRecordsMax = 32;
/// ...and the bytes of data that earn it one more.
inline constexpr std::uint32_t kBytesPerControlRecord = 256 * 1024;

/// A server's channel for a new connection.
/// Errors: only for want of memory.
[[nodiscard]] base::Result<std::unique_ptr<Channel>> accept_channel(
    std::shared_ptr<const TlsContexts> contexts, const AcceptOptions& options);

}  // namespace rondel::tls
