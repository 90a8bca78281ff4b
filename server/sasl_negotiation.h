// SASL on a stream: which mechanisms, one exchange at a time, and what the core checks afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.h"
#include "modules/api/auth.h"
#include "server/interface.h"
#include "xml/element.h"
#include "xmpp/jid.h"

namespace rondel::server {

class Connection;

/// Whom the core lets in after an authentication.
struct Authenticated {
  xmpp::Jid jid;  ///< Bare.
  bool is_temporary = false;
  std::unique_ptr<api::ModuleState> session_state{};
  std::uint8_t session_slot = 0;
};

/// The rule of DESIGN §7: a module proves an identity; the core maps it to a JID, checks the
/// authzid, and asks the user storage of the host whether the account exists and is active, unless
/// the module has just heard so from it.
///
/// Source: RFC 6120 §6. Owner: the stream, until authentication has succeeded. Thread: the shard's.
class SaslNegotiation {
 public:
  SaslNegotiation(Connection& connection, const Interface& interface, std::string host);
  ~SaslNegotiation();

  /// What is offered on this stream as it is now, best first.
  [[nodiscard]] const std::vector<std::string>& mechanisms() const {
    return channel_->offered_mechanisms;
  }
  [[nodiscard]] const std::vector<std::string>& channel_bindings() const {
    return channel_->offered_channel_bindings;
  }
  /// auth, response or abort; the stream hears of the outcome by its authentication_… functions.
  void received(const xml::Element& element);
  /// The exchange is over; another one may begin.
  void exchange_failed() { exchange_.reset(); }
  /// When the exchange began that is under way; monotonic milliseconds.
  [[nodiscard]] std::uint64_t began_ms() const { return began_ms_; }

 private:
  void begin(const xml::Element& element);
  void fail(xmpp::SaslFailure failure, std::string_view text = {});
  void step(const xml::Element& element);

  Connection& connection_;
  /// Shared with a running task, which may outlive the connection.
  std::shared_ptr<api::AuthChannel> channel_;
  std::vector<std::pair<std::string, api::Authenticator*>> offers_;
  std::shared_ptr<api::AuthExchange> exchange_;
  std::string mechanism_;
  std::uint64_t began_ms_ = 0;
};

}  // namespace rondel::server
