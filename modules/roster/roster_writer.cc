#include "modules/roster/roster_writer.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "modules/api/roster_service.h"
#include "xmpp/namespaces.h"
#include "xmpp/stanza.h"

namespace rondel::modules::roster {
namespace {

std::optional<std::uint64_t> parse_version(std::string_view text) {
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return version;
}

bool looks_alike(const store::RosterItem& left, const store::RosterItem& right) {
  return left.is_listed == right.is_listed && left.name == right.name &&
         left.groups == right.groups && left.subscription == right.subscription &&
         left.is_asked == right.is_asked && left.is_approved == right.is_approved;
}

void append_item(xml::ElementBuilder& query, const RosterPush& push) {
  query.child("item").attribute("jid", push.item.jid);
  if (push.is_removal) {
    query.attribute("subscription", "remove").up();
    return;
  }
  const store::RosterItem& item = push.item;
  if (!item.name.empty()) {
    query.attribute("name", item.name);
  }
  query.attribute("subscription", xmpp::to_text(item.subscription));
  if (item.is_asked) {
    query.attribute("ask", "subscribe");
  }
  if (item.is_approved) {
    query.attribute("approved", "true");
  }
  for (const std::string& group : item.groups) {
    query.child("group").text(group).up();
  }
  query.up();
}

/// Turns the version of each push into what is complete with it; they are in order of versions.
void settle_versions(std::vector<RosterPush>& pushes, std::uint64_t complete) {
  for (std::size_t i = 0; i < pushes.size(); ++i) {
    const bool is_last = i + 1 == pushes.size() || pushes[i + 1].version != pushes[i].version;
    const std::uint64_t own = pushes[i].version;
    if (!is_last) {
      // The next ones of the same version are still compared by it.
      std::size_t end = i;
      while (end + 1 < pushes.size() && pushes[end + 1].version == own) {
        pushes[end++].version = complete;
      }
      i = end;
    }
    complete = own;
  }
}

}  // namespace

std::vector<RosterPush> pushes_of(const store::Roster& before,
                                  std::span<const store::RosterChange> changes,
                                  std::uint64_t version,
                                  bool is_asked_for) {
  std::vector<RosterPush> pushes;
  for (const store::RosterChange& change : changes) {
    const store::RosterItem* old = api::find_item(before, change.item.jid);
    const bool was_listed = old != nullptr && old->is_listed;
    const bool is_listed = change.kind == store::RosterChange::Kind::put && change.item.is_listed;
    if (is_listed && (is_asked_for || !was_listed || !looks_alike(*old, change.item))) {
      pushes.push_back(RosterPush{change.item, false, version});
    } else if (was_listed && !is_listed) {
      pushes.push_back(RosterPush{store::RosterItem(change.item.jid), true, version});
    }
  }
  settle_versions(pushes, before.version);
  return pushes;
}

std::optional<std::vector<RosterPush>> pushes_since(const store::Roster& roster,
                                                    std::string_view known) {
  const std::optional<std::uint64_t> version = parse_version(known);
  if (!version) {
    return std::nullopt;
  }
  std::optional<store::RosterDifference> difference = store::changes_since(roster, *version);
  if (!difference) {
    return std::nullopt;
  }
  const auto listed = static_cast<std::size_t>(
      std::ranges::count_if(roster.items, [](const auto& item) { return item.is_listed; }));
  if (difference->changed.size() + difference->removed.size() > std::max<std::size_t>(listed, 1)) {
    return std::nullopt;
  }
  std::vector<RosterPush> pushes;
  for (store::RosterItem& item : difference->changed) {
    const std::uint64_t of_item = item.version;
    pushes.push_back(RosterPush{std::move(item), false, of_item});
  }
  for (store::RosterRemoval& removal : difference->removed) {
    pushes.push_back(RosterPush{store::RosterItem(std::move(removal.jid)), true, removal.version});
  }
  std::ranges::stable_sort(pushes, {}, &RosterPush::version);
  settle_versions(pushes, *version);
  return pushes;
}

void append_roster(xml::Document& result, const store::Roster& roster) {
  xml::ElementBuilder query(result);
  query.child("query", xmpp::ns::kRoster).attribute("ver", std::to_string(roster.version));
  for (const store::RosterItem& item : roster.items) {
    if (item.is_listed) {
      append_item(query, RosterPush{item, false, 0});
    }
  }
}

xml::Document make_push(const RosterPush& push, std::string_view id) {
  xml::Document document = xmpp::make_iq(xmpp::IqType::set, id, {}, {});
  xml::ElementBuilder query(document);
  query.child("query", xmpp::ns::kRoster).attribute("ver", std::to_string(push.version));
  append_item(query, push);
  return document;
}

}  // namespace rondel::modules::roster
