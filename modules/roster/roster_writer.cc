#include "modules/roster/roster_writer.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "modules/api/roster_service.h"
#include "xmpp/namespaces.h"
#include "xmpp/stanza.h"

namespace rondel::modules::roster {
namespace {

/// "1234", or "1234-mark" where groups give contacts: other contacts by groups are another version,
/// and a client that knows it is told the whole roster.
std::string version_text(std::uint64_t version, std::string_view mark) {
  std::string text = std::to_string(version);
  if (!mark.empty()) {
    text.append("-").append(mark);
  }
  return text;
}

std::optional<std::uint64_t> parse_version(std::string_view text, std::string_view mark) {
  if (!mark.empty()) {
    if (!text.ends_with(mark) || text.size() == mark.size() ||
        text[text.size() - mark.size() - 1] != '-') {
      return std::nullopt;
    }
    text.remove_suffix(mark.size() + 1);
  }
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
      pushes.push_back(RosterPush{change.item, false, version, {}});
    } else if (was_listed && !is_listed) {
      pushes.push_back(RosterPush{store::RosterItem(change.item.jid), true, version, {}});
    }
  }
  settle_versions(pushes, before.version);
  return pushes;
}

std::vector<RosterPush> pushes_between(const store::Roster& before,
                                       const store::Roster& after,
                                       std::span<const std::string> jids,
                                       const std::string& mark,
                                       bool is_asked_for) {
  std::vector<RosterPush> pushes;
  for (const std::string& jid : jids) {
    const store::RosterItem* old = api::find_item(before, jid);
    const store::RosterItem* now = api::find_item(after, jid);
    const bool was_listed = old != nullptr && old->is_listed;
    const bool is_listed = now != nullptr && now->is_listed;
    if (is_listed && (is_asked_for || !was_listed || !looks_alike(*old, *now))) {
      pushes.push_back(RosterPush{*now, false, after.version, mark});
    } else if (was_listed && !is_listed) {
      pushes.push_back(RosterPush{store::RosterItem(jid), true, after.version, mark});
    }
  }
  settle_versions(pushes, before.version);
  return pushes;
}

std::optional<std::vector<RosterPush>> pushes_since(const store::Roster& roster,
                                                    const store::Roster& shown,
                                                    const std::string& mark,
                                                    std::string_view known) {
  const std::optional<std::uint64_t> version = parse_version(known, mark);
  if (!version) {
    return std::nullopt;
  }
  std::optional<store::RosterDifference> difference = store::changes_since(roster, *version);
  if (!difference) {
    return std::nullopt;
  }
  const auto listed = static_cast<std::size_t>(
      std::ranges::count_if(shown.items, [](const auto& item) { return item.is_listed; }));
  if (difference->changed.size() + difference->removed.size() > std::max<std::size_t>(listed, 1)) {
    return std::nullopt;
  }
  std::vector<RosterPush> pushes;
  for (store::RosterItem& item : difference->changed) {
    const store::RosterItem* as_shown = api::find_item(shown, item.jid);
    RONDEL_ASSERT(as_shown != nullptr);
    pushes.push_back(RosterPush{*as_shown, false, item.version, mark});
  }
  for (store::RosterRemoval& removal : difference->removed) {
    // Gone from the user's own roster, and perhaps still there by a group.
    const store::RosterItem* as_shown = api::find_item(shown, removal.jid);
    const bool is_there = as_shown != nullptr && as_shown->is_listed;
    store::RosterItem item = is_there ? *as_shown : store::RosterItem(std::move(removal.jid));
    pushes.push_back(RosterPush{std::move(item), !is_there, removal.version, mark});
  }
  std::ranges::stable_sort(pushes, {}, &RosterPush::version);
  settle_versions(pushes, *version);
  return pushes;
}

void append_roster(xml::Document& result, const store::Roster& roster, std::string_view mark) {
  xml::ElementBuilder query(result);
  query.child("query", xmpp::ns::kRoster).attribute("ver", version_text(roster.version, mark));
  for (const store::RosterItem& item : roster.items) {
    if (item.is_listed) {
      append_item(query, RosterPush{item, false, 0, {}});
    }
  }
}

xml::Document make_push(const RosterPush& push, std::string_view id) {
  xml::Document document = xmpp::make_iq(xmpp::IqType::set, id, {}, {});
  xml::ElementBuilder query(document);
  query.child("query", xmpp::ns::kRoster).attribute("ver", version_text(push.version, push.mark));
  append_item(query, push);
  return document;
}

}  // namespace rondel::modules::roster
