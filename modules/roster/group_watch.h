// The groups of a shard's hosts: read again and again, and what follows when they change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/timer_wheel.h"
#include "modules/api/shard.h"
#include "store/host_groups.h"

namespace rondel::modules::roster {

/// Shard 0 asks the storages and hands what has changed to all shards; each then goes through its
/// users, a few in each turn.
///
/// Thread: the shard's. Owner: the RosterShard. Limits: one question under way for each host.
class GroupWatch {
 public:
  static constexpr std::string_view kServiceName = "roster.groups";
  /// Brings a user's roster to the groups in force; how many contacts that was work for.
  using Refresh = base::UniqueFunction<std::size_t(api::User&)>;

  GroupWatch(api::Shard& shard, Refresh refresh);

  /// All modules of this shard have started.
  void started();
  void stopping();

  /// Null: the host has no groups, or none are known yet.
  [[nodiscard]] const store::HostGroups* of(std::string_view host) const;
  /// Another number whenever groups of the shard have changed; 0 as long as there were none.
  [[nodiscard]] std::uint16_t generation() const { return generation_; }

 private:
  /// A host whose groups this shard reads.
  class Source final : public base::Timer {
   public:
    Source(GroupWatch& watch, std::string host, store::GroupStore& store, std::uint64_t interval_ms)
        : watch_(watch), host_(std::move(host)), store_(store), interval_ms_(interval_ms) {}
    void expired() override;

   private:
    base::Task<> read();
    void hand_out();

    GroupWatch& watch_;
    const std::string host_;
    store::GroupStore& store_;
    const std::uint64_t interval_ms_;
    std::shared_ptr<const store::HostGroups> groups_;
    std::vector<std::uint16_t> owed_;  ///< Shards that could not be told yet.
    bool is_failing_ = false;
  };
  class Sweep final : public base::Timer {
   public:
    explicit Sweep(GroupWatch& watch) : watch_(watch) {}
    void expired() override { watch_.refresh_some(); }

   private:
    GroupWatch& watch_;
  };

  void take(const std::string& host, std::shared_ptr<const store::HostGroups> groups);
  void refresh_some();

  api::Shard& shard_;
  Refresh refresh_;
  std::vector<std::pair<std::string, std::shared_ptr<const store::HostGroups>>> in_force_;
  std::vector<std::unique_ptr<Source>> sources_;
  Sweep sweep_{*this};
  std::vector<std::string> to_refresh_;  ///< Users in use when the groups changed.
  std::uint16_t generation_ = 0;
  bool is_stopping_ = false;
};

}  // namespace rondel::modules::roster
