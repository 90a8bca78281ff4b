#include "modules/presence/presence_session.h"

#include <algorithm>

namespace rondel::modules::presence {

bool AddressSet::contains(std::string_view address) const {
  return std::ranges::binary_search(addresses_, address, std::less<>());
}

bool AddressSet::add(std::string_view address) {
  const auto at = std::ranges::lower_bound(addresses_, address, std::less<>());
  if (at != addresses_.end() && *at == address) {
    return false;
  }
  addresses_.emplace(at, address);
  return true;
}

void AddressSet::remove(std::string_view address) {
  const auto at = std::ranges::lower_bound(addresses_, address, std::less<>());
  if (at != addresses_.end() && *at == address) {
    addresses_.erase(at);
  }
}

void AddressSet::remove_all_of(std::string_view bare_jid) {
  std::erase_if(addresses_, [&](const std::string& address) {
    return address.starts_with(bare_jid) &&
           (address.size() == bare_jid.size() || address[bare_jid.size()] == '/');
  });
}

bool PresenceSession::directed_available(xmpp::JidView address) {
  left_out_.remove(address.bare());
  if (directed_.size() >= kDirectedMax && !directed_.contains(address.full())) {
    return false;
  }
  directed_.add(address.full());
  return true;
}

void PresenceSession::directed_unavailable(xmpp::JidView address, bool is_covered) {
  if (!address.is_bare()) {
    directed_.remove(address.full());
    return;
  }
  directed_.remove_all_of(address.bare());
  if (is_covered) {
    left_out_.add(address.bare());
  }
}

void PresenceSession::announced(std::int64_t now_ms) {
  announced_ms_ = now_ms;
  left_out_.clear();
}

void PresenceSession::withdrawn() {
  directed_.clear();
  left_out_.clear();
}

bool PresenceSession::was_directed_to(xmpp::JidView address) const {
  return directed_.contains(address.full()) || directed_.contains(address.bare());
}

}  // namespace rondel::modules::presence
