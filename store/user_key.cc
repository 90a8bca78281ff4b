#include "store/user_key.h"

#include "base/hash.h"

namespace rondel::store {
namespace {

StoreResult<void> check_part(const std::string& part, const char* name) {
  if (part.size() > kAddressPartBytesMax) {
    return fail(Failure::invalid, std::string("the ") + name + " part of an address is too long");
  }
  if (part.find('\0') != std::string::npos) {
    return fail(Failure::invalid, std::string("the ") + name + " part of an address holds NUL");
  }
  return {};
}

}  // namespace

std::uint64_t hash_of(const UserKey& user) {
  // '@' is legal in neither part, so that two users can't give the same text.
  return base::hash_text(to_text(user));
}

std::string to_text(const UserKey& user) {
  return user.local + '@' + user.host;
}

StoreResult<void> check_user(const UserKey& user) {
  if (user.local.empty()) {
    return fail(Failure::invalid, "a user needs a local part");
  }
  return check_user_or_host(user);
}

StoreResult<void> check_user_or_host(const UserKey& user) {
  if (user.host.empty()) {
    return fail(Failure::invalid, "a user needs a host");
  }
  RONDEL_TRY_VOID(check_part(user.local, "local"));
  return check_part(user.host, "host");
}

}  // namespace rondel::store
