#include "store/host_groups.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "store/user_key.h"

namespace rondel::store {
namespace {

/// What XML needs beside the texts: <item jid='' name='' subscription='both'></item>,
/// <group></group>.
constexpr std::size_t kItemBytes = 64;
constexpr std::size_t kGroupBytes = 15;

/// FNV-1a: nothing but the same in every process, which base/hash.h is not meant to be. Who could
/// prepare a collision writes the groups anyway.
class Digest {
 public:
  void add(std::string_view text) {
    add(static_cast<std::uint64_t>(text.size()));
    for (const char c : text) {
      step(static_cast<unsigned char>(c));
    }
  }
  void add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) {
      step((number >> shift) & 0xff);
    }
  }
  /// Never 0.
  [[nodiscard]] std::uint64_t value() const { return value_ == 0 ? 1 : value_; }

 private:
  void step(std::uint64_t byte) { value_ = (value_ ^ byte) * 0x100000001b3ULL; }

  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

bool can_be_shown(std::string_view name) {
  return !name.empty() && name.size() <= kAddressPartBytesMax && base::is_valid_utf8(name) &&
         std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

}  // namespace

class HostGroupsBuilder {
 public:
  HostGroupsBuilder(std::string_view host, const GroupLimits& limits) : limits_(limits) {
    made_->host_ = host;
  }

  std::shared_ptr<const HostGroups> build(std::vector<GroupSource> groups,
                                          std::vector<MemberName> names,
                                          std::vector<std::string>& complaints) {
    drop_unfit(groups, complaints);
    std::ranges::sort(groups, [](const GroupSource& left, const GroupSource& right) {
      return std::tie(left.name, left.members) < std::tie(right.name, right.members);
    });
    list_users(groups, std::move(names));
    choose_members(groups, complaints);
    index_memberships();
    compute_digests();
    return std::move(made_);
  }

 private:
  void drop_unfit(std::vector<GroupSource>& groups, std::vector<std::string>& complaints) const;
  void list_users(const std::vector<GroupSource>& groups, std::vector<MemberName> names);
  void choose_members(std::vector<GroupSource>& groups, std::vector<std::string>& complaints);
  void index_memberships();
  void compute_digests();
  [[nodiscard]] std::uint32_t index_of(std::string_view local) const {
    const auto at = std::ranges::lower_bound(made_->users_, local, {}, &HostGroups::User::local);
    return static_cast<std::uint32_t>(at - made_->users_.begin());
  }

  const GroupLimits& limits_;
  std::shared_ptr<HostGroups> made_ = std::make_shared<HostGroups>();
};

void HostGroupsBuilder::drop_unfit(std::vector<GroupSource>& groups,
                                   std::vector<std::string>& complaints) const {
  std::size_t nameless = 0;
  std::erase_if(groups, [&](GroupSource& group) {
    std::ranges::sort(group.members);
    const auto repeated = std::ranges::unique(group.members);
    group.members.erase(repeated.begin(), repeated.end());
    if (!can_be_shown(group.name)) {
      ++nameless;
      return true;
    }
    if (group.members.size() > limits_.members_max) {
      complaints.push_back(
          fmt::format("the group \"{}\" of {} has {} members, and {} are the most "
                      "that are shown to each other; it counts for nobody",
                      group.name, made_->host_, group.members.size(), limits_.members_max));
      return true;
    }
    return group.members.size() < 2;  // Nobody would see anybody.
  });
  if (nameless > 0) {
    complaints.push_back(
        fmt::format("{} groups of {} have no name that can be shown, and count "
                    "for nobody",
                    nameless, made_->host_));
  }
}

void HostGroupsBuilder::list_users(const std::vector<GroupSource>& groups,
                                   std::vector<MemberName> names) {
  std::vector<std::string_view> locals;
  for (const GroupSource& group : groups) {
    locals.insert(locals.end(), group.members.begin(), group.members.end());
  }
  std::ranges::sort(locals);
  const auto repeated = std::ranges::unique(locals);
  locals.erase(repeated.begin(), repeated.end());
  made_->users_.reserve(locals.size());
  for (const std::string_view local : locals) {
    made_->users_.push_back({std::string(local), {}, 0, 0, 0});
  }
  for (MemberName& name : names) {
    const std::uint32_t index = index_of(name.local);
    if (index < made_->users_.size() && made_->users_[index].local == name.local &&
        can_be_shown(name.name)) {
      made_->users_[index].name = std::move(name.name);
    }
  }
}

void HostGroupsBuilder::choose_members(std::vector<GroupSource>& groups,
                                       std::vector<std::string>& complaints) {
  struct Used {
    std::size_t groups = 0, contacts = 0, bytes = 0;
  };
  std::vector<Used> used(made_->users_.size());
  std::size_t left_out = 0;
  std::string example;
  for (GroupSource& source : groups) {
    HostGroups::Group group;
    std::vector<std::uint32_t> members;
    std::size_t bytes = 0;
    for (const std::string& local : source.members) {
      members.push_back(index_of(local));
      bytes += kItemBytes + kGroupBytes + local.size() + 1 + made_->host_.size() +
               made_->users_[members.back()].name.size() + source.name.size();
    }
    for (const std::uint32_t member : members) {
      Used& of_user = used[member];
      if (of_user.groups == limits_.groups_of_user_max ||
          of_user.contacts + members.size() - 1 > limits_.contacts_of_user_max ||
          of_user.bytes + bytes > limits_.bytes_of_user_max) {
        example = example.empty() ? made_->users_[member].local : example;
        ++left_out;
        continue;
      }
      ++of_user.groups;
      of_user.contacts += members.size() - 1;
      of_user.bytes += bytes;
      group.members.push_back(member);
    }
    if (group.members.size() > 1) {
      group.name = std::move(source.name);
      made_->groups_.push_back(std::move(group));
    }
  }
  if (left_out > 0) {
    complaints.push_back(fmt::format(
        "{} memberships in groups of {} do not count, since groups may not give one user more "
        "contacts; {} has one of them",
        left_out, made_->host_, example));
  }
}

void HostGroupsBuilder::index_memberships() {
  for (const HostGroups::Group& group : made_->groups_) {
    for (const std::uint32_t member : group.members) {
      ++made_->users_[member].count;
    }
  }
  std::uint32_t first = 0;
  for (HostGroups::User& user : made_->users_) {
    user.first = first;
    first += user.count;
    user.count = 0;
  }
  made_->memberships_.resize(first);
  for (std::uint32_t index = 0; index < made_->groups_.size(); ++index) {
    for (const std::uint32_t member : made_->groups_[index].members) {
      HostGroups::User& user = made_->users_[member];
      made_->memberships_[user.first + user.count++] = index;
    }
  }
}

void HostGroupsBuilder::compute_digests() {
  std::vector<std::uint64_t> of_groups;
  Digest all;
  all.add(made_->host_);
  for (const HostGroups::Group& group : made_->groups_) {
    Digest digest;
    digest.add(group.name);
    for (const std::uint32_t member : group.members) {
      digest.add(made_->users_[member].local);
      digest.add(made_->users_[member].name);
    }
    of_groups.push_back(digest.value());
    all.add(digest.value());
  }
  made_->digest_ = all.value();
  for (HostGroups::User& user : made_->users_) {
    Digest digest;
    for (const std::uint32_t group : made_->groups_of(user)) {
      digest.add(of_groups[group]);
    }
    user.digest = user.count == 0 ? 0 : digest.value();
  }
}

std::shared_ptr<const HostGroups> HostGroups::make(std::string_view host,
                                                   std::vector<GroupSource> groups,
                                                   std::vector<MemberName> names,
                                                   const GroupLimits& limits,
                                                   std::vector<std::string>& complaints) {
  return HostGroupsBuilder(host, limits).build(std::move(groups), std::move(names), complaints);
}

const HostGroups::User* HostGroups::find(std::string_view local) const {
  const auto at = std::ranges::lower_bound(users_, local, {}, &User::local);
  return at != users_.end() && at->local == local ? &*at : nullptr;
}

std::uint64_t HostGroups::digest_of(std::string_view local) const {
  const User* user = find(local);
  return user == nullptr ? 0 : user->digest;
}

std::vector<GroupContact> HostGroups::contacts_of(std::string_view local) const {
  std::vector<GroupContact> contacts;
  const User* user = find(local);
  if (user == nullptr) {
    return contacts;
  }
  // Pairs of member and group; both are in the order of what they stand for.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (const std::uint32_t group : groups_of(*user)) {
    for (const std::uint32_t member : groups_[group].members) {
      if (&users_[member] != user) {
        pairs.emplace_back(member, group);
      }
    }
  }
  std::ranges::sort(pairs);
  std::optional<std::uint32_t> last;
  for (const auto& [member, group] : pairs) {
    if (last != member) {
      last = member;
      contacts.push_back({users_[member].local + "@" + host_, users_[member].name, {}});
    }
    std::vector<std::string>& groups = contacts.back().groups;
    if (groups.empty() || groups.back() != groups_[group].name) {
      groups.push_back(groups_[group].name);
    }
  }
  // '@' sorts behind characters that a longer local part may go on with.
  std::ranges::sort(contacts, {}, &GroupContact::jid);
  return contacts;
}

}  // namespace rondel::store
