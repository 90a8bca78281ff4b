#include "store/user_data.h"

#include <algorithm>

namespace rondel::store {

bool is_same_data(const UserData& one, const UserData& other) {
  const auto is_same_account = [](const AccountWithCredentials& a,
                                  const AccountWithCredentials& b) {
    return a.account == b.account && a.credentials == b.credentials;
  };
  const auto is_same_stanza = [](const OfflineStanza& a, const OfflineStanza& b) {
    return a.stamp == b.stamp && a.stanza == b.stanza;
  };
  if (one.account.has_value() != other.account.has_value() ||
      (one.account && !is_same_account(*one.account, *other.account))) {
    return false;
  }
  return one.user == other.user && one.roster.items == other.roster.items &&
         one.roster.removals == other.roster.removals &&
         one.roster.version == other.roster.version &&
         one.roster.complete_since == other.roster.complete_since &&
         std::ranges::equal(one.offline, other.offline, is_same_stanza) &&
         one.values == other.values;
}

}  // namespace rondel::store
