// What a run does once its sessions are there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "perf/load/ledger.h"
#include "perf/load/options.h"

namespace rondel::load {

class Connection;
class Crowd;

/// What a scenario's sessions do at login.
struct LoginWishes {
  bool asks_roster = false;
  bool is_available = true;
};

/// One kind of load. The run calls start() after the logins, then turn() all the time, then stop(),
/// and goes on until is_drained().
class Scenario {
 public:
  virtual ~Scenario() = default;

  /// Of `work.unit` in the result.
  [[nodiscard]] virtual std::string_view unit() const = 0;
  [[nodiscard]] virtual LoginWishes login_wishes() const { return {}; }
  /// Whether all sessions log in before start().
  [[nodiscard]] virtual bool needs_sessions() const { return true; }

  /// Something to do before the load, such as subscriptions; called until it says true.
  [[nodiscard]] virtual bool prepare(std::int64_t) { return true; }
  virtual void start(std::int64_t now) = 0;
  /// Does what is due; when to be called next at the latest.
  virtual std::int64_t turn(std::int64_t now) = 0;
  virtual void stop() = 0;
  [[nodiscard]] virtual bool is_drained() const { return true; }
  /// The drain is over.
  virtual void settle() {}

  virtual void ready(Connection&) {}
  /// A stanza that is no request; `now` is when it was read.
  virtual void stanza(Connection& connection, std::string_view text, std::int64_t now) = 0;
  /// A session that was ready is gone; `is_wanted`: we ended it.
  virtual void gone(Connection&, bool is_wanted) { static_cast<void>(is_wanted); }

  /// Units of work done since the beginning.
  [[nodiscard]] virtual std::uint64_t work() const = 0;
  [[nodiscard]] virtual std::vector<const Ledger*> ledgers() const { return {}; }
  /// Bytes of messages written, and of their texts.
  [[nodiscard]] virtual std::pair<std::uint64_t, std::uint64_t> bytes_written() const {
    return {0, 0};
  }
  /// The scenario's own part of the result.
  [[nodiscard]] virtual std::vector<std::pair<std::string, double>> figures() const { return {}; }
};

/// "copies" for "copy".
[[nodiscard]] std::string plural(std::string_view unit);

/// By its name on the command line.
[[nodiscard]] std::unique_ptr<Scenario> make_scenario(Crowd& crowd);

}  // namespace rondel::load
