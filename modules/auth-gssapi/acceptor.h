// The server's end of a GSSAPI context, without GSSAPI's types.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "modules/auth-gssapi/keytab.h"
#include "xmpp/sasl/failure.h"

namespace rondel::modules::auth_gssapi {

struct Refusal {
  Refusal(xmpp::SaslFailure what, std::string why) : failure(what), reason(std::move(why)) {}

  xmpp::SaslFailure failure;
  std::string reason;  ///< For the log.
};
template <class T>
using Accepted = base::Result<T, Refusal>;

/// One client's tokens, checked with the keys of a keytab. Nothing is asked over the network.
///
/// Reads files (the keytab, and the replay cache, which it writes), so it works on a worker's
/// thread. Thread: one at a time. Owner: the exchange.
class Acceptor {
 public:
  /// `binding`: the application data of the channel (RFC 5056), or "": a client that binds to
  /// another channel is refused, one that doesn't bind is not.
  Acceptor(Service service, std::string replay_cache, std::string binding);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// Takes the client's next token; the answer may be empty.
  [[nodiscard]] Accepted<std::string> accept_blocking(std::string_view token);
  [[nodiscard]] bool is_established() const;
  /// The client's principal, as Kerberos writes it; once established.
  [[nodiscard]] const std::string& principal() const;
  /// Whether the client bound itself to the channel.
  [[nodiscard]] bool is_bound() const;
  [[nodiscard]] Accepted<std::string> wrap_blocking(std::string_view message);
  [[nodiscard]] Accepted<std::string> unwrap_blocking(std::string_view message);

 private:
  struct State;
  [[nodiscard]] Accepted<void> acquire_blocking();
  [[nodiscard]] Accepted<void> establish_blocking();

  const Service service_;
  const std::string replay_cache_;
  std::string binding_;
  const std::unique_ptr<State> state_;
};

}  // namespace rondel::modules::auth_gssapi
