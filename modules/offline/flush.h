// One user's way from "messages wait" to "nothing waits".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/timer_wheel.h"
#include "base/unique_function.h"
#include "modules/api/session.h"
#include "store/timestamp.h"

namespace rondel::modules::offline {

/// What the module remembers of a session.
struct SessionState final : api::ModuleState {
  bool is_open = false;  ///< Available with a priority that is not negative.
};

/// A message that came during a flush, held at before-process.
struct HeldMessage {
  std::uint64_t continuation = 0;
  std::string text;  ///< Ready to be stored.
  store::Timestamp stamp{};
};

/// A flush: exists at most once for a user, so that two resources that log in together share what
/// waits.
///
/// It is a timer so that a change can be acted upon outside of the call that tells it. Owner: the
/// module.
class Flush final : public base::Timer {
 public:
  enum class Phase : std::uint8_t {
    arming,    ///< The session's presence is on its way through the presence handler.
    fetching,  ///< Storage is being asked.
    sending,   ///< A page was written; it is removed once the kernel has it.
  };

  Flush(std::string bare_jid, std::string target, base::UniqueFunction<void(Flush&)> advance)
      : user(std::move(bare_jid)), resource(std::move(target)), advance_(std::move(advance)) {}

  const std::string user;
  std::string resource;  ///< Of the session that gets what waits.
  Phase phase = Phase::arming;
  bool is_storing = false;            ///< A held message is being put behind what waits.
  bool is_abandoned = false;          ///< The session went before its page was sent.
  bool has_more = false;              ///< A message was stored since storage was asked last.
  std::uint64_t removed_through = 0;  ///< Up to this id all were sent, and removed.
  std::uint64_t written_through = 0;  ///< Up to this id all were written to the session.
  bool is_page_sent = false;          ///< The kernel has what was written.
  std::optional<HeldMessage> held;

 private:
  void expired() override { advance_(*this); }
  base::UniqueFunction<void(Flush&)> advance_;
};

}  // namespace rondel::modules::offline
