#include "store/storage.h"

namespace rondel::store {
namespace {

base::Unexpected<StoreError> fail_transfer() {
  return fail(Failure::unsupported, "this storage can't be copied from or to");
}

}  // namespace

StoreTask<std::vector<UserKey>> StorageSession::owners(std::string, std::string, std::size_t) {
  co_return fail_transfer();
}

StoreTask<UserData> StorageSession::read_all(UserKey) {
  co_return fail_transfer();
}

StoreTask<void> StorageSession::write_all(UserData) {
  co_return fail_transfer();
}

}  // namespace rondel::store
