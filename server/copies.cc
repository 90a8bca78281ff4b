#include "server/copies.h"

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
  const auto shared = std::make_shared<const CopiedStanza>(stanza.clone());
  for (const std::string_view target : targets) {
    if (const std::uint16_t home = shard_.home_of(target); home == shard_.index()) {
      process_copy(*shared, target);
    } else {
      elsewhere[home].targets.emplace_back(target);
    }
  }
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
  for (const std::string& target : copies.targets) {
    process_copy(*copies.stanza, target);
  }
}

void Router::process_copy(const CopiedStanza& stanza, std::string_view target) {
  constexpr auto kPresence = hooks::Traffic::presence;
  const bool is_watched = !shard_.chains().before_process.of(kPresence).empty() ||
                          !shard_.chains().after_process.of(kPresence).empty();
  UserEntry* user = find_user(target);
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
