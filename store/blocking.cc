#include "store/blocking.h"

namespace rondel::store {

StoreResult<bool> BlockingUsers::check_password(const UserKey&, const std::string&) {
  return fail(Failure::unsupported, "this user storage doesn't compare passwords");
}

}  // namespace rondel::store
