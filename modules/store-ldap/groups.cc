#include "modules/store-ldap/groups.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "modules/store-ldap/entry_reader.h"
#include "modules/store-ldap/filter.h"
#include "modules/store-ldap/member_table.h"

namespace rondel::modules::store_ldap {

using store::fail;
using store::Failure;

namespace {

StoreResult<MemberTable::Result> read_members(Directory& directory, const HostDirectory& host) {
  std::optional<MemberTable> table;
  bool is_too_much = false;
  const Search groups{host.group_base,
                      Search::Where::subtree,
                      host.group_filter,
                      {host.group_name_attribute, host.group_member_attribute}};
  RONDEL_TRY_VOID(directory.search_all_blocking(
      groups,
      [&] {
        table.emplace(host);
        is_too_much = false;
      },
      [&](const Entry& entry) { is_too_much = is_too_much || !table->add_group(entry); }));
  if (is_too_much) {
    return fail(Failure::unavailable,
                fmt::format("the groups of {} have more than {} members together", host.host,
                            kMembershipsMax));
  }
  if (table->is_empty()) {
    return table->finish();
  }
  Search users{
      host.base, where_of(host), filter_of_all(host.filter, host.host), {host.user_attribute}};
  if (!host.contact_name_attribute.empty()) {
    users.attributes.push_back(host.contact_name_attribute);
  }
  RONDEL_TRY_VOID(directory.search_all_blocking(
      users, [&] { table->forget_users(); }, [&](const Entry& entry) { table->add_user(entry); }));
  return table->finish();
}

}  // namespace

StoreResult<std::shared_ptr<const store::HostGroups>> Groups::read(const std::string& name) {
  const auto& hosts = shared_.options.hosts;
  const auto host = std::ranges::find(hosts, name, &HostDirectory::host);
  if (host == hosts.end() || host->group_base.empty()) {
    return fail(Failure::unavailable,
                fmt::format("[module.store-ldap] has no group_base for the host {}", name));
  }
  RONDEL_TRY(MemberTable::Result members, read_members(directory_, *host));
  store::GroupLimits limits;
  limits.members_max = host->group_members_max;
  std::vector<std::string> complaints;
  auto groups = store::HostGroups::make(host->host, std::move(members.groups),
                                        std::move(members.names), limits, complaints);
  for (const std::string& group : members.cut_off) {
    complaints.push_back(fmt::format(
        "the directory does not give all members of the group \"{}\"; it counts for nobody",
        group));
  }
  if (!members.ambiguous.empty()) {
    complaints.push_back(
        fmt::format("the directory has several entries for {} users in groups of "
                    "{}, who are in none then: {}, …",
                    members.ambiguous.size(), name, members.ambiguous.front()));
  }
  Last& last = last_[name];
  for (const std::string& complaint : complaints) {
    if (std::ranges::find(last.complaints, complaint) == last.complaints.end()) {
      shared_.reporter.complain(complaint);
    }
  }
  last.complaints = std::move(complaints);
  if (last.groups == nullptr || last.groups->digest() != groups->digest()) {
    last.groups = std::move(groups);
  }
  return last.groups;
}

}  // namespace rondel::modules::store_ldap
