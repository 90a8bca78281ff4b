// Presence that goes to many: groups of one session and those that are subscribed to it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "perf/load/ledger.h"

namespace rondel::load {

class Connection;
class Crowd;

/// Subscribes followers to leaders, lets leaders change their presence, and counts each copy.
///
/// Leader g's followers are `followers` sessions from first_follower + g * followers on.
class Broadcasts {
 public:
  struct Groups {
    std::uint32_t first_leader = 0;
    std::uint32_t count = 0;
    std::uint32_t first_follower = 0;
    std::uint32_t followers = 0;
  };

  Broadcasts(Crowd& crowd, const Groups& groups);

  /// Subscribes everybody by the protocol, some at a time; true when all are.
  [[nodiscard]] bool subscribe(std::int64_t now);
  /// False if the leader is not there.
  bool send(std::uint32_t group, std::int64_t due);

  struct Read {
    bool is_ours = false;
    std::uint32_t group = 0;
    std::uint32_t advance = 0;  ///< Copies of the group that are not awaited any more.
  };
  /// A stanza came at `now`; presence of others is none of ours.
  Read read(Connection& connection, std::string_view text, std::int64_t now);

  [[nodiscard]] const Groups& groups() const { return groups_; }
  [[nodiscard]] Ledger& ledger() { return ledger_; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> bytes_written() const;

 private:
  [[nodiscard]] bool is_leader(std::uint32_t number) const {
    return number - groups_.first_leader < groups_.count;
  }
  [[nodiscard]] bool is_follower(std::uint32_t number) const {
    return number - groups_.first_follower < groups_.count * groups_.followers;
  }
  [[nodiscard]] std::uint32_t leader_of(std::uint32_t follower) const {
    return groups_.first_leader + (follower - groups_.first_follower) / groups_.followers;
  }
  void read_subscription(Connection& connection, std::string_view text);

  Crowd& crowd_;
  Groups groups_;
  Ledger ledger_;
  std::uint16_t run_;
  std::int64_t zero_ns_;
  std::uint64_t sent_ = 0;
  std::uint64_t stanza_bytes_ = 0;

  bool is_subscribing_;
  std::vector<bool> is_subscribed_;  ///< By follower.
  std::uint32_t asked_ = 0;
  std::uint32_t subscribed_ = 0;
  std::int64_t last_progress_ = 0;
};

}  // namespace rondel::load
