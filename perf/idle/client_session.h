// A client's session that logs in by blocking calls and then only holds its socket.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rondel::perf {

/// Where and as whom a session logs in.
struct Login {
  std::string host = "127.0.0.1";  ///< An IPv4 address.
  std::uint16_t port = 0;
  std::string source = "127.0.0.1";  ///< The address to connect from.
  bool is_tls = false;               ///< TLS 1.3 from the first byte (XEP-0368).
  std::string domain;
  std::string user;
  std::string password;
};

/// Something that a client can't go on after, in words.
struct ClientError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The client's TLS settings, for all sessions: TLS 1.3, and no look at the certificate, which is
/// the test's own.
class ClientTls {
 public:
  ClientTls();
  ~ClientTls();
  ClientTls(const ClientTls&) = delete;
  ClientTls& operator=(const ClientTls&) = delete;

 private:
  friend class ClientSession;
  struct Native;
  std::unique_ptr<Native> native_;
};

/// SCRAM-SHA-256; begin() binds a resource, asks for the roster, and sends initial presence with
/// capabilities; then nothing.
///
/// Thread: one at a time. Limits: waits 60 s for each answer.
class ClientSession {
 public:
  /// Connects and authenticates. Errors: ClientError.
  ClientSession(const ClientTls& tls, const Login& login);
  ~ClientSession();
  ClientSession(ClientSession&&) noexcept;

  /// Errors: ClientError.
  void begin(const Login& login);
  /// Asks for an answer to a ping (XEP-0199): the session is there still. Errors: ClientError.
  void ping();

 private:
  struct Wire;
  void open_stream(const Login& login);
  void authenticate(const Login& login);

  std::unique_ptr<Wire> wire_;
};

}  // namespace rondel::perf
