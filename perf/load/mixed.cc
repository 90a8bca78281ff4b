#include "perf/load/mixed.h"

#include <algorithm>

#include "perf/load/crowd.h"

namespace rondel::load {
namespace {

constexpr double kSpaceInterval = 60;
constexpr double kPresenceInterval = 60;
constexpr double kStay = 30;             ///< Of a session that comes and goes.
constexpr double kMessageInterval = 10;  ///< Of each session that chats, without --rate.
constexpr std::uint32_t kFollowers = 10;
constexpr std::uint32_t kPartners = 4;

double each(std::uint32_t sessions, double interval) {
  return interval > 0 ? sessions / interval : 0;
}

}  // namespace

Mixed::Parts Mixed::parts_of(std::uint32_t users) {
  Parts parts{};
  parts.leaders = users / 20;
  parts.restless = users / 20;
  parts.idle = users * 6 / 10;
  parts.chatting = users - parts.leaders - parts.restless - parts.idle;
  return parts;
}

Broadcasts::Groups Mixed::groups_of(const Parts& parts) {
  const std::uint32_t followers =
      parts.leaders == 0 ? 0 : std::min(kFollowers, parts.chatting / parts.leaders);
  return {parts.chatting, followers == 0 ? 0 : parts.leaders, 0, std::max(1U, followers)};
}

Mixed::Mixed(Crowd& crowd)
    : crowd_(crowd),
      parts_(parts_of(crowd.size())),
      messages_(crowd, 0, parts_.chatting, std::min(kPartners, parts_.chatting - 1)),
      broadcasts_(crowd, groups_of(parts_)),
      message_schedule_(
          crowd.options().rate > 0 ? crowd.options().rate : each(parts_.chatting, kMessageInterval),
          true,
          crowd.options().seed + 2),
      presence_schedule_(
          each(broadcasts_.groups().count, kPresenceInterval), true, crowd.options().seed + 3),
      restless_schedule_(each(parts_.restless, kStay), true, crowd.options().seed + 4),
      space_schedule_(each(parts_.idle,
                           crowd.options().ping_interval_s > 0 ? crowd.options().ping_interval_s
                                                               : kSpaceInterval),
                      false,
                      crowd.options().seed + 5),
      dice_(crowd.options().seed + 6) {
}

bool Mixed::prepare(std::int64_t now) {
  return crowd_.options().is_prepared || broadcasts_.subscribe(now);
}

void Mixed::start(std::int64_t now) {
  is_running_ = true;
  message_schedule_.start(now);
  presence_schedule_.start(now);
  restless_schedule_.start(now);
  space_schedule_.start(now);
}

void Mixed::stop() {
  is_running_ = false;
  message_schedule_.stop();
  presence_schedule_.stop();
  restless_schedule_.stop();
  space_schedule_.stop();
}

std::int64_t Mixed::turn(std::int64_t now) {
  send_messages(now);
  change_presence(now);
  move_restless(now);
  send_spaces(now);
  return std::min({message_schedule_.next(), presence_schedule_.next(), restless_schedule_.next(),
                   space_schedule_.next()});
}

void Mixed::send_messages(std::int64_t now) {
  while (message_schedule_.next() <= now) {
    const std::int64_t due = message_schedule_.take();
    Connection& sender = crowd_[dice_.below(parts_.chatting)];
    if (!sender.is_ready()) {
      ++crowd_.metrics().unsent;
      continue;
    }
    crowd_.metrics().note_late(due, now);
    const std::uint32_t partner = dice_.below(messages_.ledger().partners());
    messages_.write(sender, messages_.ledger().pair_of(sender.number(), partner), due);
  }
}

void Mixed::change_presence(std::int64_t now) {
  while (presence_schedule_.next() <= now) {
    if (!broadcasts_.send(dice_.below(broadcasts_.groups().count), presence_schedule_.take())) {
      ++crowd_.metrics().unsent;
    }
  }
}

void Mixed::move_restless(std::int64_t now) {
  while (restless_schedule_.next() <= now) {
    restless_schedule_.take();
    Connection& session = crowd_[parts_.chatting + parts_.leaders + dice_.below(parts_.restless)];
    if (dice_.part() < crowd_.options().reset_share) {
      crowd_.leave_by_reset(session);
    } else {
      crowd_.leave(session);
    }
  }
}

void Mixed::send_spaces(std::int64_t now) {
  while (space_schedule_.next() <= now) {
    space_schedule_.take();
    const std::uint32_t first = parts_.chatting + parts_.leaders + parts_.restless;
    if (Connection& session = crowd_[first + next_space_]; session.is_ready()) {
      session.out().append(' ');
      ++spaces_;
    }
    next_space_ = (next_space_ + 1) % parts_.idle;
  }
}

void Mixed::gone(Connection& connection, bool is_wanted) {
  if (is_wanted && is_running_) {
    ++reconnects_;
    crowd_.log_in(connection.number(), now_ns());
  }
}

void Mixed::stanza(Connection& connection, std::string_view text, std::int64_t now) {
  if (!messages_.read(connection, text, now).is_ours) {
    broadcasts_.read(connection, text, now);
  }
}

bool Mixed::is_drained() const {
  return messages_.ledger().under_way() == 0 && broadcasts_.ledger().under_way() == 0 &&
         crowd_.counts().logging_in == 0;
}

void Mixed::settle() {
  messages_.ledger().settle();
  broadcasts_.ledger().settle();
}

std::pair<std::uint64_t, std::uint64_t> Mixed::bytes_written() const {
  const auto [stanzas, texts] = messages_.bytes_written();
  const auto [more_stanzas, more_texts] = broadcasts_.bytes_written();
  return {stanzas + more_stanzas, texts + more_texts};
}

std::vector<std::pair<std::string, double>> Mixed::figures() const {
  return {{"messages", static_cast<double>(work())},
          {"broadcasts", static_cast<double>(broadcasts_.sent())},
          {"copies", static_cast<double>(broadcasts_.ledger().counts().delivered)},
          {"reconnects", static_cast<double>(reconnects_)},
          {"pings", static_cast<double>(spaces_)}};
}

}  // namespace rondel::load
