// A layer: an extension between socket bytes and stream bytes, such as TLS.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_buffer.h"

namespace rondel::api {

/// What a layer says of itself once it is up; shown in status and log. The texts live as the layer
/// does.
struct LayerInfo {
  std::string_view name;     ///< The extension's name, "layer-tls".
  std::string_view version;  ///< "TLSv1.3".
  std::string_view cipher;
  std::string_view server_name;  ///< What the client asked for (SNI); empty if it did not.
  std::string_view protocol;     ///< What was agreed by ALPN; empty if nothing.
  std::string_view engine;       ///< Which record engine carries it.
  bool is_encrypted = false;
  bool is_resumed = false;
};

/// What the client's certificate is worth.
enum class CertificateTrust : std::uint8_t {
  verified,        ///< An authority that the interface trusts vouches for its names.
  unknown_issuer,  ///< In order, but nobody vouches for its names: self-signed, or a foreign one's.
  unusable,        ///< Out of date, revoked, or refused for another reason.
};

/// The certificate that a client has shown in the handshake, and whose key it has proven to have.
struct ClientCertificate {
  CertificateTrust trust = CertificateTrust::unusable;
  std::string reason;       ///< Why it is not verified, for the log.
  std::string fingerprint;  ///< SHA-256 of its DER form: 64 digits, lower case.
  // Its names; only those of a verified one mean anything.
  std::vector<std::string> xmpp_addresses;  ///< id-on-xmppAddr, as they stand, not prepared.
  std::vector<std::string> emails;          ///< rfc822Name.
  std::string common_name;                  ///< Empty if there is none, or several.
  std::chrono::system_clock::time_point valid_until;
};

/// Turns wire bytes into stream bytes and back; owns no socket.
///
/// Owner: the connection, with which it moves between shards. Thread: the connection's shard.
class Layer {
 public:
  enum class Status : std::uint8_t {
    ok,
    closed,  ///< The peer ended the layer in order; what came before is in `plain`.
    failed,  ///< Nothing more can be sent or received; an alert may stand in `wire_out`.
  };

  virtual ~Layer() = default;
  /// Takes all of `wire`; appends stream bytes to `plain` and answers of the layer's own to
  /// `wire_out`.
  virtual Status receive(std::span<const std::byte> wire,
                         base::ByteBuffer& plain,
                         base::ByteBuffer& wire_out) = 0;
  /// Appends `plain`, as the wire carries it, to `wire_out`. Only once is_up().
  virtual Status send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) = 0;
  /// Appends the layer's own farewell.
  virtual void close(base::ByteBuffer& wire_out) = 0;
  /// True after the handshake; stream bytes flow from then on.
  [[nodiscard]] virtual bool is_up() const = 0;
  /// Made when asked for, so that an idle connection keeps no second copy.
  [[nodiscard]] virtual LayerInfo info() const = 0;
  /// The binding data of `type` ("tls-exporter", "tls-server-end-point"), if this channel has it.
  [[nodiscard]] virtual std::optional<std::string> channel_binding(std::string_view type) const = 0;
  /// Whether it has: for a layer that can tell without computing it.
  [[nodiscard]] virtual bool has_channel_binding(std::string_view type) const {
    return channel_binding(type).has_value();
  }
  /// What the client has shown; none if it has not, was not asked, or resumes a session.
  [[nodiscard]] virtual std::optional<ClientCertificate> client_certificate() const {
    return std::nullopt;
  }
  /// Nobody authenticates on this connection any more: what channel_binding() and
  /// client_certificate() need may go.
  virtual void forget_channel_bindings() {}
  /// Why receive() or send() failed, for the log.
  [[nodiscard]] virtual std::string_view failure() const = 0;

  // A layer that the kernel can take over (kernel TLS).
  /// True if enter_socket() makes sense now; asked after each receive() until the layer is
  /// transparent.
  [[nodiscard]] virtual bool wants_socket() const { return false; }
  /// Hands the work over to the socket, or leaves everything as it was; failed means that it is
  /// half done and must be closed. Only with everything sent and no receive under way.
  virtual Status enter_socket(int /*fd*/) { return Status::ok; }
  /// The socket carries stream bytes: receive(), send() and close() are not called any more.
  [[nodiscard]] virtual bool is_transparent() const { return false; }
  /// A receive at the socket of a transparent layer gave `error` (a positive errno). After `ok`
  /// receive again.
  virtual Status receive_error(int /*fd*/, int /*error*/, base::ByteBuffer& /*plain*/) {
    return Status::failed;
  }
  /// The farewell of a transparent layer, behind everything that was sent.
  virtual void close_socket(int /*fd*/) {}
  /// Called after each GiB that a transparent layer has sent, with no send under way.
  virtual Status tend_socket(int /*fd*/) { return Status::ok; }
};

}  // namespace rondel::api
