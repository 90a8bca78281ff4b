#include "modules/auth-internal/password_check.h"

#include <gtest/gtest.h>
#include <optional>

#include "modules/auth-internal/auth_settings.h"
#include "store/user_store.h"
#include "tests/store/test_executor.h"

namespace rondel::modules::auth_internal {
namespace {

using store::Failure;
using store::StoreTask;

/// A directory with one entry, that counts how often it is asked.
class Directory final : public store::UserStore {
 public:
  StoreTask<store::Account> lookup(store::UserKey) override { co_return away(); }
  StoreTask<store::AccountWithCredentials> credentials(store::UserKey) override {
    co_return away();
  }
  StoreTask<void> create(store::UserKey, store::CredentialSet) override { co_return away(); }
  StoreTask<store::ImportOutcome> create_many(std::vector<store::NewUser>) override {
    co_return away();
  }
  StoreTask<void> set_credentials(store::UserKey, store::CredentialSet) override {
    co_return away();
  }
  StoreTask<void> set_state(store::UserKey, store::AccountState) override { co_return away(); }
  StoreTask<void> remove(store::UserKey) override { co_return away(); }
  StoreTask<std::vector<store::Account>> list(std::string, std::string, std::size_t) override {
    co_return away();
  }
  StoreTask<std::uint64_t> count(std::string) override { co_return away(); }
  bool compares_passwords() const override { return true; }
  bool is_writable() const override { return false; }
  StoreTask<bool> check_password(store::UserKey user, std::string password) override {
    ++asked;
    if (failure) {
      co_return store::fail(*failure, "as asked for");
    }
    co_return user == store::UserKey("romeo", "example.org") && password == "pencil";
  }

  int asked = 0;
  std::optional<Failure> failure;

 private:
  static base::Unexpected<store::StoreError> away() {
    return store::fail(Failure::unavailable, "not needed for a login");
  }
};

class PasswordCheck : public testing::Test {
 protected:
  base::Result<bool, xmpp::SaslFailure> compare(std::string name, std::string password) {
    api::HostStores stores;
    stores.users = &directory_;
    std::string host = "example.org";
    return executor_.get_blocking(
        compare_password(stores, std::move(host), std::move(name), std::move(password)));
  }

  store::test::TestExecutor executor_;
  Directory directory_;
};

TEST_F(PasswordCheck, TheStorageDecidesByThePreparedNameAndPassword) {
  EXPECT_TRUE(compare("romeo", "pencil").value());
  EXPECT_TRUE(compare("ROMEO", "pencil").value()) << "local parts are mapped to lower case";
  EXPECT_TRUE(compare("romeo",
                      "pen\xc2\xad"
                      "cil")
                  .value())
      << "a soft hyphen is mapped to nothing";
  EXPECT_FALSE(compare("romeo", "Pencil").value());
  EXPECT_FALSE(compare("nobody", "pencil").value());
}

TEST_F(PasswordCheck, WhatCannotBeAUsersNeverReachesTheStorage) {
  const std::pair<const char*, const char*> tries[] = {
      {"romeo", ""},        {"romeo", "\xc2\xad"}, {"romeo", "\xff"},
      {"ro meo", "pencil"}, {"", "pencil"},        {"romeo@example.org", "pencil"}};
  for (const auto& [name, password] : tries) {
    EXPECT_FALSE(compare(name, password).value()) << name << ' ' << password;
  }
  EXPECT_EQ(directory_.asked, 0);
}

TEST_F(PasswordCheck, AStorageThatCannotTellIsATemporaryFailureAndAnUnknownUserIsNot) {
  for (const Failure failure : {Failure::unavailable, Failure::unsupported, Failure::conflict}) {
    directory_.failure = failure;
    EXPECT_EQ(compare("romeo", "pencil").error(), xmpp::SaslFailure::temporary_auth_failure);
  }
  directory_.failure = Failure::not_found;
  EXPECT_FALSE(compare("romeo", "pencil").value());
}

TEST(ComparingStorage, OnlyPlainIsOfferedAndOnlyUnderTls) {
  EXPECT_EQ(mechanisms_of_comparing_storage(true), std::vector<std::string>{"PLAIN"});
  EXPECT_TRUE(mechanisms_of_comparing_storage(false).empty());
}

}  // namespace
}  // namespace rondel::modules::auth_internal
