// The roster on one shard: cache, storage, pushes, and the requests of clients.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "modules/api/module.h"
#include "modules/api/registrar.h"
#include "modules/api/roster_service.h"
#include "modules/roster/group_watch.h"
#include "modules/roster/roster_cache.h"
#include "modules/roster/roster_edit.h"
#include "modules/roster/roster_writer.h"

namespace rondel::modules::roster {

/// Hangs on a session that has asked for the roster (RFC 6121 §2.2: an interested resource).
struct Interested final : api::ModuleState {};

struct Slots {
  api::UserSlot<RosterCache> cache;
  api::SessionSlot<Interested> interested;
};

/// Source: RFC 6121 §2. Thread: the shard's. Owner: the shard.
class RosterShard final : public api::ShardModule, public api::RosterService {
 public:
  RosterShard(api::Shard& shard, Slots slots);

  void started() override { groups_.started(); }
  void stopping() override { groups_.stopping(); }

  // Registered with the core.
  base::Task<api::IqReply> asked(api::IqRequest request);
  /// Refuses requests for another account's roster at their sender, so that the answer is the same
  /// whether that account exists or not (RFC 6121 §2.3.3, RFC 6120 §13.11).
  hooks::Verdict guard(api::AfterInterface& context);
  void advertise(api::Connection& connection, xml::Document& features);
  void account_changed(const store::UserKey& key, api::AccountEvent event);

  // RosterService
  [[nodiscard]] const store::Roster* cached(const api::User& user) const override;
  base::Task<store::StoreResult<const store::Roster*>> load(api::User& user) override;
  base::Task<store::StoreResult<api::RosterTurn>> begin_turn(api::User& user) override;
  base::Task<store::StoreResult<void>> change(api::User& user,
                                              std::vector<store::RosterChange> changes) override;
  [[nodiscard]] bool is_interested(const api::Session& session) const override;
  [[nodiscard]] bool is_by_group(const api::User& user, std::string_view contact) const override;

 protected:
  const store::Roster& roster_in_turn(api::User& user) override;
  base::Task<store::StoreResult<void>> change_in_turn(
      api::User& user,
      std::vector<store::RosterChange> changes,
      base::UniqueFunction<void()> before_push) override;
  void end_turn(api::User& user) override;

 private:
  base::Task<api::IqReply> get(api::IqRequest request);
  base::Task<api::IqReply> set(api::IqRequest request);
  base::Task<store::StoreResult<void>> commit(api::User& user,
                                              std::vector<store::RosterChange> changes,
                                              bool is_asked_for,
                                              base::UniqueFunction<void()> before_push = {});
  RosterCache& cache_of(api::User& user);
  [[nodiscard]] store::RosterStore* store_of(const api::User& user) const;
  void push(api::User& user, const std::vector<RosterPush>& pushes);
  base::Task<api::IqReply> remove(api::IqRequest request, std::string contact);
  // Groups (roster_groups.cc).
  /// The roster with the groups in force; tells clients and contacts what is new in them. How many
  /// contacts changed.
  std::size_t renew_groups(api::User& user, RosterCache& cache);
  /// Stored changes come into force; what interested resources are to be pushed.
  [[nodiscard]] std::vector<RosterPush> apply(RosterCache& cache,
                                              const std::vector<store::RosterChange>& changes,
                                              std::uint64_t version,
                                              bool is_asked_for);
  void tell_audience(const api::User& user, const AudienceChange& change);
  /// RFC 6121 §2.5.2: what a contact hears when it is removed.
  void tell_contact(api::User& user, const RemovalPlan& plan);

  api::Shard& shard_;
  const Slots slots_;
  GroupWatch groups_;
};

}  // namespace rondel::modules::roster
