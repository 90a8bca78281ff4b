#include "modules/roster/group_watch.h"

#include <algorithm>
#include <utility>

namespace rondel::modules::roster {
namespace {

constexpr std::uint64_t kRetryMs = 5000;   ///< After a failure, unless the interval is shorter.
constexpr std::uint64_t kHandOutMs = 100;  ///< Until a shard that was too busy is told again.
// Of one turn, so that it stays short: users who are looked at, and contacts that changed.
constexpr std::size_t kUsersOfTurn = 256;
constexpr std::size_t kContactsOfTurn = 2000;

}  // namespace

GroupWatch::GroupWatch(api::Shard& shard, Refresh refresh)
    : shard_(shard), refresh_(std::move(refresh)) {
  shard.provide<GroupWatch>(*this);
}

void GroupWatch::started() {
  if (shard_.index() != 0) {
    return;
  }
  for (const auto& host : shard_.hosts()) {
    store::GroupStore* store = host->stores.groups;
    const auto interval = store == nullptr ? std::nullopt : store->refresh_interval(host->name);
    if (interval) {
      sources_.push_back(std::make_unique<Source>(*this, host->name, *store,
                                                  static_cast<std::uint64_t>(interval->count())));
      shard_.timers().set(*sources_.back(), 0);
    }
  }
}

void GroupWatch::stopping() {
  is_stopping_ = true;
  sweep_.cancel();
  for (const auto& source : sources_) {
    source->cancel();
  }
}

const store::HostGroups* GroupWatch::of(std::string_view host) const {
  for (const auto& [name, groups] : in_force_) {
    if (name == host) {
      return groups.get();
    }
  }
  return nullptr;
}

void GroupWatch::Source::expired() {
  if (owed_.empty()) {
    read().start();
  } else {
    hand_out();
  }
}

base::Task<> GroupWatch::Source::read() {
  std::string host = host_;
  auto groups = co_await store_.load(std::move(host));
  if (watch_.is_stopping_) {
    co_return;
  }
  api::Shard& shard = watch_.shard_;
  if (!groups) {
    if (!std::exchange(is_failing_, true)) {
      RONDEL_LOG_ERROR(shard.log(), "roster.groups", "groups of {} cannot be read, {}: {}", host_,
                       groups_ == nullptr ? "and none are known" : "the last ones known stay",
                       groups.error().message);
    }
    shard.timers().set(*this, std::min(kRetryMs, interval_ms_));
    co_return;
  }
  is_failing_ = false;
  if (*groups != groups_) {
    groups_ = std::move(*groups);
    RONDEL_LOG_INFO(shard.log(), "roster.groups", "{} has {} groups with {} users", host_,
                    groups_->group_count(), groups_->user_count());
    for (std::uint16_t index = 0; index < shard.shard_count(); ++index) {
      owed_.push_back(index);
    }
  }
  hand_out();
}

void GroupWatch::Source::hand_out() {
  api::Shard& shard = watch_.shard_;
  std::erase_if(owed_, [&](std::uint16_t index) {
    if (index == shard.index()) {
      watch_.take(host_, groups_);
      return true;
    }
    return shard.try_post(index, [host = host_, groups = groups_](api::Shard& there) {
      if (auto* watch = there.service<GroupWatch>()) {
        watch->take(host, groups);
      }
    });
  });
  shard.timers().set(*this, owed_.empty() ? interval_ms_ : kHandOutMs);
}

void GroupWatch::take(const std::string& host, std::shared_ptr<const store::HostGroups> groups) {
  if (is_stopping_) {
    return;
  }
  const auto known = std::ranges::find(
      in_force_, host, [](const auto& entry) -> const auto& { return entry.first; });
  if (known == in_force_.end()) {
    in_force_.emplace_back(host, std::move(groups));
  } else {
    known->second = std::move(groups);
  }
  generation_ = generation_ == UINT16_MAX ? 1 : static_cast<std::uint16_t>(generation_ + 1);
  // Whoever comes into use from now on begins with these groups.
  to_refresh_.clear();
  shard_.for_each_session([this](api::Session& session) {
    const api::User& user = session.user();
    if (user.sessions().front().get() == &session) {
      to_refresh_.emplace_back(user.jid().bare());
    }
  });
  shard_.timers().set(sweep_, 0);
}

void GroupWatch::refresh_some() {
  std::size_t contacts = 0;
  for (std::size_t users = 0;
       users < kUsersOfTurn && contacts < kContactsOfTurn && !to_refresh_.empty(); ++users) {
    if (api::User* user = shard_.find_user(to_refresh_.back())) {
      contacts += refresh_(*user);
    }
    to_refresh_.pop_back();
  }
  if (!to_refresh_.empty()) {
    shard_.timers().set(sweep_, 1);
  } else {
    to_refresh_.shrink_to_fit();
  }
}

}  // namespace rondel::modules::roster
