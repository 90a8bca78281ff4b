#include "perf/load/roster.h"

#include <charconv>
#include <fmt/format.h>

#include "perf/load/crowd.h"
#include "perf/load/stanza_head.h"

namespace rondel::load {
namespace {

/// Sessions that fill their rosters at the same time.
constexpr std::uint32_t kFilledAtATime = 64;
constexpr std::string_view kAddId = "add";
constexpr std::string_view kAskId = "ask";

/// The value of the roster's version in an answer; empty if there is none.
std::string_view version_of(std::string_view text) {
  const std::size_t query = text.find("<query");
  const std::string_view tag =
      query == std::string_view::npos ? "" : text.substr(query, text.find('>', query) - query);
  const std::size_t at = tag.find(" ver=");
  if (at == std::string_view::npos || at + 6 > tag.size()) {
    return {};
  }
  const std::string_view rest = tag.substr(at + 6);
  return rest.substr(0, rest.find(tag[at + 5]));
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

}  // namespace

Roster::Roster(Crowd& crowd)
    : crowd_(crowd),
      schedule_(crowd.options().rate, crowd.options().is_poisson, crowd.options().seed + 2),
      dice_(crowd.options().seed + 3),
      is_preparing_(!crowd.options().is_prepared && crowd.options().items > 0),
      zero_ns_(now_ns()),
      added_(crowd.size()),
      versions_(crowd.options().is_versioned ? crowd.size() : 0),
      under_way_(crowd.size()) {
}

bool Roster::prepare(std::int64_t now) {
  while (is_preparing_ && next_to_fill_ < crowd_.size() &&
         next_to_fill_ < filled_ + kFilledAtATime) {
    add_item(next_to_fill_++);
    last_progress_ = now;
  }
  if (is_preparing_ && now - last_progress_ > to_ns(crowd_.options().patience_s)) {
    crowd_.metrics().problems.add("a roster could not be filled", {}, crowd_.size() - filled_);
    is_preparing_ = false;
  }
  is_preparing_ = is_preparing_ && filled_ < crowd_.size();
  return !is_preparing_;
}

void Roster::add_item(std::uint32_t number) {
  const std::uint32_t item = added_[number];
  crowd_[number].out().append(fmt::format(
      "<iq type='set' id='{}{}'><query xmlns='jabber:iq:roster'>"
      "<item jid='contact{:05}@friends.example' name='Contact {}'><group>{}</group></item>"
      "</query></iq>",
      kAddId, item, item, item, item % 3 == 0 ? "Family" : "Friends &amp; others"));
}

void Roster::take_added(std::uint32_t number, std::string_view type) {
  last_progress_ = now_ns();
  if (type == "error") {
    crowd_.metrics().problems.add("the server refuses a contact", crowd_.accounts().name(number));
    ++filled_;
  } else if (++added_[number] < crowd_.options().items) {
    add_item(number);
  } else {
    ++filled_;
  }
}

void Roster::start(std::int64_t now) {
  is_running_ = true;
  schedule_.start(now);
  for (std::uint32_t number = 0; crowd_.options().rate == 0 && number < crowd_.size(); ++number) {
    turns_.push_back(number);
  }
}

void Roster::stop() {
  is_running_ = false;
  schedule_.stop();
}

std::int64_t Roster::turn(std::int64_t now) {
  while (schedule_.next() <= now) {
    const std::int64_t due = schedule_.take();
    Connection& session = crowd_[dice_.below(crowd_.size())];
    if (session.is_ready()) {
      crowd_.metrics().note_late(due, now);
      ask(session, due);
    } else {
      ++crowd_.metrics().unsent;
    }
  }
  std::swap(turns_, working_);
  for (const std::uint32_t number : working_) {
    fill(number, now);
  }
  working_.clear();
  return schedule_.next();
}

void Roster::fill(std::uint32_t number, std::int64_t now) {
  Connection& session = crowd_[number];
  while (is_running_ && session.is_ready() && under_way_[number] < crowd_.options().window) {
    ++under_way_[number];
    ask(session, now);
  }
}

void Roster::ask(Connection& session, std::int64_t due) {
  ++asked_;
  const std::string version =
      versions_.empty() ? "" : fmt::format(" ver='{}'", versions_[session.number()]);
  session.out().append(
      fmt::format("<iq type='get' id='{}{}'><query xmlns='jabber:iq:roster'{}/></iq>", kAskId,
                  due - zero_ns_, version));
}

void Roster::stanza(Connection& connection, std::string_view text, std::int64_t now) {
  const StanzaHead head(text);
  if (head.name != "iq" || (head.type != "result" && head.type != "error")) {
    return;
  }
  if (head.id.starts_with(kAddId)) {
    take_added(connection.number(), head.type);
  } else if (head.id.starts_with(kAskId)) {
    if (head.type == "error") {
      ++refused_;
      crowd_.metrics().problems.add("the server refuses a roster",
                                    crowd_.accounts().name(connection.number()));
    } else {
      take_result(connection, text, now);
    }
    if (crowd_.options().rate == 0) {
      --under_way_[connection.number()];
      turns_.push_back(connection.number());
    }
  }
}

void Roster::take_result(Connection& session, std::string_view text, std::int64_t now) {
  const StanzaHead head(text);
  std::int64_t due = 0;
  std::from_chars(head.id.data() + kAskId.size(), head.id.data() + head.id.size(), due);
  crowd_.metrics().note_latency(zero_ns_ + due, now);
  ++received_;
  bytes_ += text.size();
  const bool is_known = !versions_.empty() && !versions_[session.number()].empty();
  if (is_known && text.find("<query") == std::string_view::npos) {
    ++not_modified_;
    return;
  }
  // More are those that another run has added.
  if (const std::size_t items = count_of(text, "<item"); items < crowd_.options().items) {
    crowd_.metrics().problems.add(
        fmt::format("a roster has {} contacts in place of {}", items, crowd_.options().items),
        crowd_.accounts().name(session.number()));
  }
  if (!versions_.empty()) {
    versions_[session.number()] = version_of(text);
  }
}

void Roster::settle() {
  if (received_ + refused_ < asked_) {
    crowd_.metrics().problems.add("a roster did not come", {}, asked_ - received_ - refused_);
  }
}

std::vector<std::pair<std::string, double>> Roster::figures() const {
  return {{"items", crowd_.options().items},
          {"bytes_each",
           received_ == 0 ? 0 : static_cast<double>(bytes_) / static_cast<double>(received_)},
          {"not_modified", static_cast<double>(not_modified_)}};
}

}  // namespace rondel::load
