#include "perf/load/presence.h"

#include <algorithm>

#include "perf/load/crowd.h"

namespace rondel::load {
namespace {

Broadcasts::Groups groups_of(const Options& options) {
  const std::uint32_t count = options.users / (options.subscribers + 1);
  return {0, count, count, options.subscribers};
}

}  // namespace

Presence::Presence(Crowd& crowd)
    : crowd_(crowd),
      broadcasts_(crowd, groups_of(crowd.options())),
      schedule_(crowd.options().rate, crowd.options().is_poisson, crowd.options().seed + 2),
      dice_(crowd.options().seed + 3),
      under_way_(broadcasts_.groups().count) {
}

bool Presence::prepare(std::int64_t now) {
  return crowd_.options().is_prepared || broadcasts_.subscribe(now);
}

void Presence::start(std::int64_t now) {
  is_running_ = true;
  last_progress_ = now;
  schedule_.start(now);
  if (crowd_.options().rate == 0) {
    for (std::uint32_t group = 0; group < broadcasts_.groups().count; ++group) {
      turns_.push_back(group);
    }
  }
}

void Presence::stop() {
  is_running_ = false;
  schedule_.stop();
}

std::int64_t Presence::turn(std::int64_t now) {
  while (schedule_.next() <= now) {
    const std::int64_t due = schedule_.take();
    if (broadcasts_.send(dice_.below(broadcasts_.groups().count), due)) {
      crowd_.metrics().note_late(due, now);
    } else {
      ++crowd_.metrics().unsent;
    }
  }
  if (crowd_.options().rate > 0 || !is_running_) {
    return schedule_.next();
  }
  std::swap(turns_, working_);
  for (const std::uint32_t group : working_) {
    fill(group, now);
  }
  working_.clear();
  const std::int64_t patience = to_ns(crowd_.options().patience_s);
  if (now - last_progress_ > patience) {  // Copies are lost, and nothing will tell.
    last_progress_ = now;
    std::fill(under_way_.begin(), under_way_.end(), 0);
    for (std::uint32_t group = 0; group < broadcasts_.groups().count; ++group) {
      turns_.push_back(group);
    }
  }
  return last_progress_ + patience;
}

void Presence::fill(std::uint32_t group, std::int64_t now) {
  const std::uint32_t copies = broadcasts_.groups().followers;
  while (under_way_[group] <= copies * (crowd_.options().window - 1) &&
         broadcasts_.send(group, now)) {
    under_way_[group] += copies;
  }
}

void Presence::stanza(Connection& connection, std::string_view text, std::int64_t now) {
  const Broadcasts::Read read = broadcasts_.read(connection, text, now);
  if (!read.is_ours || read.advance == 0 || read.group >= under_way_.size()) {
    return;
  }
  last_progress_ = now;
  std::uint32_t& under_way = under_way_[read.group];
  under_way -= std::min(under_way, read.advance);
  if (under_way <= broadcasts_.groups().followers * (crowd_.options().window - 1) &&
      crowd_.options().rate == 0) {
    turns_.push_back(read.group);
  }
}

std::vector<std::pair<std::string, double>> Presence::figures() const {
  const auto broadcasts = static_cast<double>(broadcasts_.sent());
  return {{"groups", broadcasts_.groups().count},
          {"broadcasts", broadcasts},
          {"copies", static_cast<double>(work())},
          {"expected", broadcasts * broadcasts_.groups().followers}};
}

}  // namespace rondel::load
