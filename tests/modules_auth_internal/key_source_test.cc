#include "modules/auth-internal/key_source.h"

#include <gmock/gmock.h>

#include "tests/modules_auth_internal/password_store.h"

namespace rondel::modules::auth_internal {
namespace {

using xmpp::SaslFailure;
using xmpp::ScramHash;
using KeyResult = base::Result<FoundKey, SaslFailure>;

const std::string kSecret(kSecretBytes, 's');

KeyResult find(PasswordStore& store,
               KeySource& keys,
               const std::string& username,
               std::vector<ScramHash> hashes = {ScramHash::sha_256}) {
  return store.executor.get_blocking(
      keys.find(store.stores, "example.org", username, std::move(hashes), kIterations));
}

TEST(KeySource, GivesTheKeyOfAUserWhateverTheCaseOfTheName) {
  PasswordStore store({ScramHash::sha_256});
  KeySource keys(kSecret);
  for (const char* name : {"romeo", "ROMEO"}) {
    const KeyResult key = find(store, keys, name);
    ASSERT_TRUE(key.has_value()) << name;
    EXPECT_FALSE(key->is_fake);
    EXPECT_TRUE(password_matches(*key, "pencil"));
    EXPECT_FALSE(password_matches(*key, "pen"));
    ASSERT_TRUE(key->account.has_value());
    EXPECT_EQ(key->account->user, store::UserKey("romeo", "example.org"));
  }
}

TEST(KeySource, AsksTheStorageForEveryLogin) {
  PasswordStore store({ScramHash::sha_256});
  KeySource keys(kSecret);
  static_cast<void>(find(store, keys, "romeo"));
  store.operations.clear();
  static_cast<void>(find(store, keys, "romeo"));
  const std::vector<std::string> known = store.operations;
  store.operations.clear();
  static_cast<void>(find(store, keys, "nobody"));
  EXPECT_EQ(store.operations, known);
  EXPECT_THAT(known, testing::ElementsAre("users.credentials"));
}

TEST(KeySource, GivesAFakeKeyWithTheSameSaltEachTimeForAUserWhoIsNotThere) {
  PasswordStore store({ScramHash::sha_256});
  KeySource keys(kSecret);
  const KeyResult first = find(store, keys, "nobody");
  const KeyResult again = find(store, keys, "Nobody");
  const KeyResult other = find(store, keys, "somebody");
  ASSERT_TRUE(first.has_value() && again.has_value() && other.has_value());
  EXPECT_TRUE(first->is_fake);
  EXPECT_FALSE(first->account.has_value());
  EXPECT_EQ(first->iterations, kIterations);
  EXPECT_EQ(first->salt, again->salt);
  EXPECT_NE(first->salt, other->salt);
}

TEST(KeySource, KeepsTheSaltsOfUsersWhoAreNotThereOverARestart) {
  PasswordStore store({ScramHash::sha_256});
  KeySource before(kSecret);
  KeySource after(std::string(kSecretBytes, 't'));
  const KeyResult first = find(store, before, "nobody");
  const KeyResult second = find(store, after, "nobody");
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(first->salt, second->salt);
}

TEST(KeySource, TakesAUserWithoutTheHashForOneWhoIsNotThere) {
  PasswordStore store({ScramHash::sha_1});
  KeySource keys(kSecret);
  const KeyResult key = find(store, keys, "romeo", {ScramHash::sha_512});
  ASSERT_TRUE(key.has_value());
  EXPECT_TRUE(key->is_fake);
  EXPECT_EQ(key->hash, ScramHash::sha_512);
}

TEST(KeySource, PrefersTheFirstHashThatTheUserHas) {
  PasswordStore store({ScramHash::sha_1, ScramHash::sha_256});
  KeySource keys(kSecret);
  const KeyResult key =
      find(store, keys, "romeo", {ScramHash::sha_512, ScramHash::sha_256, ScramHash::sha_1});
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->hash, ScramHash::sha_256);
}

TEST(KeySource, GivesAFakeKeyForANameThatNoUserCanHave) {
  PasswordStore store({ScramHash::sha_256});
  KeySource keys(kSecret);
  for (const std::string& name : {std::string("a b@c/d"), std::string(1100, 'x'), std::string()}) {
    const KeyResult key = find(store, keys, name);
    ASSERT_TRUE(key.has_value()) << name;
    EXPECT_TRUE(key->is_fake) << name;
  }
}

TEST(KeySource, SaysTemporaryFailureToEverybodyWhileTheStorageIsAway) {
  for (const char* operation : {"users.credentials", "key_values.get", "key_values.put"}) {
    PasswordStore store({ScramHash::sha_256});
    store.outage = operation;
    KeySource keys(kSecret);
    for (const char* name : {"romeo", "nobody"}) {
      const KeyResult key = find(store, keys, name);
      ASSERT_FALSE(key.has_value()) << operation << " " << name;
      EXPECT_EQ(key.error(), SaslFailure::temporary_auth_failure);
    }
    store.outage.clear();
    EXPECT_TRUE(find(store, keys, "romeo").has_value());
  }
}

TEST(KeySource, SaysTemporaryFailureWithoutAnyUserStorage) {
  PasswordStore store({ScramHash::sha_256});
  store.stores.users = nullptr;
  KeySource keys(kSecret);
  EXPECT_EQ(find(store, keys, "romeo").error(), SaslFailure::temporary_auth_failure);
}

TEST(KeySource, WorksWithoutAKeyValueStorage) {
  PasswordStore store({ScramHash::sha_256});
  store.stores.key_values = nullptr;
  KeySource keys(kSecret);
  EXPECT_TRUE(find(store, keys, "romeo").has_value());
  EXPECT_EQ(find(store, keys, "nobody")->salt, find(store, keys, "nobody")->salt);
}

}  // namespace
}  // namespace rondel::modules::auth_internal
