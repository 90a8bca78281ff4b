#include "modules/store-ldap/member_table.h"

#include <algorithm>
#include <ldap.h>
#include <memory>
#include <utility>

#include "modules/store-ldap/entry_reader.h"
#include "modules/store-ldap/groups.h"
#include "xmpp/jid.h"

namespace rondel::modules::store_ldap {
namespace {

/// Active Directory gives "member;range=0-1499" of a group that has more.
bool is_cut_off(const Entry& entry, const std::string& attribute) {
  return std::ranges::any_of(entry.attributes, [&](const auto& each) {
    return each.first.size() > attribute.size() &&
           each.first.compare(attribute.size(), 7, ";range=") == 0;
  });
}

/// Small letters, and one space for several. Source: RFC 4518 §2.2, §2.6.1.
std::string folded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == ' ' && !result.empty() && result.back() == ' ') {
      continue;
    }
    result += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return result;
}

}  // namespace

std::string comparable_dn(const std::string& dn) {
  LDAPDN parsed = nullptr;
  if (dn.empty() || ldap_str2dn(dn.c_str(), &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS) {
    return {};
  }
  const std::unique_ptr<LDAPRDN, void (*)(LDAPDN)> owner(parsed, ldap_dnfree);
  char* text = nullptr;
  if (ldap_dn2str(parsed, &text, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || text == nullptr) {
    return {};
  }
  std::string result = folded(text);
  ldap_memfree(text);
  return result;
}

std::string MemberTable::key_of_value(const std::string& value) const {
  if (host_.group_members == Members::dn) {
    return comparable_dn(value);
  }
  const bool is_address = value.find('@') != std::string::npos;
  const auto jid = is_address ? xmpp::Jid::parse(value) : xmpp::Jid::from_parts(value, host_.host);
  const bool is_local =
      jid && jid->has_local() && jid->domain() == host_.host && jid->view().is_bare();
  return is_local ? std::string(jid->local()) : std::string();
}

bool MemberTable::add_group(const Entry& entry) {
  const std::vector<std::string>& values = entry.values(host_.group_member_attribute);
  memberships_ += values.size();
  if (memberships_ > kMembershipsMax) {
    return false;
  }
  if (is_cut_off(entry, host_.group_member_attribute)) {
    cut_off_.push_back(entry.value(host_.group_name_attribute));
    return true;
  }
  Group group;
  group.name = entry.value(host_.group_name_attribute);
  for (const std::string& value : values) {
    std::string key = key_of_value(value);
    if (!key.empty()) {
      const auto [at, is_new] =
          keys_.emplace(std::move(key), static_cast<std::uint32_t>(keys_.size()));
      group.members.push_back(at->second);
    }
  }
  groups_.push_back(std::move(group));
  return true;
}

void MemberTable::add_user(const Entry& entry) {
  users_of_.resize(keys_.size());
  const std::vector<std::string> locals = locals_of(entry, host_);
  const bool is_by_dn = host_.group_members == Members::dn;
  const auto by_dn = is_by_dn ? keys_.find(comparable_dn(entry.dn)) : keys_.end();
  for (const std::string& local : locals) {
    const auto member = is_by_dn ? by_dn : keys_.find(local);
    const auto [at, is_new] = locals_.emplace(local, static_cast<std::uint32_t>(users_.size()));
    if (is_new) {
      users_.push_back({local, {}, 0});
    }
    User& user = users_[at->second];
    ++user.entries;
    if (member != keys_.end()) {
      user.name = host_.contact_name_attribute.empty() ? std::string()
                                                       : entry.value(host_.contact_name_attribute);
      users_of_[member->second].push_back(at->second);
    }
  }
}

void MemberTable::forget_users() {
  users_of_.clear();
  locals_.clear();
  users_.clear();
}

MemberTable::Result MemberTable::finish() {
  users_of_.resize(keys_.size());
  Result result;
  result.cut_off = std::move(cut_off_);
  for (Group& group : groups_) {
    store::GroupSource source{std::move(group.name), {}};
    for (const std::uint32_t member : group.members) {
      for (const std::uint32_t index : users_of_[member]) {
        if (users_[index].entries == 1) {
          source.members.push_back(users_[index].local);
        } else {
          result.ambiguous.push_back(users_[index].local);
        }
      }
    }
    result.groups.push_back(std::move(source));
  }
  std::ranges::sort(result.ambiguous);
  const auto repeated = std::ranges::unique(result.ambiguous);
  result.ambiguous.erase(repeated.begin(), repeated.end());
  for (User& user : users_) {
    if (!user.name.empty()) {
      result.names.push_back({std::move(user.local), std::move(user.name)});
    }
  }
  return result;
}

}  // namespace rondel::modules::store_ldap
