#include "modules/roster/roster_edit.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "modules/api/roster_service.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::roster {
namespace {

using xmpp::StanzaErrorCondition;

base::Unexpected<EditError> refuse(StanzaErrorCondition condition, std::string_view text) {
  return base::Unexpected<EditError>(EditError{condition, text});
}

EditResult<std::vector<std::string>> parse_groups(const xml::Element& item) {
  std::vector<std::string> groups;
  for (const xml::Element& child : item.children()) {
    if (!child.is("group", xmpp::ns::kRoster)) {
      continue;
    }
    std::string group = child.text();
    if (group.empty()) {
      return refuse(StanzaErrorCondition::not_acceptable, "a group needs a name");
    }
    if (group.size() > kNameBytesMax) {
      return refuse(StanzaErrorCondition::not_acceptable, "the group's name is too long");
    }
    if (groups.size() == kGroupsMax) {
      return refuse(StanzaErrorCondition::not_acceptable, "too many groups");
    }
    groups.push_back(std::move(group));
  }
  std::ranges::sort(groups);
  if (std::ranges::adjacent_find(groups) != groups.end()) {
    return refuse(StanzaErrorCondition::bad_request, "a group is named twice");
  }
  return groups;
}

std::size_t bytes_of(std::string_view jid,
                     std::string_view name,
                     const std::vector<std::string>& groups) {
  std::size_t bytes = jid.size() + name.size();
  for (const std::string& group : groups) {
    bytes += group.size();
  }
  return bytes;
}

}  // namespace

EditResult<RosterEdit> parse_roster_edit(const xml::Element& query, xmpp::JidView own_account) {
  const xml::Element* item = query.first_element();
  if (item == nullptr || item->next_element() != nullptr || !item->is("item", xmpp::ns::kRoster)) {
    return refuse(StanzaErrorCondition::bad_request, "a roster set holds exactly one item");
  }
  const auto text = item->attribute("jid");
  if (!text) {
    return refuse(StanzaErrorCondition::bad_request, "an item needs a jid");
  }
  auto contact = xmpp::Jid::parse(*text);
  if (!contact) {
    return refuse(StanzaErrorCondition::jid_malformed, "the item's jid is no address");
  }
  if (contact->has_resource()) {
    return refuse(StanzaErrorCondition::bad_request, "an item's jid has no resource");
  }
  RosterEdit edit;
  edit.jid = contact->full();
  edit.is_removal = item->attribute_or("subscription", {}) == "remove";
  if (edit.is_removal) {
    return edit;
  }
  if (edit.jid == own_account.bare()) {
    return refuse(StanzaErrorCondition::not_allowed, "nobody is in their own roster");
  }
  edit.name = item->attribute_or("name", {});
  if (edit.name.size() > kNameBytesMax) {
    return refuse(StanzaErrorCondition::not_acceptable, "the name is too long");
  }
  auto groups = parse_groups(*item);
  if (!groups) {
    return base::Unexpected<EditError>(groups.error());
  }
  edit.groups = std::move(*groups);
  return edit;
}

EditResult<store::RosterItem> edited_item(const store::Roster& roster, const RosterEdit& edit) {
  const store::RosterItem* known = api::find_item(roster, edit.jid);
  std::size_t listed = 0;
  std::size_t bytes = bytes_of(edit.jid, edit.name, edit.groups);
  for (const store::RosterItem& other : roster.items) {
    if (other.is_listed && &other != known) {
      ++listed;
      bytes += bytes_of(other.jid, other.name, other.groups);
    }
  }
  const bool is_new = known == nullptr || !known->is_listed;
  // What only gets smaller is taken even where the limit was lowered meanwhile.
  const bool is_growing = is_new || bytes_of(edit.jid, edit.name, edit.groups) >
                                        bytes_of(known->jid, known->name, known->groups);
  if ((is_new && listed >= static_cast<std::size_t>(base::kRosterItemsMax)) ||
      (is_growing && bytes > kRosterBytesMax)) {
    return refuse(StanzaErrorCondition::resource_constraint, "the roster is full");
  }
  store::RosterItem item = known != nullptr ? *known : store::RosterItem(edit.jid);
  item.name = edit.name;
  item.groups = edit.groups;
  item.is_listed = true;
  return item;
}

RemovalPlan plan_removal(const store::RosterItem& item) {
  using enum store::Subscription;
  RemovalPlan plan;
  const bool has_from = item.subscription == from || item.subscription == both;
  plan.should_unsubscribe = item.is_asked || item.subscription == to || item.subscription == both;
  plan.should_unsubscribed = has_from;
  plan.should_send_unavailable = has_from;
  if (item.pending_in.empty()) {
    plan.change = store::RosterChange::remove(item.jid);
  } else {
    store::RosterItem request(item.jid);
    request.is_listed = false;
    request.pending_in = item.pending_in;
    plan.change = store::RosterChange::put(std::move(request));
  }
  return plan;
}

EditResult<RemovalPlan> plan_removal(const store::Roster& roster, std::string_view contact) {
  const store::RosterItem* item = api::find_item(roster, contact);
  if (item == nullptr || !item->is_listed) {
    return refuse(StanzaErrorCondition::item_not_found, "the contact is not in the roster");
  }
  return plan_removal(*item);
}

}  // namespace rondel::modules::roster
