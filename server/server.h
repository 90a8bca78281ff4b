// Start, run, reload, stop: the threads of a server and what main does beside them.
#pragma once

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/executor.h"
#include "base/mpsc_queue.h"
#include "log/writer/log_writer.h"
#include "modules/api/admin.h"
#include "ring/features.h"
#include "server/assembly.h"
#include "server/offload_pool.h"

namespace rondel::server {

/// A running server.
///
/// Thread: main's; the Admin face is for shards. Order at the end: listeners close, streams end
/// with system-shutdown, workers and storages finish, shards free what is theirs, the log is
/// written out.
class Server final : public api::Admin {
 public:
  explicit Server(Assembly& assembly);
  ~Server() override;

  /// Starts everything; returns once clients can connect. Errors: a sentence and an exit code;
  /// nothing runs then.
  [[nodiscard]] base::Result<void, StartFailure> start_blocking();
  /// Serves until a signal or a request ends it. TERM and INT: orderly stop, a second one at once.
  /// HUP: reload. USR1: open log files anew.
  void run_blocking();
  void stop_blocking();

  [[nodiscard]] std::vector<api::ModuleStatus> modules() const override;
  base::Task<api::ServerStatus> status(api::Shard& here) override;
  base::Task<std::vector<api::SessionStatus>> sessions(api::Shard& here) override;
  base::Task<api::ReloadReport> reload(api::Shard& here) override;
  void request_stop() override;

 private:
  struct ReloadRequest;

  base::Result<void, StartFailure> start_log();
  base::Result<void, StartFailure> open_storages();
  base::Result<void, StartFailure> open_listeners();
  base::Result<void, StartFailure> start_shards(const ring::Features& features);
  api::ReloadReport reload_blocking();
  void handle_requests();
  bool handle_signal(int signal);
  void wake_main();
  void tend_watchdog();
  void post_to_shards(const std::function<void(Shard&)>& function);

  Assembly& assembly_;
  Core& core_;
  std::shared_ptr<const config::Snapshot> reloaded_;  ///< The last one; null: none yet.
  std::unique_ptr<log::LogWriter> log_writer_;
  std::unique_ptr<OffloadPool> offload_;
  std::vector<std::thread> threads_;
  std::unique_ptr<std::latch> all_stopped_;
  std::unique_ptr<std::latch> may_finish_;
  std::vector<int> listener_fds_;
  std::vector<std::string> bound_addresses_;
  base::MpscQueue requests_;
  int signal_fd_ = -1;
  int wake_fd_ = -1;
  std::atomic<bool> is_stop_requested_{false};
  std::optional<base::Milliseconds> watchdog_interval_;
  std::chrono::steady_clock::time_point watchdog_due_{};
  unsigned watchdog_questions_ = 0;
  std::atomic<unsigned> watchdog_answers_{0};
};

}  // namespace rondel::server
