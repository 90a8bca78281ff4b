// Authentication modules: they prove an identity; the core decides what it may do (DESIGN §7).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/task.h"
#include "modules/api/connection.h"
#include "modules/api/layer.h"
#include "modules/api/session.h"
#include "store/user_store.h"
#include "xmpp/sasl/failure.h"

namespace rondel::api {

class Shard;

/// What an authentication module may know of the stream that it authenticates.
///
/// Owner: the stream; it outlives the exchange. Thread: the shard's.
struct AuthChannel {
  Shard& shard;
  std::string host;              ///< The virtual host, normalised.
  std::string interface_name;    ///< Whose options apply.
  const Layer* layer = nullptr;  ///< Null on a plain stream.
  /// Everything that was offered on this stream, for downgrade protection (XEP-0474).
  std::vector<std::string> offered_mechanisms;
  std::vector<std::string> offered_channel_bindings;
  PeerAddress peer{};

  [[nodiscard]] bool is_encrypted() const { return layer && layer->info().is_encrypted; }
};

/// The client is to answer this; without base64.
struct AuthChallenge {
  std::string data;
};
/// The mechanism has proven who the client is. No account is implied: what the user storage says of
/// it, the core judges.
struct AuthIdentity {
  std::string local;             ///< The proven name: a local part, not yet prepared.
  std::string authzid;           ///< What the client wants to act as; empty: as itself.
  std::string data;              ///< Additional data with success; without base64.
  std::string mechanism_detail;  ///< For the log.
  /// `local` is made up and good for this stream only: no account is asked for, and nothing is kept
  /// of its user. Where a host's accounts could have that name, it must not be set.
  bool is_temporary = false;
  /// The account of `local`, as the user storage told it in this very exchange: it isn't asked
  /// again. Nothing: the core asks.
  std::optional<store::Account> account{};
  /// Hung on the session at its slot once a resource is bound; freed with the stream before.
  std::unique_ptr<ModuleState> session_state{};
  std::uint8_t session_slot = 0;
};
using AuthStep = std::variant<AuthChallenge, AuthIdentity, xmpp::SaslFailure>;

/// One run of one mechanism.
class AuthExchange {
 public:
  virtual ~AuthExchange() = default;
  /// `input` is what the client sent, decoded; empty if there was no initial response (`has_input`
  /// false).
  ///
  /// The exchange outlives the task. "Storage is away" is temporary-auth-failure, never
  /// not-authorized.
  virtual base::Task<AuthStep> step(std::string input, bool has_input) = 0;
};

/// A module's authentication, on one shard.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// The mechanisms that can work on this channel, best first.
  [[nodiscard]] virtual std::vector<std::string> mechanisms(const AuthChannel& channel) = 0;
  /// Null if `mechanism` is none of them.
  [[nodiscard]] virtual std::unique_ptr<AuthExchange> begin(std::string_view mechanism,
                                                            const AuthChannel& channel) = 0;
};

}  // namespace rondel::api
