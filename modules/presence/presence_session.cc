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

PresenceSession::Told& PresenceSession::told() {
  if (!told_) {
    told_ = std::make_unique<Told>();
  }
  return *told_;
}

const AddressSet& PresenceSession::directed() const {
  static const AddressSet kNobody;
  return told_ ? told_->directed : kNobody;
}

bool PresenceSession::directed_available(xmpp::JidView address) {
  auto& [directed, left_out] = told();
  left_out.remove(address.bare());
  if (directed.size() >= kDirectedMax && !directed.contains(address.full())) {
    return false;
  }
  directed.add(address.full());
  return true;
}

void PresenceSession::directed_unavailable(xmpp::JidView address, bool is_covered) {
  auto& [directed, left_out] = told();
  if (!address.is_bare()) {
    directed.remove(address.full());
    return;
  }
  directed.remove_all_of(address.bare());
  if (is_covered) {
    left_out.add(address.bare());
  }
}

void PresenceSession::announced(std::int64_t now_ms) {
  announced_ms_ = now_ms;
  if (told_) {
    told_->left_out.clear();
  }
}

void PresenceSession::withdrawn() {
  told_.reset();
}

bool PresenceSession::was_directed_to(xmpp::JidView address) const {
  return directed().contains(address.full()) || directed().contains(address.bare());
}

}  // namespace rondel::modules::presence
