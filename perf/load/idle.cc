#include "perf/load/idle.h"

#include "perf/load/crowd.h"
#include "perf/load/stanza_head.h"

namespace rondel::load {
namespace {

constexpr std::uint32_t kQuestionsAtATime = 256;
constexpr std::string_view kPing = "<iq type='get' id='alive'><ping xmlns='urn:xmpp:ping'/></iq>";

double pings_per_second(const Options& options) {
  return options.ping_interval_s > 0 ? options.users / options.ping_interval_s : 0;
}

}  // namespace

Idle::Idle(Crowd& crowd)
    : crowd_(crowd), schedule_(pings_per_second(crowd.options()), false, crowd.options().seed) {
}

void Idle::start(std::int64_t now) {
  schedule_.start(now);
}

void Idle::stop() {
  schedule_.stop();
  is_asking_ = true;
}

std::int64_t Idle::turn(std::int64_t now) {
  while (schedule_.next() <= now) {
    crowd_.metrics().note_late(schedule_.take(), now);
    if (Connection& session = crowd_[next_]; session.is_ready()) {
      session.out().append(' ');
      ++spaces_;
    }
    next_ = (next_ + 1) % crowd_.size();
  }
  while (is_asking_ && asked_ < crowd_.size() && questions_ - answers_ < kQuestionsAtATime) {
    if (Connection& session = crowd_[asked_++]; session.is_ready()) {
      session.began_ns = now;
      session.out().append(kPing);
      ++questions_;
    }
  }
  return schedule_.next();
}

bool Idle::is_drained() const {
  return asked_ == crowd_.size() && answers_ == questions_;
}

void Idle::settle() {
  if (answers_ < questions_) {
    crowd_.metrics().problems.add("a session does not answer a ping", {}, questions_ - answers_);
  }
}

void Idle::stanza(Connection& connection, std::string_view text, std::int64_t now) {
  static_cast<void>(connection);
  static_cast<void>(now);
  const StanzaHead head(text);
  // An error is an answer, too: not every server knows the question.
  answers_ += is_asking_ && head.name == "iq" && head.id == "alive" ? 1 : 0;
}

std::vector<std::pair<std::string, double>> Idle::figures() const {
  return {{"pings", static_cast<double>(spaces_)}, {"answered", answers_}};
}

}  // namespace rondel::load
