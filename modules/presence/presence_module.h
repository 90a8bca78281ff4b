// Presence on one shard: broadcasts, probes, directed presence, subscriptions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "modules/api/module.h"
#include "modules/api/registrar.h"
#include "modules/api/roster_service.h"
#include "modules/presence/presence_session.h"

namespace rondel::modules::presence {

/// Memory of a presence that is kept for as long as its session lasts.
inline constexpr std::size_t kPresenceBytesMax = 64 * 1024;

/// Source: RFC 6121 §3, §4. Thread: the shard's. Owner: the shard.
class PresenceShard final : public api::ShardModule {
 public:
  PresenceShard(api::Shard& shard, api::SessionSlot<PresenceSession> slot)
      : shard_(shard), slot_(slot) {}

  void started() override;

  // Registered with the core.
  base::Task<api::Outbound> outbound(std::string full_jid, xmpp::Stanza& stanza);
  base::Task<api::Outcome> inbound(std::string bare_jid, xmpp::Stanza& stanza);
  void session_started(api::Session&) {}
  void session_ended(api::Session& session);
  void advertise(api::Connection& connection, xml::Document& features);

 private:
  // Availability (presence_module.cc).
  base::Task<> announce(xmpp::Stanza& stanza);
  void withdraw(api::Session& session, const xml::Document& presence, bool should_echo);
  api::Outbound direct(api::Session& session, const xmpp::Stanza& stanza);
  void welcome(api::Session& session, const store::Roster& roster);
  void probe_contacts(const api::Session& session, const store::Roster& roster);
  void deliver_requests(api::Session& session, const store::Roster& roster);
  api::Outcome deliver_to_available(const api::User& user, const xmpp::Stanza& stanza);
  base::Task<api::Outcome> probed(api::User& user, xmpp::Stanza& stanza);
  api::Outcome answer_probe(const api::User& user, const xmpp::Stanza& probe);
  api::Outcome refuse_probe(const api::User& user, const xmpp::Stanza& probe, bool is_waiting);
  void send_copy(const xml::Document& presence, std::string_view to);
  PresenceSession& state_of_session(api::Session& session);
  /// Contacts with a subscription to the user, but for those that `session` leaves out.
  [[nodiscard]] std::vector<std::string_view> audience(const store::Roster& roster,
                                                       const api::Session& session) const;

  // Subscriptions (subscriptions.cc).
  base::Task<> send_subscription(xmpp::Stanza& stanza);
  base::Task<api::Outcome> receive_subscription(api::User& user, xmpp::Stanza& stanza);
  api::Outcome deliver_subscription(const api::User& user,
                                    const xmpp::Stanza& stanza,
                                    bool is_for_interested);
  void send_available(const api::User& user, std::string_view contact);
  void send_unavailable(const api::User& user, xmpp::JidView contact);

  api::Shard& shard_;
  const api::SessionSlot<PresenceSession> slot_;
  api::RosterService* roster_ = nullptr;
};

}  // namespace rondel::modules::presence
