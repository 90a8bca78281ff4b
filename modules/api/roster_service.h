// The roster as other modules ask for it; the module `roster` provides it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/task.h"
#include "base/unique_function.h"
#include "modules/api/session.h"
#include "store/roster_store.h"

namespace rondel::api {

class RosterTurn;

/// A user's roster on the user's home shard: cached while the user is in use, stored before it is
/// answered.
///
/// Thread: the home shard's. `user` stays in use while one of its stanzas is handled, which is when
/// a handler asks.
class RosterService {
 public:
  static constexpr std::string_view kServiceName = "roster";
  virtual ~RosterService() = default;

  /// The roster as clients see it, with the contacts that groups give, if it is in memory (always,
  /// once a session of the user was bound and its first presence handled).
  [[nodiscard]] virtual const store::Roster* cached(const User& user) const = 0;
  /// Loads it if need be; the pointer is good until the next wait.
  virtual base::Task<store::StoreResult<const store::Roster*>> load(User& user) = 0;
  /// Waits until nobody else works on this roster: what is read in a turn is still so when it is
  /// changed in the same turn. Turns of one user come in the order in which they were asked for.
  virtual base::Task<store::StoreResult<RosterTurn>> begin_turn(User& user) = 0;
  /// A turn for changes that depend on nothing.
  virtual base::Task<store::StoreResult<void>> change(User& user,
                                                      std::vector<store::RosterChange> changes) = 0;
  /// True if the session has asked for the roster, so that it gets pushes and what became of
  /// subscriptions (RFC 6121 §2.1.6).
  [[nodiscard]] virtual bool is_interested(const Session& session) const = 0;
  /// True if a group of the user gives it this contact, so that each sees the other whatever
  /// subscriptions say. Only of a roster in memory.
  [[nodiscard]] virtual bool is_by_group(const User& user, std::string_view contact) const = 0;

 protected:
  friend class RosterTurn;
  virtual const store::Roster& roster_in_turn(User& user) = 0;
  virtual base::Task<store::StoreResult<void>> change_in_turn(
      User& user,
      std::vector<store::RosterChange> changes,
      base::UniqueFunction<void()> before_push) = 0;
  virtual void end_turn(User& user) = 0;
};

/// The right to work on one user's roster, until it is destroyed.
///
/// Owner: the coroutine that began it, in whose frame it stays.
class [[nodiscard]] RosterTurn {
 public:
  /// For the roster module.
  RosterTurn(RosterService& service, User& user) : service_(&service), user_(&user) {}
  RosterTurn(RosterTurn&& other) noexcept
      : service_(std::exchange(other.service_, nullptr)), user_(other.user_) {}
  RosterTurn& operator=(RosterTurn&&) = delete;
  ~RosterTurn() {
    if (service_ != nullptr) {
      service_->end_turn(*user_);
    }
  }

  /// The user's own, as it is stored now, without what groups give; the reference is good until the
  /// turn ends.
  [[nodiscard]] const store::Roster& roster() const {
    RONDEL_ASSERT(service_ != nullptr);
    return service_->roster_in_turn(*user_);
  }
  /// Stores the changes in one transaction, then updates what roster() shows, then pushes to
  /// interested resources (RFC 6121 §2.1.6) those items that a client may see. On an error nothing
  /// has changed. `before_push` is called between: what explains a push to a client has to reach it
  /// first (§3.1.6, §3.2.3, §3.3.3).
  base::Task<store::StoreResult<void>> change(std::vector<store::RosterChange> changes,
                                              base::UniqueFunction<void()> before_push = {}) {
    RONDEL_ASSERT(service_ != nullptr);
    return service_->change_in_turn(*user_, std::move(changes), std::move(before_push));
  }

 private:
  RosterService* service_;
  User* user_;
};

/// The item of `contact`, a bare JID; null if there is none. Items are sorted by JID.
[[nodiscard]] inline const store::RosterItem* find_item(const store::Roster& roster,
                                                        std::string_view contact) {
  std::size_t low = 0;
  std::size_t high = roster.items.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (roster.items[middle].jid < contact) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < roster.items.size() && roster.items[low].jid == contact ? &roster.items[low]
                                                                       : nullptr;
}

}  // namespace rondel::api
