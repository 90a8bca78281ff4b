// Messages for those who are away (XEP-0160), on one shard.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "modules/api/registrar.h"
#include "modules/offline/flush.h"

namespace rondel::modules::offline {

/// Stores what nobody can take, and gives it to the first session that opens (becomes available
/// with a priority that is not negative).
///
/// Nothing is lost: a message is removed after the kernel has taken it. Nothing comes twice while a
/// connection lives: one flush for a user. Nothing overtakes: see README.md.
class Offline final : public api::ShardModule {
 public:
  Offline(api::Shard& shard, api::SessionSlot<SessionState> slot) : shard_(shard), slot_(slot) {}

  /// The message fallback of the host.
  base::Task<api::Fallback> store_message(std::string bare_jid, const xmpp::Stanza& stanza);
  hooks::Verdict before_process(api::BeforeProcess& context);
  hooks::Verdict after_process(api::AfterProcess& context);
  void session_started(api::Session& session);
  void session_ended(api::Session& session);

 private:
  /// The host of `bare_jid`, if this module serves it and it has a storage.
  [[nodiscard]] const api::Host* find_host(std::string_view bare_jid) const;
  [[nodiscard]] bool is_open(const api::Session& session) const;
  [[nodiscard]] api::Session* find_session(const Flush& flush);
  [[nodiscard]] Flush* find_flush(std::string_view bare_jid);
  /// The message as it is stored, with the mark of when it came (XEP-0203).
  [[nodiscard]] static std::string make_text(const xmpp::Stanza& stanza,
                                             const api::Host& host,
                                             store::Timestamp stamp);
  base::Task<store::StoreResult<void>> add(std::string bare_jid,
                                           std::string text,
                                           store::Timestamp stamp);

  void came_late(std::string bare_jid);
  Flush& begin(std::string bare_jid, std::string_view resource);
  hooks::Verdict arm(api::BeforeProcess& context);
  hooks::Verdict hold(Flush& flush, api::BeforeProcess& context);
  /// Does what the flush is ready for.
  void advance(Flush& flush);
  base::Task<> run(std::string bare_jid);
  base::Task<> store_held(std::string bare_jid, HeldMessage held);
  /// The session to go on with: the one so far, or another open one; null: nobody is there.
  api::Session* choose_target(Flush& flush);
  void write_page(Flush& flush, api::Session& session, std::vector<store::OfflineStanza> page);
  void finish(Flush& flush);
  void log_failure(std::string_view what,
                   std::string_view bare_jid,
                   const store::StoreError& error);

  api::Shard& shard_;
  api::SessionSlot<SessionState> slot_;
  std::map<std::string, std::unique_ptr<Flush>, std::less<>> flushes_;
};

}  // namespace rondel::modules::offline
