// Logs many sessions in, keeps them idle, and prints what each costs the server, as JSON.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "perf/idle/client_session.h"

namespace {

using rondel::perf::ClientError;
using rondel::perf::ClientSession;
using rondel::perf::ClientTls;
using rondel::perf::Login;

// Ports of one source address that a client can take without running dry.
constexpr unsigned kSessionsPerAddress = 20'000;

struct Settings {
  Login login;
  unsigned sessions = 10'000;
  unsigned warm_up = 200;
  unsigned threads = 4;
  unsigned settle_ms = 2'000;
  unsigned hold_s = 0;
  int server_pid = 0;
};

/// Bytes by name.
using Memory = std::map<std::string, long long>;

/// What the kernel says of the server's memory. Errors: ClientError.
Memory memory_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/smaps_rollup", pid));
  Memory memory;
  std::string line;
  while (std::getline(file, line)) {
    for (const char* name : {"Rss", "Pss", "Private_Dirty"}) {
      if (line.starts_with(std::string(name) + ":")) {
        memory[name] = std::stoll(line.substr(std::string(name).size() + 1)) * 1024;
      }
    }
  }
  if (memory.size() != 3) {
    throw ClientError(fmt::format("the memory of process {} can't be read", pid));
  }
  return memory;
}

/// The sessions; opened by several threads, so that nobody waits for one round trip at a time.
class Crowd {
 public:
  explicit Crowd(const Settings& settings)
      : settings_(settings), sessions_(settings.warm_up + settings.sessions) {}

  /// Opens until there are `count`. Errors: ClientError, the first one.
  void grow_to(unsigned count) {
    run_each(count, opened_, [this](unsigned i) {
      const Login login = login_of(i);
      sessions_[i].emplace(tls_, login);
      sessions_[i]->begin(login);
    });
    opened_ = count;
  }

  /// Every account authenticates once and leaves: what the server keeps of accounts up to a bound,
  /// such as pages of its database, is there before sessions are measured. Errors: ClientError.
  void visit() {
    run_each(static_cast<unsigned>(sessions_.size()), 0,
             [this](unsigned i) { ClientSession(tls_, login_of(i)); });
  }

  /// Every session still answers. Errors: ClientError.
  void ping_all() {
    run_each(opened_, 0, [this](unsigned i) { sessions_[i]->ping(); });
  }

 private:
  [[nodiscard]] Login login_of(unsigned number) const {
    Login login = settings_.login;
    login.user = fmt::format("idle{}", number);
    login.source = fmt::format("127.0.0.{}", 1 + number / kSessionsPerAddress);
    return login;
  }

  template <class F>
  void run_each(unsigned end, unsigned begin, const F& function) {
    std::atomic<unsigned> next = begin;
    std::mutex mutex;
    std::string problem;
    {
      std::vector<std::jthread> threads;
      for (unsigned t = 0; t < settings_.threads; ++t) {
        threads.emplace_back([&] {
          try {
            for (unsigned i; (i = next++) < end;) {
              function(i);
            }
          } catch (const ClientError& error) {
            next = end;
            const std::lock_guard lock(mutex);
            problem = problem.empty() ? error.what() : problem;
          }
        });
      }
    }
    if (!problem.empty()) {
      throw ClientError(problem);
    }
  }

  const Settings& settings_;
  ClientTls tls_;
  std::vector<std::optional<ClientSession>> sessions_;
  unsigned opened_ = 0;
};

std::string to_json(const Memory& memory) {
  return fmt::format(R"({{"rss": {}, "pss": {}, "private_dirty": {}}})", memory.at("Rss"),
                     memory.at("Pss"), memory.at("Private_Dirty"));
}

void settle(const Settings& settings) {
  std::this_thread::sleep_for(std::chrono::milliseconds(settings.settle_ms));
}

void run(const Settings& settings) {
  Crowd crowd(settings);
  crowd.visit();
  crowd.grow_to(settings.warm_up);
  settle(settings);
  const Memory before = memory_of(settings.server_pid);
  const auto begin = std::chrono::steady_clock::now();
  crowd.grow_to(settings.warm_up + settings.sessions);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  settle(settings);
  const Memory after = memory_of(settings.server_pid);
  std::this_thread::sleep_for(std::chrono::seconds(settings.hold_s));
  crowd.ping_all();  // A figure for sessions that are gone would be worth nothing.
  const auto grown = after.at("Private_Dirty") - before.at("Private_Dirty");
  std::cout << fmt::format(
      R"({{"sessions": {}, "warm_up": {}, "tls": {}, "seconds": {:.1f}, "before": {}, "after": {}, "bytes_per_session": {}}})"
      "\n",
      settings.sessions, settings.warm_up, settings.login.is_tls, took.count(), to_json(before),
      to_json(after), grown / settings.sessions);
}

void raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Logs sessions in as idle0, idle1, ... and measures the server that holds them.");
  app.add_option("--host", settings.login.host, "IPv4 address of the server");
  app.add_option("--port", settings.login.port, "its port")->required();
  app.add_flag("--tls", settings.login.is_tls, "TLS 1.3 from the first byte");
  app.add_option("--domain", settings.login.domain, "the XMPP host")->required();
  app.add_option("--password", settings.login.password, "of every account")->required();
  app.add_option("--pid", settings.server_pid, "the server's process")->required();
  app.add_option("--sessions", settings.sessions, "how many are measured")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--warm-up", settings.warm_up, "how many log in before the first look");
  app.add_option("--threads", settings.threads, "how many log in at a time")
      ->check(CLI::Range(1, 64));
  app.add_option("--settle", settings.settle_ms, "milliseconds of quiet before each look");
  app.add_option("--hold", settings.hold_s, "seconds to stay after the last look");
  CLI11_PARSE(app, argc, argv);
  raise_file_limit();
  try {
    run(settings);
  } catch (const ClientError& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
