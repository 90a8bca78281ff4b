// A user in use on its home shard, with what waits for it.
#pragma once

#include <list>
#include <memory>
#include <string_view>
#include <utility>

#include "modules/api/session.h"
#include "xmpp/stanza.h"

namespace rondel::server {

/// The core's side of api::User.
///
/// Lives while it has sessions, work under way, or holds. Owner: UserTable.
class UserEntry final : public api::User {
 public:
  using api::User::User;

  api::Session& add_session(std::unique_ptr<api::Session> session) {
    sessions_.push_back(std::move(session));
    return *sessions_.back();
  }
  void remove_session(const api::Session& session) {
    std::erase_if(sessions_, [&](const auto& mine) { return mine.get() == &session; });
  }
  [[nodiscard]] bool is_idle() const {
    return sessions().empty() && !is_busy && !is_performing && holds == 0 && waiting.empty();
  }

  bool is_busy = false;        ///< A task of this user is under way; stanzas wait in order.
  bool is_performing = false;  ///< A loop over its stanzas is on the stack.
  int holds = 0;               ///< Tasks of its own sessions that use it.
  /// A list, for an empty one holds no memory, and nearly always it is empty.
  /// Limits: base::kPendingPerUserMax, then resource-constraint.
  std::list<xmpp::Stanza> waiting;
};

}  // namespace rondel::server
