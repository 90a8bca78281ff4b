// The rings of a run: as many as it takes to have a place for each session.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "ring/uring_ring.h"

namespace rondel::load {

/// How many rings a run gets, and how many sockets each keeps in its own table.
struct RingPlan {
  unsigned rings = 1;
  unsigned kept_max = 0;  ///< 0: sockets stay open files of the process.

  /// `has_table`: a socket leaves a ring's table at once, and may therefore go there. Source:
  /// docs/decisions/0012.
  static RingPlan of(std::uint32_t sessions, std::uint64_t open_files_max, bool has_table);
};

/// Turns one ring or several with one thread. A session is on the same one all its life.
class Rings {
 public:
  /// `sessions`: that are there at the same time. Errors: as UringRing::create.
  static base::Result<std::unique_ptr<Rings>> create(std::uint32_t sessions);
  ~Rings();
  Rings(const Rings&) = delete;
  Rings& operator=(const Rings&) = delete;

  [[nodiscard]] ring::Ring& of(std::uint32_t session) { return *rings_[session % rings_.size()]; }
  [[nodiscard]] std::size_t size() const { return rings_.size(); }
  /// Sockets of bound sessions are to go into the rings' tables.
  [[nodiscard]] bool is_keeping() const { return plan_.kept_max > 0; }
  /// Higher descriptors are left to the program itself, which looks at processes all the time.
  [[nodiscard]] int descriptors_end() const { return descriptors_end_; }
  /// How many sessions fit, for whoever has run out of open files.
  [[nodiscard]] const std::string& limit_words() const { return limit_words_; }

  /// One turn of each; waits `wait` at most until something has come to any of them.
  void turn(base::Nanoseconds wait, ring::Sink& sink);

  /// Sums, but of turns, which are those of the thread.
  [[nodiscard]] ring::RingCounters counters() const;

 private:
  explicit Rings(const RingPlan& plan) : plan_(plan) {}

  RingPlan plan_;
  int descriptors_end_ = 0;
  std::string limit_words_;
  std::vector<std::unique_ptr<ring::UringRing>> rings_;  ///< The first one sleeps for all.
};

}  // namespace rondel::load
