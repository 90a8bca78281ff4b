#include "modules/auth-internal/key_source.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "xmpp/jid.h"

namespace rondel::modules::auth_internal {
namespace {

using Failed = base::Unexpected<xmpp::SaslFailure>;
using xmpp::SaslFailure;

constexpr std::string_view kSpace = "auth-internal";
constexpr std::string_view kSecretKey = "unknown-user-secret";

FoundKey key_of(const store::Account& account, const store::ScramCredential& credential) {
  FoundKey key;
  key.account = account;
  key.hash = credential.hash;
  key.iterations = credential.iterations;
  key.salt = credential.salt;
  key.stored_key = credential.stored_key;
  key.server_key = credential.server_key;
  return key;
}

const store::ScramCredential* choose(const store::CredentialSet& credentials,
                                     const std::vector<xmpp::ScramHash>& hashes) {
  for (const xmpp::ScramHash hash : hashes) {
    const auto found = std::find_if(credentials.scram.begin(), credentials.scram.end(),
                                    [hash](const auto& entry) { return entry.hash == hash; });
    if (found != credentials.scram.end()) {
      return &*found;
    }
  }
  return nullptr;
}

}  // namespace

KeySource::KeySource(std::string proposed_secret) : proposed_secret_(std::move(proposed_secret)) {
}

KeySource::~KeySource() {
  base::wipe(proposed_secret_);
  for (auto& [host, secret] : secrets_) {
    base::wipe(secret);
  }
}

base::Task<base::Result<FoundKey, SaslFailure>> KeySource::find(api::HostStores stores,
                                                                std::string host,
                                                                std::string username,
                                                                std::vector<xmpp::ScramHash> hashes,
                                                                std::uint32_t iterations) {
  if (stores.users == nullptr) {
    co_return Failed(SaslFailure::temporary_auth_failure);
  }
  // The secret first, for everybody: whether it can be had must not depend on the user.
  auto server_secret = co_await secret(stores, host);
  if (!server_secret) {
    co_return Failed(server_secret.error());
  }
  const auto jid = xmpp::Jid::from_parts(username, host);
  const bool is_address = jid.has_value() && jid->has_local();
  // A name that can't be a user's is nobody's: it needs no question, and gives nothing away.
  std::string bare = username + "@" + host;
  if (is_address) {
    bare = std::string(jid->bare());
    store::UserKey user{std::string(jid->local()), std::string(jid->domain())};
    const auto account = co_await stores.users->credentials(std::move(user));
    if (account) {
      if (const auto* credential = choose(account->credentials, hashes)) {
        co_return key_of(account->account, *credential);
      }
    } else if (account.error().failure != store::Failure::not_found &&
               account.error().failure != store::Failure::invalid) {
      co_return Failed(SaslFailure::temporary_auth_failure);
    }
  }
  FoundKey fake{xmpp::fake_scram_key(hashes.front(), *server_secret, bare, iterations), {}};
  co_return fake;
}

base::Task<base::Result<std::string, SaslFailure>> KeySource::secret(api::HostStores stores,
                                                                     std::string host) {
  if (const auto known = secrets_.find(host); known != secrets_.end()) {
    co_return known->second;
  }
  std::string value = proposed_secret_;
  if (stores.key_values != nullptr) {
    store::UserKey owner{std::string(), host};
    auto stored =
        co_await stores.key_values->get(owner, std::string(kSpace), std::string(kSecretKey));
    if (stored) {
      value = std::move(*stored);
    } else if (stored.error().failure != store::Failure::not_found) {
      co_return Failed(SaslFailure::temporary_auth_failure);
    } else {
      const auto written = co_await stores.key_values->put(owner, std::string(kSpace),
                                                           std::string(kSecretKey), value);
      if (!written) {
        co_return Failed(SaslFailure::temporary_auth_failure);
      }
    }
  }
  secrets_[host] = value;
  co_return value;
}

}  // namespace rondel::modules::auth_internal
