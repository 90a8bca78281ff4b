#include "modules/auth-internal/credential_maker.h"

#include <utility>

#include "base/encoding.h"
#include "modules/auth-internal/auth_settings.h"
#include "xmpp/sasl/saslprep.h"

namespace rondel::modules::auth_internal {
namespace {

using Failed = base::Unexpected<api::CredentialError>;

store::ScramCredential credential_of(const xmpp::ScramKey& key) {
  store::ScramCredential credential;
  credential.hash = key.hash;
  credential.iterations = key.iterations;
  credential.salt = key.salt;
  credential.stored_key = key.stored_key;
  credential.server_key = key.server_key;
  return credential;
}

}  // namespace

base::Task<base::Result<store::CredentialSet, api::CredentialError>> CredentialMaker::derive(
    std::string host, std::string password) {
  // A password that can't be prepared is told without troubling a worker.
  auto prepared = xmpp::saslprep(password);
  const bool is_usable = prepared.has_value() && !prepared->empty();
  if (prepared) {
    base::wipe(*prepared);
  }
  if (!is_usable) {
    base::wipe(password);
    co_return Failed(api::CredentialError::unusable);
  }
  const auto config = shard_.config();
  const api::Host* served = shard_.find_host(host);
  const AuthSettings settings =
      settings_of_host(*config, served ? std::string_view(served->options->name) : host);
  store::CredentialSet credentials;
  base::UniqueFunction<void()> work([&settings, &password, &credentials] {
    for (const xmpp::ScramHash hash : settings.hashes) {
      if (auto key = xmpp::make_scram_key(hash, password, settings.iterations)) {
        credentials.scram.push_back(credential_of(*key));
      }
    }
  });
  const bool was_run = co_await api::offload(shard_, std::move(work));
  base::wipe(password);
  if (!was_run) {
    co_return Failed(api::CredentialError::busy);
  }
  if (credentials.scram.size() != settings.hashes.size()) {
    co_return Failed(api::CredentialError::unusable);
  }
  co_return std::move(credentials);
}

}  // namespace rondel::modules::auth_internal
