#include "modules/roster/group_view.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace rondel::modules::roster {
namespace {

bool has_from(const store::RosterItem& item) {
  return item.subscription == store::Subscription::from ||
         item.subscription == store::Subscription::both;
}

store::RosterItem with_groups(store::RosterItem item, const store::GroupContact& contact) {
  if (!item.is_listed) {  // Only a request, which is answered by the group.
    item.name.clear();
    item.groups.clear();
    item.is_listed = true;
  }
  if (item.name.empty()) {
    item.name = contact.name;
  }
  item.groups.insert(item.groups.end(), contact.groups.begin(), contact.groups.end());
  store::normalise_groups(item);
  item.subscription = store::Subscription::both;
  item.is_asked = false;
  item.pending_in.clear();
  return item;
}

store::Roster merge(const store::Roster& own, const std::vector<store::GroupContact>& contacts) {
  store::Roster merged;
  merged.version = own.version;
  merged.complete_since = own.complete_since;
  merged.items.reserve(own.items.size() + contacts.size());
  auto contact = contacts.begin();
  const auto take_until = [&](std::string_view jid) {
    for (; contact != contacts.end() && contact->jid < jid; ++contact) {
      merged.items.push_back(with_groups(store::RosterItem(contact->jid), *contact));
    }
  };
  for (const store::RosterItem& item : own.items) {
    take_until(item.jid);
    if (contact != contacts.end() && contact->jid == item.jid) {
      merged.items.push_back(with_groups(item, *contact++));
    } else {
      merged.items.push_back(item);
    }
  }
  for (; contact != contacts.end(); ++contact) {
    merged.items.push_back(with_groups(store::RosterItem(contact->jid), *contact));
  }
  return merged;
}

}  // namespace

GroupView::GroupView(const store::Roster& own,
                     std::vector<store::GroupContact> contacts,
                     std::uint64_t digest)
    : contacts_(std::move(contacts)), digest_(digest), merged_(merge(own, contacts_)) {
}

const store::GroupContact* GroupView::find(std::string_view contact) const {
  const auto at = std::ranges::lower_bound(contacts_, contact, {}, &store::GroupContact::jid);
  return at != contacts_.end() && at->jid == contact ? &*at : nullptr;
}

std::string GroupView::mark_of(std::uint64_t digest) {
  return fmt::format("{:016x}", digest);
}

store::Roster GroupView::renew(const store::Roster& own) {
  return std::exchange(merged_, merge(own, contacts_));
}

RosterEdit own_part(RosterEdit edit, const store::GroupContact& contact) {
  if (edit.name == contact.name) {
    edit.name.clear();
  }
  std::erase_if(edit.groups, [&](const std::string& group) {
    return std::ranges::binary_search(contact.groups, group);
  });
  return edit;
}

AudienceChange audience_change(const store::Roster& before, const store::Roster& after) {
  AudienceChange change;
  auto old = before.items.begin();
  const auto lose_until = [&](const store::RosterItem* next) {
    for (; old != before.items.end() && (next == nullptr || old->jid < next->jid); ++old) {
      if (has_from(*old)) {
        change.lost.push_back(old->jid);
      }
    }
  };
  for (const store::RosterItem& item : after.items) {
    lose_until(&item);
    const bool was_there = old != before.items.end() && old->jid == item.jid;
    const bool had_from = was_there && has_from(*old);
    if (had_from != has_from(item)) {
      (had_from ? change.lost : change.gained).push_back(item.jid);
    }
    old += was_there ? 1 : 0;
  }
  lose_until(nullptr);
  return change;
}

std::vector<std::string> jids_of(const std::vector<store::GroupContact>& left,
                                 const std::vector<store::GroupContact>& right) {
  std::vector<std::string> jids;
  for (const auto* contacts : {&left, &right}) {
    for (const store::GroupContact& contact : *contacts) {
      jids.push_back(contact.jid);
    }
  }
  std::ranges::sort(jids);
  const auto repeated = std::ranges::unique(jids);
  jids.erase(repeated.begin(), repeated.end());
  return jids;
}

}  // namespace rondel::modules::roster
