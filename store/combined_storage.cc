#include "store/combined_storage.h"

#include <algorithm>
#include <utility>

namespace rondel::store {
namespace {

/// Accounts of one storage, whose data lies in others as well.
class SpreadUsers final : public UserStore {
 public:
  SpreadUsers(UserStore& users, std::vector<StorageSession*> others)
      : users_(users), others_(std::move(others)) {}

  StoreTask<Account> lookup(UserKey user) override { return users_.lookup(std::move(user)); }
  StoreTask<AccountWithCredentials> credentials(UserKey user) override {
    return users_.credentials(std::move(user));
  }
  StoreTask<void> create(UserKey user, CredentialSet credentials) override {
    return users_.create(std::move(user), std::move(credentials));
  }
  StoreTask<ImportOutcome> create_many(std::vector<NewUser> users) override {
    return users_.create_many(std::move(users));
  }
  StoreTask<void> set_credentials(UserKey user, CredentialSet credentials) override {
    return users_.set_credentials(std::move(user), std::move(credentials));
  }
  StoreTask<void> set_state(UserKey user, AccountState state) override {
    return users_.set_state(std::move(user), state);
  }
  StoreTask<std::vector<Account>> list(std::string host,
                                       std::string after_local,
                                       std::size_t limit) override {
    return users_.list(std::move(host), std::move(after_local), limit);
  }
  StoreTask<std::uint64_t> count(std::string host) override {
    return users_.count(std::move(host));
  }
  StoreTask<void> bind(UserKey user, Binding binding) override {
    return users_.bind(std::move(user), std::move(binding));
  }
  StoreTask<void> unbind(UserKey user, Binding binding) override {
    return users_.unbind(std::move(user), std::move(binding));
  }
  StoreTask<std::vector<UserKey>> find_bound(std::string host, Binding binding) override {
    return users_.find_bound(std::move(host), std::move(binding));
  }
  bool compares_passwords() const override { return users_.compares_passwords(); }
  StoreTask<bool> check_password(UserKey user, std::string password) override {
    return users_.check_password(std::move(user), std::move(password));
  }
  bool is_writable() const override { return users_.is_writable(); }

  StoreTask<void> remove(UserKey user) override {
    auto found = co_await users_.lookup(user);
    const bool is_there = found.has_value();
    if (!is_there && found.error().failure != Failure::not_found) {
      co_return base::Unexpected(std::move(found).error());
    }
    if (is_there && !users_.is_writable()) {
      co_return fail_read_only();
    }
    for (StorageSession* other : others_) {
      auto erased = co_await other->erase_user(user);
      if (!erased) {
        co_return base::Unexpected(std::move(erased).error());
      }
    }
    if (!is_there) {
      co_return base::Unexpected(std::move(found).error());
    }
    co_return co_await users_.remove(user);
  }

 private:
  UserStore& users_;
  const std::vector<StorageSession*> others_;
};

}  // namespace

CombinedStorage::CombinedStorage(const Parts& parts) {
  StorageSession* home = nullptr;
  std::vector<StorageSession*> others;
  for (const Part& part : parts.parts_) {
    bool is_used = false;
    const auto take = [&is_used](auto*& face, bool may_hold, auto* offered) {
      if (face == nullptr && may_hold && offered != nullptr) {
        face = offered;
        is_used = true;
      }
    };
    take(users_, part.may_users, part.session->users());
    if (is_used) {
      home = part.session;
    }
    take(rosters_, part.may_rosters, part.session->rosters());
    take(offline_, part.may_offline, part.session->offline());
    take(key_values_, part.may_values, part.session->key_values());
    if (is_used && part.session != home) {
      others.push_back(part.session);
    }
    take(groups_, part.may_groups, part.session->groups());
  }
  if (users_ != nullptr && !others.empty()) {
    own_users_ = std::make_unique<SpreadUsers>(*users_, std::move(others));
  }
}

CombinedStorage::~CombinedStorage() = default;

}  // namespace rondel::store
