#include "server/copies.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "server/connection.h"
#include "server/router.h"
#include "server/shard.h"
#include "xml/writer.h"

namespace rondel::server {

CopiedStanza::CopiedStanza(xml::Document stanza) : document_(std::move(stanza)) {
  xml::write(document_.root(), text_, {.to = std::string_view(), .to_at = &gap_});
}

void CopiedStanza::write(std::string_view to, base::ByteBuffer& out) const {
  static_cast<void>(out.prepare(text_.size() + to.size()));
  out.append(text_.bytes().first(gap_));
  xml::escape_attribute(to, out);
  out.append(text_.bytes().subspan(gap_));
}

void Router::route_copies(const xml::Document& stanza, std::span<const std::string_view> targets) {
  std::vector<RouteCopies> elsewhere(shard_.shard_count());
  std::vector<std::string_view> here;
  here.reserve(targets.size());
  for (const std::string_view target : targets) {
    if (const std::uint16_t home = shard_.home_of(target); home == shard_.index()) {
      here.push_back(target);
    } else {
      elsewhere[home].targets.emplace_back(target);
    }
  }
  const auto shared = std::make_shared<const CopiedStanza>(stanza.clone());
  process_copies(*shared, here);
  for (std::uint16_t home = 0; home < elsewhere.size(); ++home) {
    if (!elsewhere[home].targets.empty()) {
      elsewhere[home].stanza = shared;
      send_copies(home, std::move(elsewhere[home]));
    }
  }
}

void Router::send_copies(std::uint16_t home, RouteCopies copies) {
  // What waits goes first: presence is in order.
  if (held_copies_.empty()) {
    Message message(std::make_unique<RouteCopies>(std::move(copies)));
    if (shard_.try_send(home, std::move(message))) {
      return;
    }
    copies = std::move(*std::get<std::unique_ptr<RouteCopies>>(message));
  }
  if (held_copies_.size() >= kHeldCopiesMax) {
    RONDEL_LOG_ERROR(shard_.log(), "route.copies_dropped",
                     "shard {} does not keep up; a presence for {} accounts was dropped", home,
                     copies.targets.size());
    return;
  }
  held_copies_.push_back({home, std::move(copies)});
}

void Router::send_held_copies() {
  while (!held_copies_.empty()) {
    auto& [home, copies] = held_copies_.front();
    Message message(std::make_unique<RouteCopies>(std::move(copies)));
    if (!shard_.try_send(home, std::move(message))) {
      copies = std::move(*std::get<std::unique_ptr<RouteCopies>>(message));
      return;
    }
    held_copies_.pop_front();
  }
}

void Router::process_copies(const RouteCopies& copies) {
  const std::vector<std::string_view> targets(copies.targets.begin(), copies.targets.end());
  process_copies(*copies.stanza, targets);
}

/// Each step from an address to a connection waits for memory that nobody has touched since the
/// last presence, so several are on their way at a time.
void Router::process_copies(const CopiedStanza& stanza, std::span<const std::string_view> targets) {
  constexpr std::size_t kTogether = 16;
  // Hooks of before-send may end sessions: then nobody is looked up before it is his turn.
  const bool is_changed = !shard_.chains().before_send.of(hooks::Traffic::presence).empty();
  std::array<UserEntry*, kTogether> users;
  while (!targets.empty()) {
    const std::size_t count = std::min(targets.size(), is_changed ? 1 : kTogether);
    users_.find(targets.first(count), users);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t s = 0; users[i] != nullptr && s < users[i]->sessions().size(); ++s) {
        shard_.prefetch(users[i]->sessions()[s]->connection().handle);
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      process_copy(stanza, users[i], targets[i]);
    }
    targets = targets.subspan(count);
  }
}

void Router::process_copy(const CopiedStanza& stanza, UserEntry* user, std::string_view target) {
  constexpr auto kPresence = hooks::Traffic::presence;
  const bool is_watched = !shard_.chains().before_process.of(kPresence).empty() ||
                          !shard_.chains().after_process.of(kPresence).empty();
  if (is_watched || (user != nullptr && (user->is_busy || user->is_performing))) {
    xml::Document copy = stanza.document().clone();
    copy.root().set_attribute(copy.arena(), "to", target);
    if (auto alone = xmpp::Stanza::from_document(std::move(copy))) {
      route_later(std::move(*alone));
    }
  } else if (user != nullptr) {
    for (const auto& session : user->sessions()) {
      if (session->is_available()) {
        shard_.write_copy(*session, stanza, target);
      }
    }
  }
}

}  // namespace rondel::server
