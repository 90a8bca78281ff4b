// All sessions of a run, on its rings.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "perf/load/accounts.h"
#include "perf/load/connection.h"
#include "perf/load/login.h"
#include "perf/load/metrics.h"
#include "perf/load/options.h"
#include "perf/load/rings.h"
#include "perf/load/scenario.h"
#include "perf/load/scram.h"
#include "ring/ring.h"

namespace rondel::load {

/// How many sessions are in which state, and what logins took.
struct CrowdCounts {
  std::uint32_t logging_in = 0;
  std::uint32_t ready = 0;
  std::uint32_t ending = 0;  ///< We have said good-bye.
  std::uint64_t logins = 0;  ///< That succeeded.
  std::uint64_t failed = 0;  ///< Logins that did not.
  std::uint64_t ended = 0;   ///< Sessions that ended without being asked to.
  std::uint64_t left_clean = 0;
  std::uint64_t left_reset = 0;
};

/// Owns rings and connections; hands what they say to logins, then to the scenario.
class Crowd final : private ConnectionEvents, private ring::Sink {
 public:
  /// Errors: an address that is none, a file, the ring, TLS: in words.
  static base::Result<std::unique_ptr<Crowd>> create(const Options& options);
  ~Crowd() override;

  void set_scenario(Scenario& scenario);

  /// Begins a login; its latency counts from `due`.
  void log_in(std::uint32_t number, std::int64_t due);
  /// </stream:stream>, and then as the server does.
  void leave(Connection& connection);
  void leave_by_reset(Connection& connection);

  /// One turn of the rings; waits until `until` at most.
  void turn(std::int64_t until);

  [[nodiscard]] Connection& operator[](std::uint32_t number) { return connections_[number]; }
  [[nodiscard]] std::uint32_t size() const {
    return static_cast<std::uint32_t>(connections_.size());
  }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const Accounts& accounts() const { return accounts_; }
  [[nodiscard]] Metrics& metrics() { return metrics_; }
  [[nodiscard]] const CrowdCounts& counts() const { return counts_; }
  [[nodiscard]] Histogram& login_latency() { return login_latency_; }
  [[nodiscard]] ScramKeys& keys() { return keys_; }
  [[nodiscard]] const Rings& rings() const { return *rings_; }

 private:
  Crowd(const Options& options, Accounts accounts, std::unique_ptr<Rings> rings);

  void opened(Connection& connection) override;
  void element(Connection& connection, xml::FrameKind kind, std::string_view text) override;
  void ended(Connection& connection, const std::string& reason) override;
  void completed(const ring::Completion& completion) override;

  void login_element(Connection& connection, xml::FrameKind kind, std::string_view text);
  void request(Connection& connection, std::string_view text);
  void flush();
  void check_deadlines(std::int64_t now);

  struct Deadline {
    std::uint32_t number;
    std::int64_t began_ns;
  };

  Options options_;
  Accounts accounts_;
  std::unique_ptr<Rings> rings_;
  std::unique_ptr<TlsContext> tls_;
  sockaddr_storage server_{};
  std::vector<sockaddr_storage> sources_;
  ScramKeys keys_;
  LoginWorld login_world_;
  ConnectionWorld world_;
  std::deque<Connection> connections_;  ///< They never move.
  std::deque<Deadline> deadlines_;      ///< Of logins and ends, in the order of their beginning.
  Scenario* scenario_ = nullptr;
  Metrics metrics_;
  Histogram login_latency_;
  CrowdCounts counts_;
};

}  // namespace rondel::load
