// A storage in memory with one user, for the tests of logins.
#pragma once

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/api/shard.h"
#include "store/memory_storage.h"
#include "tests/store/test_executor.h"
#include "xmpp/sasl/scram_key.h"

namespace rondel::modules::auth_internal {

inline constexpr std::uint32_t kIterations = 4096;

/// romeo@example.org has the password "pencil", kept for the hashes given. An operation whose name
/// is in `outage` finds the storage away.
struct PasswordStore {
  explicit PasswordStore(const std::vector<xmpp::ScramHash>& hashes)
      : storage({false, [this](std::string_view operation) -> std::optional<store::StoreError> {
                   operations.emplace_back(operation);
                   if (operation == outage) {
                     return store::StoreError(store::Failure::unavailable, "an outage");
                   }
                   return std::nullopt;
                 }}) {
    EXPECT_TRUE(storage.open_blocking().has_value());
    session = storage.attach(executor);
    stores.users = session->users();
    stores.key_values = session->key_values();
    store::CredentialSet credentials;
    for (const xmpp::ScramHash hash : hashes) {
      const xmpp::ScramKey key =
          xmpp::derive_scram_key(hash, "pencil", "0123456789abcdef", kIterations).value();
      store::ScramCredential credential;
      credential.hash = hash;
      credential.iterations = key.iterations;
      credential.salt = key.salt;
      credential.stored_key = key.stored_key;
      credential.server_key = key.server_key;
      credentials.scram.push_back(credential);
    }
    store::UserKey romeo("romeo", "example.org");
    EXPECT_TRUE(
        executor.get_blocking(stores.users->create(romeo, std::move(credentials))).has_value());
    operations.clear();
  }
  ~PasswordStore() {
    storage.close_blocking();
    executor.run_ready();
  }

  std::vector<std::string> operations;
  std::string outage;
  store::test::TestExecutor executor;
  store::MemoryStorage storage;
  std::unique_ptr<store::StorageSession> session;
  api::HostStores stores;
};

}  // namespace rondel::modules::auth_internal
