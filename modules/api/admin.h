// The server as a whole, for who operates it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "store/user_key.h"

namespace rondel::api {

class Shard;

/// One loaded module, for people.
struct ModuleStatus {
  std::string name, version, description, file;
  std::vector<std::string> protocols;  ///< "XEP-0199 2.0.1".
};

/// One session, for people.
struct SessionStatus {
  std::string jid, interface_name, peer, layer, cipher, engine, mechanism;
  std::uint16_t shard = 0;
  bool is_available = false;
  int priority = 0;
  std::chrono::seconds age{};
};

/// What the server does now.
struct ServerStatus {
  struct ShardStatus {
    std::uint16_t index = 0;
    std::uint64_t connections = 0, sessions = 0, users = 0;
    std::uint64_t stanzas_received = 0, stanzas_sent = 0, bytes_received = 0, bytes_sent = 0;
    std::uint64_t loop_turns = 0, mailbox_refused = 0, buffers_starved = 0;
    /// Of the ring. Sends, and what else was handed to the kernel; these and receives, done.
    std::uint64_t operations = 0, completions = 0;
    std::uint64_t wakes = 0;    ///< System calls of other threads that ended a sleep.
    std::uint64_t gathers = 0;  ///< Sleeps that waited for several completions first.
    /// Sessions by what carries their records (LayerInfo::engine; empty: no layer).
    std::vector<std::pair<std::string, std::uint64_t>> engines;
  };
  std::string version, kernel;
  std::chrono::seconds uptime{};
  std::vector<ShardStatus> shards;
  std::vector<std::string> listeners, hosts, storages;
};

/// What a reload did.
struct ReloadReport {
  bool is_applied = false;
  std::vector<std::string> applied;        ///< Options that hold from now on.
  std::vector<std::string> needs_restart;  ///< Options that will hold after a restart.
  std::vector<std::string> problems;       ///< Why nothing was applied.
};

/// Thread: any shard; `here` is the one that awaits the task, to which it comes back.
class Admin {
 public:
  virtual ~Admin() = default;
  [[nodiscard]] virtual std::vector<ModuleStatus> modules() const = 0;
  virtual base::Task<ServerStatus> status(Shard& here) = 0;
  virtual base::Task<std::vector<SessionStatus>> sessions(Shard& here) = 0;
  /// Reads the configuration and the certificates again: all of it holds, or nothing.
  virtual base::Task<ReloadReport> reload(Shard& here) = 0;
  /// Begins an orderly stop.
  virtual void request_stop() = 0;
};

}  // namespace rondel::api
