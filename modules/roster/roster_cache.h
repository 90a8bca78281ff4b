// One user's roster in memory, and who may work on it.
#pragma once

#include <coroutine>
#include <cstdint>
#include <list>
#include <memory>
#include <span>

#include "modules/api/session.h"
#include "modules/roster/group_view.h"
#include "store/roster.h"

namespace rondel::modules::roster {

/// Brings a roster to where the storage has brought its own: `version` is what the storage
/// answered.
///
/// Source: store::RosterStore::change().
void apply_changes(store::Roster& roster,
                   std::span<const store::RosterChange> changes,
                   std::uint64_t version);

/// Gives turns one at a time, in the order in which they were asked for.
///
/// Limits: as many wait as the user has tasks: one for each session, one for the account.
class TurnQueue {
 public:
  class Wait {
   public:
    explicit Wait(TurnQueue& queue) : queue_(queue) {}
    bool await_ready() noexcept {
      if (queue_.is_taken_) {
        return false;
      }
      queue_.is_taken_ = true;
      return true;
    }
    void await_suspend(std::coroutine_handle<> awaiter) { queue_.waiting_.push_back(awaiter); }
    void await_resume() noexcept {}

   private:
    TurnQueue& queue_;
  };

  /// `co_await queue.take()`; end() must follow.
  [[nodiscard]] Wait take() { return Wait(*this); }
  /// Resumes the next one in line before it returns.
  void end();
  [[nodiscard]] bool is_taken() const { return is_taken_; }

 private:
  std::list<std::coroutine_handle<>> waiting_;  ///< Holds no memory while empty.
  bool is_taken_ = false;
};

/// Hangs on a User.
struct RosterCache final : api::ModuleState {
  store::Roster roster;           ///< As stored; empty unless is_loaded.
  bool is_loaded = false;         ///< False also after the account was removed.
  std::uint16_t groups_seen = 0;  ///< The generation of groups that `view` belongs to.
  std::uint32_t generation = 0;   ///< Grows when the account is removed: what was read before is no
                                  ///< longer true.
  TurnQueue turns;
  std::unique_ptr<GroupView> view;  ///< Null unless groups give the user contacts.

  /// What clients see.
  [[nodiscard]] const store::Roster& shown() const { return view ? view->roster() : roster; }
};

}  // namespace rondel::modules::roster
