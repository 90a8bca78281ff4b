// One thread of the LDAP storage.
#pragma once

#include "modules/store-ldap/directory.h"
#include "modules/store-ldap/users.h"
#include "store/blocking.h"

namespace rondel::modules::store_ldap {

class Engine final : public store::BlockingStore {
 public:
  explicit Engine(Shared& shared)
      : directory_(shared.options.connection, shared.reporter), users_(directory_, shared) {}

  store::BlockingUsers* users() override { return &users_; }
  /// Nothing is held here that could be erased.
  StoreResult<void> erase_user(const store::UserKey&) override { return {}; }

 private:
  Directory directory_;
  Users users_;
};

}  // namespace rondel::modules::store_ldap
