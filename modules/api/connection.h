// A connection as modules see it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/handle.h"
#include "base/limits.h"
#include "modules/api/layer.h"
#include "xml/document.h"
#include "xmpp/stream_error.h"

namespace rondel::api {

class Session;

/// Where a peer comes from: an IPv4 or IPv6 address and port, or a process on this host.
struct PeerAddress {
  std::array<std::uint8_t, 16> bytes{};  ///< IPv4 in its mapped form (::ffff:a.b.c.d).
  std::uint16_t port = 0;
  bool is_local_socket = false;

  [[nodiscard]] bool is_ipv4() const;
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] std::string text() const;  ///< Without the port.
};

/// One peer's stream, from accept to close.
///
/// Thread: its shard's; it moves to another shard once, at bind. Owner: the shard. Hold id(), not a
/// pointer.
class Connection {
 public:
  virtual ~Connection() = default;
  [[nodiscard]] virtual base::ConnectionId id() const = 0;
  [[nodiscard]] virtual const PeerAddress& peer() const = 0;
  /// The interface's name; empty until the stream has chosen one among those that share the
  /// address.
  [[nodiscard]] virtual std::string_view interface_name() const = 0;
  /// The host that the stream was opened to; empty until then.
  [[nodiscard]] virtual std::string_view host() const = 0;
  /// The topmost layer; null while the stream is plain.
  [[nodiscard]] virtual const Layer* layer() const = 0;
  /// The bound session; null before.
  [[nodiscard]] virtual Session* session() = 0;

  /// Free text of a module's own, for its hooks further down the way and for the log.
  virtual void set_tag(std::string tag) = 0;
  [[nodiscard]] virtual std::string_view tag() const = 0;

  virtual void set_limits(const base::StanzaLimits& limits) = 0;
  /// More than white space came behind the element that is being handled. Before a layer starts
  /// that is an injection (RFC 6120 §5.4.3.3).
  [[nodiscard]] virtual bool has_unread_bytes() const = 0;
  /// Puts `layer` between the socket and the stream.
  ///
  /// Bytes already received but not read are taken for an injection, and end the stream
  /// (policy-violation). What was written before goes out as it is; everything later through the
  /// layer. The peer restarts its stream afterwards.
  virtual void install_layer(std::unique_ptr<Layer> layer) = 0;
  /// Writes an element of stream negotiation; stanzas go by Shard::deliver().
  virtual void send_element(const xml::Element& element) = 0;
  /// Ends the stream with an error, after what is already written.
  virtual void close(xmpp::StreamErrorCondition condition, std::string_view text) = 0;
};

}  // namespace rondel::api
