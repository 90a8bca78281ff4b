#include "store/combined_storage.h"

#include <gmock/gmock.h>
#include <map>
#include <optional>

#include "store/memory_storage.h"
#include "tests/store/storage_conformance.h"

namespace rondel::store::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

const UserKey kJuliet{"juliet", "example.org"};

/// A storage in memory, which can be away.
struct Holder {
  explicit Holder(TestExecutor& shard)
      : storage({false, [this](std::string_view operation) -> std::optional<StoreError> {
                   if (is_away) {
                     return StoreError(Failure::unavailable, "away");
                   }
                   ++asked[std::string(operation)];
                   return std::nullopt;
                 }}) {
    EXPECT_TRUE(storage.open_blocking().has_value());
    session = storage.attach(shard);
  }
  ~Holder() { storage.close_blocking(); }

  bool is_away = false;
  std::map<std::string, int> asked;
  MemoryStorage storage;
  std::unique_ptr<StorageSession> session;
};

/// Accounts of somebody else, as of a directory.
class ReadOnlySession final : public StorageSession {
 public:
  explicit ReadOnlySession(UserStore& users) : users_(users) {}
  UserStore* users() override { return &users_; }
  StoreTask<void> erase_user(UserKey) override { co_return StoreResult<void>(); }

 private:
  class Users final : public UserStore {
   public:
    explicit Users(UserStore& users) : users_(users) {}
    StoreTask<Account> lookup(UserKey user) override { return users_.lookup(std::move(user)); }
    StoreTask<AccountWithCredentials> credentials(UserKey user) override {
      return users_.credentials(std::move(user));
    }
    StoreTask<void> create(UserKey, CredentialSet) override { co_return fail_read_only(); }
    StoreTask<ImportOutcome> create_many(std::vector<NewUser>) override {
      co_return fail_read_only();
    }
    StoreTask<void> set_credentials(UserKey, CredentialSet) override { co_return fail_read_only(); }
    StoreTask<void> set_state(UserKey, AccountState) override { co_return fail_read_only(); }
    StoreTask<void> remove(UserKey) override { co_return fail_read_only(); }
    StoreTask<std::vector<Account>> list(std::string host,
                                         std::string after,
                                         std::size_t limit) override {
      return users_.list(std::move(host), std::move(after), limit);
    }
    StoreTask<std::uint64_t> count(std::string host) override {
      return users_.count(std::move(host));
    }
    bool is_writable() const override { return false; }

   private:
    UserStore& users_;
  };
  Users users_;
};

/// Groups, and nothing that a user could have here.
class GroupSession final : public StorageSession {
 public:
  GroupStore* groups() override { return &groups_; }
  StoreTask<void> erase_user(UserKey) override {
    ADD_FAILURE() << "nothing of a user is kept here";
    co_return StoreResult<void>();
  }

 private:
  class Groups final : public GroupStore {
   public:
    std::optional<std::chrono::milliseconds> refresh_interval(std::string_view) const override {
      return std::chrono::milliseconds(1);
    }
    StoreTask<std::shared_ptr<const HostGroups>> load(std::string) override {
      co_return fail(Failure::unavailable, "away");
    }
  };
  Groups groups_;
};

class CombinedStorageTest : public testing::Test {
 protected:
  template <class T>
  T get(base::Task<T> task) {
    return shard_.get_blocking(std::move(task));
  }
  void give_data(StorageSession& session) {
    ASSERT_EQ(
        outcome_of(get(session.rosters()->change(kJuliet, {RosterChange::put(RosterItem("a@b"))}))),
        "ok");
    ASSERT_EQ(outcome_of(get(session.key_values()->put(kJuliet, "s", "k", "v"))), "ok");
  }
  bool has_data(StorageSession& session) {
    return !get(session.rosters()->load(kJuliet))->items.empty() ||
           get(session.key_values()->get(kJuliet, "s", "k")).has_value();
  }

  TestExecutor shard_;
  Holder first_{shard_};
  Holder second_{shard_};
};

TEST_F(CombinedStorageTest, WithoutAChoiceTheFirstHoldsEverything) {
  CombinedStorage::Parts parts;
  parts.add({first_.session.get()});
  parts.add({second_.session.get()});
  const CombinedStorage combined(parts);
  EXPECT_EQ(combined.users(), first_.session->users());
  EXPECT_EQ(combined.rosters(), first_.session->rosters());
  EXPECT_EQ(combined.offline(), first_.session->offline());
  EXPECT_EQ(combined.key_values(), first_.session->key_values());
}

TEST_F(CombinedStorageTest, EachKindIsHeldByTheOneThatMay) {
  CombinedStorage::Parts parts;
  parts.add({first_.session.get(), true, false, true, false});
  parts.add({second_.session.get(), false, true, true, true});
  const CombinedStorage combined(parts);
  ASSERT_EQ(outcome_of(get(combined.users()->create(kJuliet, {}))), "ok");
  EXPECT_EQ(outcome_of(get(first_.session->users()->lookup(kJuliet))), "ok");
  EXPECT_EQ(combined.rosters(), second_.session->rosters());
  EXPECT_EQ(combined.offline(), first_.session->offline());
  EXPECT_EQ(combined.key_values(), second_.session->key_values());
}

TEST_F(CombinedStorageTest, AKindThatNobodyMayHoldIsNotThere) {
  CombinedStorage::Parts parts;
  parts.add({first_.session.get(), true, false, true, true});
  const CombinedStorage combined(parts);
  EXPECT_EQ(combined.rosters(), nullptr);
  EXPECT_NE(combined.users(), nullptr);
}

TEST_F(CombinedStorageTest, GroupsAreTakenFromTheFirstThatMayGiveThem) {
  GroupSession one;
  GroupSession two;
  CombinedStorage::Parts parts;
  parts.add({first_.session.get()});
  parts.add({&one, true, true, true, true, false});
  parts.add({&two});
  const CombinedStorage combined(parts);
  EXPECT_EQ(combined.groups(), two.groups());
  ASSERT_EQ(outcome_of(get(combined.users()->create(kJuliet, {}))), "ok");
  EXPECT_EQ(outcome_of(get(combined.users()->remove(kJuliet))), "ok");
}

TEST_F(CombinedStorageTest, ARemovedAccountIsErasedInAllOfThem) {
  CombinedStorage::Parts parts;
  parts.add({first_.session.get(), true, false, false, false});
  parts.add({second_.session.get(), false, true, true, true});
  const CombinedStorage combined(parts);
  ASSERT_EQ(outcome_of(get(combined.users()->create(kJuliet, {}))), "ok");
  give_data(*second_.session);
  ASSERT_EQ(outcome_of(get(combined.users()->remove(kJuliet))), "ok");
  EXPECT_EQ(outcome_of(get(combined.users()->lookup(kJuliet))), "not_found");
  EXPECT_FALSE(has_data(*second_.session));
}

TEST_F(CombinedStorageTest, WhileOneIsAwayTheAccountStaysAndCanBeRemovedLater) {
  CombinedStorage::Parts parts;
  parts.add({first_.session.get(), true, false, false, false});
  parts.add({second_.session.get(), false, true, true, true});
  const CombinedStorage combined(parts);
  ASSERT_EQ(outcome_of(get(combined.users()->create(kJuliet, {}))), "ok");
  give_data(*second_.session);
  second_.is_away = true;
  EXPECT_EQ(outcome_of(get(combined.users()->remove(kJuliet))), "unavailable");
  EXPECT_EQ(outcome_of(get(combined.users()->lookup(kJuliet))), "ok");
  second_.is_away = false;
  first_.is_away = true;
  EXPECT_EQ(outcome_of(get(combined.users()->remove(kJuliet))), "unavailable");
  EXPECT_TRUE(has_data(*second_.session)) << "an account that can't be looked up is not gone";
  first_.is_away = false;
  EXPECT_EQ(outcome_of(get(combined.users()->remove(kJuliet))), "ok");
  EXPECT_FALSE(has_data(*second_.session));
}

TEST_F(CombinedStorageTest, WhatIsLeftOfAnAccountThatWentElsewhereIsErased) {
  ReadOnlySession directory(*first_.session->users());
  CombinedStorage::Parts parts;
  parts.add({&directory});
  parts.add({second_.session.get()});
  const CombinedStorage combined(parts);
  give_data(*second_.session);
  ASSERT_EQ(outcome_of(get(first_.session->users()->create(kJuliet, {}))), "ok");
  EXPECT_EQ(outcome_of(get(combined.users()->remove(kJuliet))), "unsupported");
  EXPECT_TRUE(has_data(*second_.session));
  ASSERT_EQ(outcome_of(get(first_.session->users()->remove(kJuliet))), "ok");
  EXPECT_EQ(outcome_of(get(combined.users()->remove(kJuliet))), "not_found");
  EXPECT_FALSE(has_data(*second_.session));
}

TEST_F(CombinedStorageTest, AllElseOfAnAccountGoesToTheStorageThatHasIt) {
  CombinedStorage::Parts parts;
  parts.add({first_.session.get(), true, false, false, false});
  parts.add({second_.session.get(), false, true, true, true});
  const CombinedStorage combined(parts);
  UserStore& users = *combined.users();
  const Binding binding(BindingKind::principal, "juliet@R");
  ASSERT_EQ(outcome_of(get(users.create(kJuliet, sample_credentials("j")))), "ok");
  ASSERT_EQ(outcome_of(get(users.bind(kJuliet, binding))), "ok");
  EXPECT_THAT(*get(users.find_bound("example.org", binding)), SizeIs(1));
  EXPECT_EQ(outcome_of(get(users.set_credentials(kJuliet, sample_credentials("k")))), "ok");
  EXPECT_EQ(outcome_of(get(users.set_state(kJuliet, AccountState::disabled))), "ok");
  EXPECT_THAT(get(users.credentials(kJuliet))->credentials.bindings, SizeIs(1));
  EXPECT_EQ(outcome_of(get(users.unbind(kJuliet, binding))), "ok");
  EXPECT_THAT(*get(users.list("example.org", "", 9)), SizeIs(1));
  EXPECT_EQ(get(users.count("example.org")).value(), 1);
  EXPECT_EQ(get(users.create_many({{{"romeo", "example.org"}, {}}}))->created, 1);
  EXPECT_EQ(outcome_of(get(users.check_password(kJuliet, "x"))), "unsupported");
  EXPECT_TRUE(users.is_writable());
  EXPECT_FALSE(users.compares_passwords());
  EXPECT_THAT(second_.asked, IsEmpty());
}

}  // namespace
}  // namespace rondel::store::test
