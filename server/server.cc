#include "server/server.h"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <future>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "config/diff.h"
#include "ring/features.h"
#include "ring/listener.h"
#include "ring/uring_ring.h"
#include "server/connection.h"
#include "server/gather.h"
#include "server/notify.h"
#include "server/process.h"
#include "server/shard.h"

namespace rondel::server {
namespace {

constexpr int kStopPollMs = 20;

/// Work that main gives to a shard.
struct ShardCall final : base::Completion {
  ShardCall(Shard& target, std::function<void(Shard&)> call)
      : shard(target), function(std::move(call)) {}
  void run() override { function(shard); }
  Shard& shard;
  std::function<void(Shard&)> function;
};

base::Unexpected<StartFailure> system_failure(std::string text) {
  return base::Unexpected(StartFailure{kExitSystem, std::move(text)});
}

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
    sigaddset(&signals, signal);
  }
  return signals;
}

/// A shard's ring. Once half of the files that the process may open are open, bound connections go
/// into the tables of the rings, so that the limit does not bound how many there are.
ring::UringOptions shard_ring(const ring::Features& features) {
  constexpr std::size_t kTableMax = 1 << 20;  // The kernel's own limit.
  const std::size_t open_files_max = std::min(raise_open_files_max(), kTableMax);
  ring::UringOptions options{.gather_max = Shard::kGatherMax};
  if (features.has_prompt_file_table) {
    options.kept_max = static_cast<unsigned>(open_files_max);
    options.keep_from = static_cast<int>(open_files_max / 2);
  }
  return options;
}

}  // namespace

/// A reload that a shard has asked for, and its way back.
struct Server::ReloadRequest final : base::Completion {
  void run() override { awaiter.resume(); }
  base::Executor* executor = nullptr;
  std::coroutine_handle<> awaiter;
  api::ReloadReport* report = nullptr;  ///< In the awaiting coroutine.
};

Server::Server(Assembly& assembly) : assembly_(assembly), core_(assembly.core) {
  core_.admin = this;
}

Server::~Server() {
  for (const int fd : listener_fds_) {
    ::close(fd);
  }
  for (const int fd : {signal_fd_, wake_fd_}) {
    if (fd >= 0) {
      ::close(fd);
    }
  }
}

// --- Start ---------------------------------------------------------------------------------------

base::Result<void, StartFailure> Server::start_blocking() {
  // Blocked before the first thread exists, so that only main's descriptor sees them.
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  signal_fd_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  RONDEL_TRY_VOID(start_log());
  const auto features = ring::probe_features();
  if (!features) {
    return system_failure(features.error().message);
  }
  RONDEL_LOG_INFO(*core_.log, "server.starting", "{}", features->description());
  RONDEL_TRY_VOID(open_storages());
  RONDEL_TRY_VOID(open_listeners());
  offload_ = std::make_unique<OffloadPool>(std::max(2u, std::thread::hardware_concurrency()));
  core_.offload = offload_.get();
  RONDEL_TRY_VOID(start_shards(*features));
  RONDEL_LOG_INFO(*core_.log, "server.ready", "{} shards, {} modules, listening on {}",
                  core_.shards.size(), core_.modules.size(), fmt::join(bound_addresses_, ", "));
  return {};
}

base::Result<void, StartFailure> Server::start_log() {
  const config::LogOptions& options = core_.snapshot->log();
  log::LogWriterOptions writer;
  switch (options.target) {
    case config::LogTarget::standard_error:
      writer.destination = {log::Destination::Kind::standard_error, {}};
      break;
    case config::LogTarget::journal:
      writer.destination = {log::Destination::Kind::journal, std::string(log::kJournalSocket)};
      break;
    case config::LogTarget::syslog:
      writer.destination = {log::Destination::Kind::syslog, std::string(log::kSyslogSocket)};
      break;
    case config::LogTarget::file:
      writer.destination = {log::Destination::Kind::file, options.file};
      break;
  }
  auto created = log::LogWriter::create(
      assembly_.hub, std::move(writer), []() -> base::Result<std::unique_ptr<ring::Ring>> {
        RONDEL_TRY(auto ring, ring::UringRing::create({.submission_entries = 64,
                                                       .completion_entries = 128,
                                                       .receive_buffers = 0}));
        return std::unique_ptr<ring::Ring>(std::move(ring));
      });
  if (!created) {
    return system_failure(created.error().message);
  }
  log_writer_ = std::move(*created);
  log_writer_->install_crash_flush();
  core_.log_writer = log_writer_.get();
  return {};
}

base::Result<void, StartFailure> Server::open_storages() {
  const std::string& data_dir = core_.snapshot->server().data_dir;
  if (mkdir(data_dir.c_str(), 0750) != 0 && errno != EEXIST) {
    return system_failure(base::system_error("data folder " + data_dir, errno).message);
  }
  for (const auto& storage : core_.registry.storages) {
    if (auto opened = storage->open_blocking(); !opened) {
      return base::Unexpected(StartFailure{kExitUnavailable, opened.error().message});
    }
  }
  return {};
}

base::Result<void, StartFailure> Server::open_listeners() {
  const int configured = core_.snapshot->server().threads;
  const std::size_t shards = configured > 0 ? static_cast<std::size_t>(configured)
                                            : std::max(1u, std::thread::hardware_concurrency());
  core_.make_shards(shards);
  for (ListenerSpec& spec : core_.listeners) {
    for (std::size_t i = 0; i < shards; ++i) {
      auto fd = ring::open_listener(spec.address, {.must_be_first = i == 0});
      if (!fd) {
        return system_failure(fd.error().message);
      }
      listener_fds_.push_back(*fd);
      if (i == 0) {
        // Port 0 has become a real one, which the other shards have to share.
        const std::size_t colon = spec.address.rfind(':');
        spec.address = fmt::format("{}:{}", spec.address.substr(0, colon), ring::bound_port(*fd));
        bound_addresses_.push_back(spec.address);
      }
      core_.shards[i]->add_listener({*fd, &spec, nullptr});
    }
  }
  for (const Registry::Raw& raw : core_.registry.raw_interfaces) {
    auto fd = ring::open_listener(raw.interface.address,
                                  {.is_shared = false, .unix_mode = raw.interface.socket_mode});
    if (!fd) {
      return system_failure(fmt::format("{}: {}", raw.interface.name, fd.error().message));
    }
    listener_fds_.push_back(*fd);
    bound_addresses_.push_back(raw.interface.address);
    core_.shards.front()->add_listener({*fd, nullptr, &raw});
  }
  return {};
}

base::Result<void, StartFailure> Server::start_shards(const ring::Features& features) {
  const ring::UringOptions ring_options = shard_ring(features);
  const auto count = static_cast<std::ptrdiff_t>(core_.shards.size());
  all_stopped_ = std::make_unique<std::latch>(count);
  core_.shards_running = static_cast<int>(count);
  may_finish_ = std::make_unique<std::latch>(1);
  std::vector<std::future<base::Result<void>>> started;
  for (const auto& shard : core_.shards) {
    std::promise<base::Result<void>> promise;
    started.push_back(promise.get_future());
    threads_.emplace_back(
        [this, &shard = *shard, ring_options, promise = std::move(promise)]() mutable {
          log::register_thread(assembly_.hub);
          auto ring = ring::UringRing::create(ring_options);
          if (!ring) {
            promise.set_value(base::Unexpected(ring.error()));
            --core_.shards_running;
            all_stopped_->count_down();
            return;
          }
          shard.start(std::move(*ring));
          promise.set_value({});
          shard.run();
          all_stopped_->count_down();
          may_finish_->wait();
          shard.finish();
        });
    pthread_setname_np(threads_.back().native_handle(),
                       fmt::format("rondel-{}", shard->index()).c_str());
    if (core_.snapshot->server().threads == 0) {
      pin_to_core(threads_.back(), shard->index());
    }
  }
  std::string problem;
  for (auto& result : started) {
    if (auto outcome = result.get(); !outcome) {
      problem = outcome.error().message;
    }
  }
  if (!problem.empty()) {
    stop_blocking();
    return system_failure(std::move(problem));
  }
  return {};
}

// --- Run -----------------------------------------------------------------------------------------

void Server::run_blocking() {
  notify_service_manager(fmt::format("READY=1\nSTATUS=Serving {} hosts", core_.host_names.size()));
  watchdog_interval_ = watchdog_interval();
  const int timeout_ms = watchdog_interval_ ? static_cast<int>(watchdog_interval_->count()) : -1;
  while (!is_stop_requested_.load()) {
    pollfd waits[] = {{signal_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
    static_cast<void>(poll(waits, 2, timeout_ms));
    tend_watchdog();
    signalfd_siginfo info{};
    while (read(signal_fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
      if (handle_signal(static_cast<int>(info.ssi_signo))) {
        is_stop_requested_ = true;
      }
    }
    std::uint64_t count = 0;
    static_cast<void>(!read(wake_fd_, &count, sizeof(count)));
    handle_requests();
  }
}

bool Server::handle_signal(int signal) {
  switch (signal) {
    case SIGHUP: {
      const api::ReloadReport report = reload_blocking();
      for (const std::string& problem : report.problems) {
        RONDEL_LOG_ERROR(*core_.log, "reload.refused", "{}", problem);
      }
      return false;
    }
    case SIGUSR1:
      log_writer_->reopen();
      return false;
    default:
      return true;
  }
}

void Server::tend_watchdog() {
  const auto now = std::chrono::steady_clock::now();
  if (!watchdog_interval_ || now < watchdog_due_) {
    return;
  }
  watchdog_due_ = now + *watchdog_interval_;
  // Only if every shard has answered since the last time: a server with one stuck loop is not
  // alive.
  if (watchdog_answers_.exchange(0) == watchdog_questions_) {
    notify_service_manager("WATCHDOG=1");
  }
  watchdog_questions_ = static_cast<unsigned>(core_.shards.size());
  post_to_shards([this](Shard&) { ++watchdog_answers_; });
}

void Server::post_to_shards(const std::function<void(Shard&)>& function) {
  for (const auto& shard : core_.shards) {
    shard->post_completion(std::make_unique<ShardCall>(*shard, function));
  }
}

void Server::wake_main() {
  const std::uint64_t one = 1;
  static_cast<void>(!write(wake_fd_, &one, sizeof(one)));
}

void Server::request_stop() {
  is_stop_requested_ = true;
  wake_main();
}

void Server::handle_requests() {
  requests_.take_all([this](std::unique_ptr<base::MpscNode> node) {
    std::unique_ptr<ReloadRequest> request(static_cast<ReloadRequest*>(node.release()));
    *request->report = reload_blocking();
    base::Executor& executor = *request->executor;
    executor.post_completion(std::move(request));
  });
}

void Server::stop_blocking() {
  notify_service_manager("STOPPING=1");
  RONDEL_LOG_INFO(*core_.log, "server.stopping", "closing all streams");
  post_to_shards([](Shard& shard) { shard.stop(); });
  while (!all_stopped_->try_wait()) {
    pollfd wait{signal_fd_, POLLIN, 0};
    signalfd_siginfo info{};
    if (poll(&wait, 1, kStopPollMs) > 0 &&
        read(signal_fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info)) &&
        (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)) {
      post_to_shards([](Shard& shard) { shard.abort_all(); });
    }
  }
  handle_requests();
  offload_->stop_blocking();
  for (const auto& storage : core_.registry.storages) {
    storage->close_blocking();
  }
  may_finish_->count_down();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
  core_.mailboxes.clear();
  core_.shards.clear();
  for (const Registry::Raw& raw : core_.registry.raw_interfaces) {
    if (raw.interface.address.starts_with("unix:")) {
      ::unlink(raw.interface.address.substr(5).c_str());
    }
  }
  RONDEL_LOG_INFO(*core_.log, "server.stopped", "after {} s",
                  std::chrono::duration_cast<std::chrono::seconds>(
                      std::chrono::steady_clock::now() - core_.started)
                      .count());
  log_writer_->stop();
}

// --- Reload --------------------------------------------------------------------------------------

namespace {

/// In words, what lies between the two and holds at `when`.
void list_changes(const config::Snapshot& before,
                  const config::Snapshot& after,
                  config::OnChange when,
                  std::vector<std::string>& list) {
  for (const config::Change& change : config::diff(before, after)) {
    if (change.on_change == when) {
      list.push_back(fmt::format("{}: {} -> {}", change.where, change.before, change.after));
    }
  }
}

}  // namespace

api::ReloadReport Server::reload_blocking() {
  api::ReloadReport report;
  notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                                     std::chrono::duration_cast<std::chrono::microseconds>(
                                         std::chrono::steady_clock::now().time_since_epoch())
                                         .count()));
  log_writer_->reopen();
  auto next = read_snapshot(assembly_.command_line, assembly_.modules);
  if (!next) {
    report.problems.push_back(std::move(next).error());
  } else {
    const config::Snapshot& in_force = reloaded_ ? *reloaded_ : *core_.snapshot;
    list_changes(in_force, **next, config::OnChange::reload, report.applied);
    list_changes(*core_.snapshot, **next, config::OnChange::restart, report.needs_restart);
    for (const auto& module : core_.modules) {
      if (auto prepared = module->prepare_reload(**next); !prepared) {
        report.problems.push_back(prepared.error().message);
      }
    }
  }
  report.is_applied = report.problems.empty();
  if (report.is_applied) {
    assembly_.log->set_level(static_cast<log::Level>((*next)->log().level));
    for (const auto& interface : core_.interfaces) {
      if (const auto* options = (*next)->interface(interface->options.name)) {
        interface->log->set_level(static_cast<log::Level>(options->log_level));
      }
    }
    reloaded_ = *next;
    post_to_shards([snapshot = *next](Shard& shard) { shard.reload(snapshot); });
    RONDEL_LOG_INFO(*core_.log, "reload.done", "{} changes hold, {} need a restart",
                    report.applied.size(), report.needs_restart.size());
  } else {
    report.applied.clear();
    report.needs_restart.clear();
  }
  notify_service_manager("READY=1");
  return report;
}

base::Task<api::ReloadReport> Server::reload(api::Shard& here) {
  struct Wait {
    Server& server;
    base::Executor& executor;
    api::ReloadReport& report;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiter) {
      auto request = std::make_unique<ReloadRequest>();
      request->executor = &executor;
      request->awaiter = awaiter;
      request->report = &report;
      server.requests_.push(std::move(request));
      server.wake_main();
    }
    void await_resume() const noexcept {}
  };
  api::ReloadReport report;
  Wait wait{*this, here.executor(), report};
  co_await wait;
  co_return report;
}

// --- What operators ask --------------------------------------------------------------------------

std::vector<api::ModuleStatus> Server::modules() const {
  std::vector<api::ModuleStatus> result;
  for (const modules::LoadedModule& module : assembly_.modules) {
    api::ModuleStatus& status = result.emplace_back();
    status.name = module.info().name;
    status.version = module.info().version;
    status.description = module.info().description;
    status.file = module.file();
    for (const api::Protocol& protocol : module.info().protocols) {
      status.protocols.push_back(fmt::format("{} {}", protocol.name, protocol.version));
    }
  }
  return result;
}

base::Task<api::ServerStatus> Server::status(api::Shard& here) {
  api::ServerStatus status;
  status.version = RONDEL_VERSION;
  utsname names{};
  uname(&names);
  status.kernel = names.release;
  status.uptime = here.uptime();
  status.listeners = bound_addresses_;
  status.hosts = core_.host_names;
  for (const auto& storage : core_.registry.storages) {
    status.storages.push_back(storage->status());
  }
  Gather<api::ServerStatus::ShardStatus> gather(
      here, [](api::Shard& shard) { return static_cast<Shard&>(shard).status(); });
  status.shards = co_await gather;
  co_return status;
}

base::Task<std::vector<api::SessionStatus>> Server::sessions(api::Shard& here) {
  Gather<std::vector<api::SessionStatus>> gather(
      here, [](api::Shard& shard) { return static_cast<Shard&>(shard).session_status(); });
  std::vector<std::vector<api::SessionStatus>> parts = co_await gather;
  std::vector<api::SessionStatus> all;
  for (auto& part : parts) {
    std::move(part.begin(), part.end(), std::back_inserter(all));
  }
  co_return all;
}

}  // namespace rondel::server
