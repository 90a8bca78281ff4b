#include "perf/load/chat.h"

#include <algorithm>

#include "perf/load/crowd.h"

namespace rondel::load {

Chat::Chat(Crowd& crowd)
    : crowd_(crowd),
      messages_(crowd,
                0,
                crowd.size(),
                crowd.options().has_random_partners ? crowd.options().contacts : 1),
      rate_(crowd.options().rate),
      window_(crowd.options().window),
      pipeline_(crowd.options().pipeline),
      schedule_(rate_ / pipeline_, crowd.options().is_poisson, crowd.options().seed + 2),
      dice_(crowd.options().seed + 3) {
  if (!is_open_loop()) {
    under_way_.resize(crowd.size());
    has_moved_.resize(crowd.size());
    is_waiting_.resize(crowd.size());
  }
}

void Chat::start(std::int64_t now) {
  is_running_ = true;
  if (is_open_loop()) {
    schedule_.start(now);
    return;
  }
  next_look_ = now + to_ns(crowd_.options().patience_s);
  for (std::uint32_t sender = 0; sender < crowd_.size(); ++sender) {
    want_turn(sender);
  }
}

void Chat::stop() {
  is_running_ = false;
  schedule_.stop();
}

std::int64_t Chat::turn(std::int64_t now) {
  while (schedule_.next() <= now) {
    const std::int64_t due = schedule_.take();
    const std::uint32_t sender = dice_.below(crowd_.size());
    if (!crowd_[sender].is_ready()) {
      crowd_.metrics().unsent += pipeline_;
      continue;
    }
    crowd_.metrics().note_late(due, now);
    for (unsigned i = 0; i < pipeline_; ++i) {
      send(sender, due);
    }
  }
  if (!is_open_loop()) {
    std::swap(turns_, working_);
    for (const std::uint32_t sender : working_) {
      is_waiting_[sender] = false;
      fill(sender, now);
    }
    working_.clear();
    write_off_stalled(now);
  }
  return std::min(schedule_.next(), is_running_ ? next_look_ : kNever);
}

void Chat::send(std::uint32_t sender, std::int64_t due) {
  const std::uint32_t partners = messages_.ledger().partners();
  const std::uint32_t partner = partners == 1 ? 0 : dice_.below(partners);
  messages_.write(crowd_[sender], messages_.ledger().pair_of(sender, partner), due);
}

void Chat::fill(std::uint32_t sender, std::int64_t now) {
  if (!is_running_ || !crowd_[sender].is_ready()) {
    return;
  }
  while (under_way_[sender] + pipeline_ <= window_) {
    for (unsigned i = 0; i < pipeline_; ++i) {
      send(sender, now);
    }
    under_way_[sender] += pipeline_;
  }
}

void Chat::want_turn(std::uint32_t sender) {
  if (!is_waiting_[sender]) {
    is_waiting_[sender] = true;
    turns_.push_back(sender);
  }
}

// A message that is lost with nothing behind it would hold its sender for ever.
void Chat::write_off_stalled(std::int64_t now) {
  if (now < next_look_ || !is_running_) {
    return;
  }
  next_look_ = now + to_ns(crowd_.options().patience_s);
  for (std::uint32_t sender = 0; sender < crowd_.size(); ++sender) {
    if (under_way_[sender] > 0 && !has_moved_[sender]) {
      under_way_[sender] = 0;
      want_turn(sender);
    }
    has_moved_[sender] = false;
  }
}

void Chat::ready(Connection& connection) {
  if (!is_open_loop() && is_running_) {
    want_turn(connection.number());
  }
}

void Chat::stanza(Connection& connection, std::string_view text, std::int64_t now) {
  const Messages::Read read = messages_.read(connection, text, now);
  if (!read.is_ours || is_open_loop()) {
    return;
  }
  const std::uint32_t sender = messages_.ledger().sender_of(read.id.pair);
  if (sender >= under_way_.size() || read.advance == 0) {
    return;
  }
  under_way_[sender] -= std::min(under_way_[sender], read.advance);
  has_moved_[sender] = true;
  want_turn(sender);
}

}  // namespace rondel::load
