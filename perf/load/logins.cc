#include "perf/load/logins.h"

#include "perf/load/crowd.h"

namespace rondel::load {

Logins::Logins(Crowd& crowd, bool is_churn)
    : crowd_(crowd),
      is_churn_(is_churn),
      schedule_(crowd.options().rate, crowd.options().is_poisson, crowd.options().seed + 2),
      dice_(crowd.options().seed + 3) {
  for (std::uint32_t number = 0; number < crowd.size(); ++number) {
    free_.push_back(number);
  }
  to_prepare_ = crowd.options().mechanism == "PLAIN" ? 0 : crowd.size();
}

// Every account once: its SCRAM keys are derived then, and what the server keeps of it is there.
bool Logins::prepare(std::int64_t now) {
  const bool is_hopeless = crowd_.counts().failed >= 100 && crowd_.counts().logins == 0;
  while (to_prepare_ > 0 && under_way_ < crowd_.options().login_parallel && !is_hopeless) {
    --to_prepare_;
    begin_one(now);
  }
  return under_way_ == 0;
}

void Logins::start(std::int64_t now) {
  is_running_ = true;
  schedule_.start(now);
}

void Logins::stop() {
  is_running_ = false;
  schedule_.stop();
}

std::int64_t Logins::turn(std::int64_t now) {
  const Options& options = crowd_.options();
  if (options.rate == 0) {
    while (is_running_ && under_way_ < options.window && !free_.empty()) {
      begin_one(now);
    }
    return kNever;
  }
  while (schedule_.next() <= now) {
    const std::int64_t due = schedule_.take();
    if (free_.empty()) {
      ++crowd_.metrics().unsent;
    } else {
      crowd_.metrics().note_late(due, now);
      begin_one(due);
    }
  }
  return schedule_.next();
}

void Logins::begin_one(std::int64_t due) {
  const std::uint32_t number = free_.front();
  free_.pop_front();
  ++under_way_;
  crowd_.log_in(number, due);
}

void Logins::ready(Connection& connection) {
  crowd_.metrics().note_latency(connection.began_ns, now_ns());
  if (is_churn_ && dice_.part() < crowd_.options().reset_share) {
    crowd_.leave_by_reset(connection);
  } else {
    crowd_.leave(connection);
  }
}

void Logins::gone(Connection& connection, bool is_wanted) {
  --under_way_;
  done_ += is_wanted ? 1 : 0;
  free_.push_back(connection.number());
}

std::vector<std::pair<std::string, double>> Logins::figures() const {
  if (!is_churn_) {
    return {};
  }
  return {{"clean", static_cast<double>(crowd_.counts().left_clean)},
          {"reset", static_cast<double>(crowd_.counts().left_reset)}};
}

}  // namespace rondel::load
