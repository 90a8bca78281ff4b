// Where stanzas go: to the right shard, then to handlers and sessions (RFC 6120 §10, RFC 6121 §8).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/task.h"
#include "base/timer_wheel.h"
#include "hooks/verdict.h"
#include "modules/api/contexts.h"
#include "server/mailbox.h"
#include "server/registry.h"
#include "server/user_entry.h"
#include "server/user_table.h"
#include "xmpp/stanza.h"

namespace rondel::server {

class Connection;
class Shard;

/// Routing and processing on one shard.
///
/// Order: stanzas from one address to one other are processed in the order in which they came (RFC
/// 6120 §10.1): one mailbox for each pair of shards, one waiting row for each user whose task is
/// under way. Owner: the shard. Thread: the shard's.
class Router {
 public:
  explicit Router(Shard& shard);
  ~Router();

  /// A stanza of a client of this shard, with a trusted `from`.
  void from_client(Connection& connection, xmpp::Stanza stanza);
  /// A stanza of the server's own: later in this turn, in order.
  void route_later(xmpp::Stanza stanza);
  /// A stanza for a user of this shard.
  void process(xmpp::Stanza stanza);
  void process_copies(const RouteCopies& copies);
  void route_copies(const xml::Document& stanza, std::span<const std::string_view> targets);
  /// Tries again for shards whose mailbox was full. Until then such a presence may be overtaken.
  void send_held_copies();
  [[nodiscard]] bool has_held_copies() const { return !held_copies_.empty(); }
  /// Routes what route_later() has collected.
  void drain();
  [[nodiscard]] bool has_work() const { return !later_.empty(); }
  void bounce(const xmpp::Stanza& stanza,
              xmpp::StanzaErrorCondition condition,
              std::string_view text = {});
  void resume_processing(std::uint64_t continuation, hooks::Verdict verdict);

  [[nodiscard]] UserEntry* find_user(std::string_view bare_jid) const {
    return users_.find(bare_jid);
  }
  UserEntry& user_for_session(xmpp::JidView bare_jid);
  /// Frees the user if nothing needs it any more.
  void release(UserEntry& user);
  [[nodiscard]] std::size_t user_count() const { return users_.size(); }
  template <class F>
  void for_each_user(F&& function) {
    users_.for_each(std::forward<F>(function));
  }

 private:
  struct Suspended;
  struct HeldCopies {
    std::uint16_t home;
    RouteCopies copies;
  };
  /// Above this a presence is dropped, and the log says so.
  static constexpr std::size_t kHeldCopiesMax = 4096;

  void process_copies(const CopiedStanza& stanza, std::span<const std::string_view> targets);
  void process_copy(const CopiedStanza& stanza, UserEntry* user, std::string_view target);
  void send_copies(std::uint16_t home, RouteCopies copies);
  void route(xmpp::Stanza stanza);
  void process_host(xmpp::Stanza stanza);
  void enqueue(UserEntry& user, xmpp::Stanza stanza);
  void perform_waiting(UserEntry& user);
  void perform(UserEntry& user, xmpp::Stanza stanza);
  void suspend(std::uint64_t continuation, UserEntry& user, xmpp::Stanza stanza, std::size_t hook);
  void act(UserEntry& user, xmpp::Stanza stanza);
  void act_on_message(UserEntry& user, xmpp::Stanza stanza);
  void act_on_presence(UserEntry& user, xmpp::Stanza stanza);
  void act_on_iq(UserEntry* user, xmpp::Stanza stanza);
  void finished(api::User* user, const xmpp::Stanza& stanza, api::Outcome outcome);
  void task_finished(const std::string& bare_jid, const xmpp::Stanza& stanza, api::Outcome outcome);
  api::Outcome answer(api::IqReply reply, const xmpp::Stanza& request);
  void unknown_account(xmpp::Stanza stanza);
  /// Who answers a request to the host or, without resource, to an account; null: nobody does.
  [[nodiscard]] const Registry::Iq* find_handler(const xmpp::Stanza& request,
                                                 bool is_account) const;

  // Processing chooses who gets the stanza; finished() writes it to them, behind after-process.
  /// False: that session's connection is closing.
  bool choose(const api::Session& session);
  /// The sender, if it is one of this shard's, most likely writes there again.
  void expect(const api::Session& session, const Connection& receiver);
  /// Sessions for a message to the bare JID; how many.
  std::size_t choose_best(UserEntry& user);
  std::size_t choose_available(UserEntry& user);

  base::Task<> load_account(std::string bare_jid);
  base::Task<> run_outbound_presence(base::ConnectionId connection,
                                     std::string full_jid,
                                     xmpp::Stanza stanza);
  base::Task<> run_inbound_presence(std::string bare_jid, xmpp::Stanza stanza);
  base::Task<> run_fallback(std::string bare_jid, xmpp::Stanza stanza);
  base::Task<> run_iq(const Registry::Iq& handler, std::string bare_jid, xmpp::Stanza stanza);

  Shard& shard_;
  UserTable users_;
  std::vector<base::ConnectionId> chosen_;
  std::deque<xmpp::Stanza> later_;
  std::deque<HeldCopies> held_copies_;
  bool is_draining_ = false;
  std::unordered_map<std::uint64_t, std::unique_ptr<Suspended>> suspended_;
  std::uint64_t next_continuation_ = 1;
};

}  // namespace rondel::server
