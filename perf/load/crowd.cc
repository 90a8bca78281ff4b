#include "perf/load/crowd.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "perf/load/addresses.h"
#include "perf/load/stanza_head.h"
#include "xml/parser.h"
#include "xml/writer.h"

namespace rondel::load {
namespace {

/// How many sessions there are at the most. Those of a closed loop of logins leave at once.
std::uint32_t sessions_at_once(const Options& options) {
  const bool is_passing = options.scenario == "login" || options.scenario == "churn";
  return is_passing && options.rate == 0
             ? std::min(options.users, std::max(options.window, options.login_parallel))
             : options.users;
}

}  // namespace

base::Result<std::unique_ptr<Crowd>> Crowd::create(const Options& options) {
  RONDEL_TRY(Accounts accounts, Accounts::create(options));
  RONDEL_TRY(std::unique_ptr<Rings> rings, Rings::create(sessions_at_once(options)));
  std::unique_ptr<Crowd> crowd(new Crowd(options, std::move(accounts), std::move(rings)));
  RONDEL_TRY(crowd->server_, parse_address(options.server));
  RONDEL_TRY(crowd->sources_, parse_sources(options.sources));
  for (const sockaddr_storage& source : crowd->sources_) {
    if (source.ss_family != AF_UNSPEC && source.ss_family != crowd->server_.ss_family) {
      return base::Unexpected(base::Error("--sources and --server are of different families"));
    }
  }
  if (options.tls != TlsMode::none) {
    RONDEL_TRY(crowd->tls_, TlsContext::create(options.tls_version, options.domain,
                                               options.tls == TlsMode::direct));
    crowd->world_.tls = crowd->tls_.get();
  }
  if (!options.scram_cache.empty()) {
    crowd->keys_.load(options.scram_cache);
  }
  // Many sessions are mostly quiet ones: they hold no buffers.
  crowd->world_.buffer_kept = options.users > 5'000 ? 0 : 4096;
  for (std::uint32_t number = 0; number < options.users; ++number) {
    crowd->connections_.emplace_back(crowd->world_, crowd->rings_->of(number), number);
  }
  return crowd;
}

Crowd::Crowd(const Options& options, Accounts accounts, std::unique_ptr<Rings> rings)
    : options_(options),
      accounts_(std::move(accounts)),
      rings_(std::move(rings)),
      login_world_{options_, accounts_, keys_},
      world_{*this} {
  world_.is_keeping = rings_->is_keeping();
  world_.is_quiet = options.scenario == "idle";
  world_.descriptors_end = rings_->descriptors_end();
  world_.limit_words = rings_->limit_words();
}

Crowd::~Crowd() {
  rings_.reset();  // Lets go of the connections' buffers.
}

void Crowd::set_scenario(Scenario& scenario) {
  scenario_ = &scenario;
  login_world_.asks_roster = scenario.login_wishes().asks_roster;
  login_world_.is_available = scenario.login_wishes().is_available;
}

void Crowd::log_in(std::uint32_t number, std::int64_t due) {
  Connection& connection = connections_[number];
  ++counts_.logging_in;
  connection.began_ns = due;
  connection.stage = Connection::Stage::login;
  connection.login = std::make_unique<Login>(login_world_, connection);
  deadlines_.push_back({number, due});
  connection.open(server_, sources_[number % sources_.size()], options_.tls == TlsMode::direct);
}

void Crowd::leave(Connection& connection) {
  if (!connection.is_ready()) {
    return;
  }
  connection.stage = Connection::Stage::leaving;
  --counts_.ready;
  ++counts_.ending;
  ++counts_.left_clean;
  connection.began_ns = now_ns();
  deadlines_.push_back({connection.number(), connection.began_ns});
  connection.out().append(xml::kStreamEndTag);
  connection.finish();
}

void Crowd::leave_by_reset(Connection& connection) {
  if (!connection.is_ready()) {
    return;
  }
  connection.stage = Connection::Stage::leaving;
  --counts_.ready;
  ++counts_.ending;
  ++counts_.left_reset;
  connection.reset();
}

void Crowd::turn(std::int64_t until) {
  flush();
  const std::int64_t now = now_ns();
  check_deadlines(now);
  const std::int64_t wait = options_.is_spinning ? 0 : std::max<std::int64_t>(0, until - now);
  rings_->turn(base::Nanoseconds(wait), *this);
}

void Crowd::flush() {
  // A flush may end a connection, whose successor is then in the list, too.
  for (std::size_t i = 0; i < world_.dirty.size(); ++i) {
    world_.dirty[i]->flush();
  }
  world_.dirty.clear();
}

void Crowd::check_deadlines(std::int64_t now) {
  const std::int64_t oldest = now - to_ns(options_.patience_s);
  while (!deadlines_.empty() && deadlines_.front().began_ns < oldest) {
    const Deadline deadline = deadlines_.front();
    deadlines_.pop_front();
    Connection& connection = connections_[deadline.number];
    if (connection.began_ns != deadline.began_ns || connection.is_closed()) {
      continue;
    }
    if (connection.stage == Connection::Stage::login && connection.login) {
      connection.close(fmt::format("{} did not come in {} s", connection.login->waits_for(),
                                   options_.patience_s));
    } else if (connection.is_finishing()) {
      metrics_.problems.add("the server did not close a stream that we ended",
                            accounts_.name(deadline.number));
      connection.close("");
    }
  }
}

void Crowd::completed(const ring::Completion& completion) {
  if (completion.tag.op != ring::Op::wake && completion.tag.op != ring::Op::none) {
    connections_[completion.tag.owner.slot].completed(completion);
  }
}

void Crowd::opened(Connection& connection) {
  if (connection.login) {
    connection.login->opened(connection.is_encrypted());
  }
}

void Crowd::element(Connection& connection, xml::FrameKind kind, std::string_view text) {
  if (connection.login) {
    login_element(connection, kind, text);
    return;
  }
  if (kind == xml::FrameKind::stanza) [[likely]] {
    if (text.starts_with("<iq")) {
      request(connection, text);
    } else if (text.starts_with("<stream:error")) {
      const auto document =
          xml::ThreadParser::of_this_thread().parse(text, xml::StreamNamespaces::client());
      connection.close("stream error: " + (document ? error_words(document->root()) : "?"));
      return;
    }
    scenario_->stanza(connection, text, now_ns());
  } else if (kind == xml::FrameKind::stream_close) {
    connection.close(connection.is_finishing() ? "" : "the server ended the stream");
  }
}

void Crowd::login_element(Connection& connection, xml::FrameKind kind, std::string_view text) {
  connection.login->element(kind, text);
  if (connection.login->has_failed()) {
    connection.close(connection.login->error());
  } else if (connection.login->is_done()) {
    const std::int64_t now = now_ns();
    login_latency_.add(static_cast<std::uint64_t>(now - connection.began_ns));
    connection.login.reset();
    connection.stage = Connection::Stage::ready;
    connection.settle();
    --counts_.logging_in;
    ++counts_.ready;
    ++counts_.logins;
    scenario_->ready(connection);
  }
}

// Servers ask whether a client is there, and tell it about its roster.
void Crowd::request(Connection& connection, std::string_view text) {
  const StanzaHead head(text);
  if (head.type != "get" && head.type != "set") {
    return;
  }
  const bool is_known = head.type == "set" || text.find("urn:xmpp:ping") != std::string_view::npos;
  const std::string to = head.from.empty() ? "" : fmt::format(" to='{}'", head.from);
  connection.out().append(
      is_known ? fmt::format("<iq type='result' id='{}'{}/>", head.id, to)
               : fmt::format("<iq type='error' id='{}'{}><error type='cancel'><service-unavailable "
                             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
                             head.id, to));
}

void Crowd::ended(Connection& connection, const std::string& reason) {
  connection.login.reset();
  switch (std::exchange(connection.stage, Connection::Stage::none)) {
    case Connection::Stage::login:
      --counts_.logging_in;
      ++counts_.failed;
      metrics_.problems.add("login: " + reason, accounts_.name(connection.number()));
      scenario_->gone(connection, false);
      break;
    case Connection::Stage::ready:
      --counts_.ready;
      ++counts_.ended;
      metrics_.problems.add("session: " + reason, accounts_.name(connection.number()));
      scenario_->gone(connection, false);
      break;
    case Connection::Stage::leaving:
      --counts_.ending;
      scenario_->gone(connection, true);
      break;
    case Connection::Stage::none:
      break;
  }
}

}  // namespace rondel::load
