// An ordinary OpenSSL client on memory buffers, and a link that joins it to a channel.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_buffer.h"
#include "tls/channel.h"
#include "tls/openssl_handle.h"

struct ssl_session_st;

namespace rondel::tls {

struct SessionDelete {
  void operator()(ssl_session_st* session) const;
};
using SessionPtr = std::unique_ptr<ssl_session_st, SessionDelete>;

struct ClientOptions {
  int version = 0;  ///< 12, 13, or 0 for either.
  std::string sni{};
  std::vector<std::string> alpn{};
  std::string ciphers12{};
  std::string ciphers13{};
  std::string signatures{};
  x509_st* trusted_root = nullptr;  ///< Set: the chain and the name (sni) are verified.
  ssl_session_st* session = nullptr;
  bool has_extended_master_secret = true;
  bool asks_for_status = false;    ///< By the extension status_request.
  std::string certificate_path{};  ///< Its own, shown if it is asked for.
  std::string key_path{};
};

class TlsClient {
 public:
  explicit TlsClient(const ClientOptions& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// Takes wire bytes and works: handshake, reading.
  void receive(std::string_view wire);
  void send(std::string_view plain);
  void close();
  /// Wire bytes to the server, emptied by the call.
  [[nodiscard]] std::string take_wire();

  [[nodiscard]] bool is_established() const;
  [[nodiscard]] const std::string& plain() const { return plain_; }
  [[nodiscard]] bool is_closed_by_peer() const { return is_closed_by_peer_; }
  [[nodiscard]] const std::string& error() const { return error_; }
  /// The last fatal alert that the server sent; -1: none.
  [[nodiscard]] int alert() const { return alert_; }
  [[nodiscard]] std::string alpn() const;
  [[nodiscard]] std::string cipher() const;
  [[nodiscard]] bool is_resumed() const;
  [[nodiscard]] std::string exporter() const;
  [[nodiscard]] std::string end_point(const char* hash) const;
  [[nodiscard]] std::string peer_key_type() const;
  [[nodiscard]] std::string peer_common_name() const;
  /// The OCSP response that came along; empty: none.
  [[nodiscard]] std::string stapled() const;
  /// The last session that came, or the one of that number.
  [[nodiscard]] SessionPtr session() const;
  [[nodiscard]] SessionPtr session(std::size_t number) const;
  [[nodiscard]] std::size_t tickets() const { return sessions_.size(); }
  [[nodiscard]] ssl_st* ssl() const { return ssl_.get(); }

 private:
  void step();

  OpensslPtr<ssl_ctx_st> context_;
  OpensslPtr<ssl_st> ssl_;
  std::vector<SessionPtr> sessions_;
  std::string plain_;
  std::string error_;
  int alert_ = -1;
  bool is_closed_by_peer_ = false;

  friend struct ClientCallbacks;
};

/// A client and a channel; `cut` bytes at a time from the client to the server, 0: all at once.
struct Link {
  Link(std::shared_ptr<const TlsContexts> contexts,
       const ClientOptions& client_options,
       AcceptOptions accept_options = {},
       std::size_t cut_size = 0);

  /// Carries bytes both ways until nobody has any; the last status of the channel.
  Status pump();
  /// Gives bytes of the test's own making to the channel.
  Status give(std::string_view wire);
  /// Sends from the server, which must work.
  void server_send(std::string_view text);

  TlsClient client;
  std::unique_ptr<Channel> channel;
  base::ByteBuffer plain;
  base::ByteBuffer wire_out;
  std::size_t cut;
  Status status = Status::ok;
};

}  // namespace rondel::tls
