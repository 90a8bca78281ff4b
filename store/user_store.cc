#include "store/user_store.h"

#include "base/encoding.h"

namespace rondel::store {
namespace {

base::Unexpected<StoreError> fail_bindings() {
  return fail(Failure::unsupported, "this user storage holds no bindings");
}

}  // namespace

base::Unexpected<StoreError> fail_read_only() {
  return fail(Failure::unsupported,
              "this user storage can only be read; change the account where it is kept");
}

StoreTask<void> UserStore::bind(UserKey, Binding) {
  co_return fail_bindings();
}

StoreTask<void> UserStore::unbind(UserKey, Binding) {
  co_return fail_bindings();
}

StoreTask<std::vector<UserKey>> UserStore::find_bound(std::string, Binding) {
  co_return fail_bindings();
}

StoreTask<bool> UserStore::check_password(UserKey, std::string password) {
  base::wipe(password);
  co_return fail(Failure::unsupported, "this user storage doesn't compare passwords");
}

}  // namespace rondel::store
