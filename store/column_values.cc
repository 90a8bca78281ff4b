#include "store/column_values.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>

namespace rondel::store {
namespace {

base::Unexpected<StoreError> unknown(const char* what, std::int64_t number) {
  return fail(Failure::unavailable, std::string("an account has a ") + what + " of number " +
                                        std::to_string(number) +
                                        ", which this server doesn't know");
}

}  // namespace

std::int64_t number_of(Timestamp time) {
  return time.time_since_epoch().count();
}
Timestamp time_of(std::int64_t number) {
  return Timestamp(std::chrono::milliseconds(number));
}

std::int64_t number_of(AccountState state) {
  return state == AccountState::active ? 0 : 1;
}
AccountState state_of(std::int64_t number) {
  return number == 0 ? AccountState::active : AccountState::disabled;
}

std::int64_t number_of(ScramHash hash) {
  switch (hash) {
    case ScramHash::sha_1:
      return 1;
    case ScramHash::sha_256:
      return 2;
    case ScramHash::sha_512:
      return 3;
  }
  return 0;
}
StoreResult<ScramHash> hash_of(std::int64_t number) {
  switch (number) {
    case 1:
      return ScramHash::sha_1;
    case 2:
      return ScramHash::sha_256;
    case 3:
      return ScramHash::sha_512;
    default:
      return unknown("SCRAM hash", number);
  }
}

StoreResult<BindingKind> kind_of(std::int64_t number) {
  if (number < 1 || number > 3) {
    return unknown("binding", number);
  }
  return static_cast<BindingKind>(number);
}

std::int64_t number_of(Subscription subscription) {
  switch (subscription) {
    case Subscription::none:
      return 0;
    case Subscription::to:
      return 1;
    case Subscription::from:
      return 2;
    case Subscription::both:
      return 3;
  }
  return 0;
}
Subscription subscription_of(std::int64_t number) {
  switch (number) {
    case 1:
      return Subscription::to;
    case 2:
      return Subscription::from;
    case 3:
      return Subscription::both;
    default:
      return Subscription::none;
  }
}

std::int64_t signed_of(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}
std::uint64_t unsigned_of(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

std::int64_t bounded(std::uint64_t value) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(value, kMost));
}

}  // namespace rondel::store
