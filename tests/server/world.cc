#include "tests/server/world.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>

#include "base/encoding.h"
#include "base/test_clock.h"
#include "config/document.h"
#include "modules/api/registrar.h"
#include "server/connection.h"
#include "server/registry.h"
#include "store/memory_storage.h"
#include "xml/parser.h"

namespace rondel::tests {
namespace {

/// Whose time it is: the ring of the shard that has its turn.
SimRing* current_ring = nullptr;

std::uint64_t virtual_ms() {
  return current_ring == nullptr
             ? 0
             : static_cast<std::uint64_t>(
                   std::chrono::duration_cast<base::Milliseconds>(current_ring->now()).count());
}

/// Who says a name is who has it. One that is told of accounts hands an active one along.
class TrustfulExchange final : public api::AuthExchange {
 public:
  explicit TrustfulExchange(bool is_told) : is_told_(is_told) {}
  base::Task<api::AuthStep> step(std::string input, bool has_input) override {
    if (!has_input) {
      co_return api::AuthStep(api::AuthChallenge{"who?"});
    }
    api::AuthIdentity identity;
    if (is_told_) {
      identity.account = store::Account{{input, "example.org"}};
    }
    identity.local = std::move(input);
    co_return api::AuthStep(std::move(identity));
  }

 private:
  bool is_told_;
};

class TestOnShard final : public api::ShardModule, public api::Authenticator {
 public:
  TestOnShard(api::Shard& shard, BeforeProcessHook& hook, World::SlowRequests& slow)
      : shard_(shard), hook_(hook), slow_(slow) {}

  std::vector<std::string> mechanisms(const api::AuthChannel& /*channel*/) override {
    return {"X-TRUST", "X-TOLD"};
  }
  std::unique_ptr<api::AuthExchange> begin(std::string_view mechanism,
                                           const api::AuthChannel& /*channel*/) override {
    return std::make_unique<TrustfulExchange>(mechanism == "X-TOLD");
  }
  api::Authenticator& authenticator() { return *this; }

  hooks::Verdict before_process(api::BeforeProcess& context) {
    return hook_ ? hook_(context) : hooks::Verdict::next();
  }

  /// Waits for storage, as the real one does, so that the stream is paused meanwhile.
  base::Task<api::Outbound> outbound(std::string full_jid, xmpp::Stanza& stanza) {
    if (!stanza.to().is_empty()) {
      co_return api::Outbound::route;
    }
    const auto jid = xmpp::Jid::parse(full_jid);
    store::UserKey key{std::string(jid->local()), std::string(jid->domain())};
    static_cast<void>(co_await shard_.hosts()[0]->stores.users->lookup(std::move(key)));
    if (api::Session* session = shard_.find_session(jid->view())) {
      session->set_available(stanza.root(), 0);
    }
    co_return api::Outbound::done;
  }
  base::Task<api::Outcome> inbound(std::string /*bare_jid*/, xmpp::Stanza& /*stanza*/) {
    co_return api::Outcome::dropped;
  }
  base::Task<api::IqReply> slow(api::IqRequest request) {
    slow_.most = std::max(slow_.most, ++slow_.under_way);
    store::UserKey key{std::string(request.from().local()), std::string(request.from().domain())};
    static_cast<void>(co_await shard_.hosts()[0]->stores.users->lookup(std::move(key)));
    --slow_.under_way;
    co_return api::IqReply(request.make_result());
  }

 private:
  api::Shard& shard_;
  BeforeProcessHook& hook_;
  World::SlowRequests& slow_;
};

class TestModule final : public api::Module {
 public:
  TestModule(BeforeProcessHook& hook, World::SlowRequests& slow) : hook_(hook), slow_(slow) {}
  base::Result<void> load(api::Registrar& registrar) override {
    registrar.add_storage(std::make_unique<store::MemoryStorage>(
        store::MemoryStorage::Options{.has_thread = false, .fault = {}}));
    registrar.add_authenticator<&TestOnShard::authenticator>("test");
    registrar.set_presence_handler<&TestOnShard::outbound, &TestOnShard::inbound>();
    registrar.add_iq<&TestOnShard::slow>({.name = "slow", .ns = "test"});
    registrar.add_hook<&TestOnShard::before_process>(
        "does what the test wants",
        {.traffic = {hooks::Traffic::message, hooks::Traffic::broadcast, hooks::Traffic::iq}});
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<TestOnShard>(shard, hook_, slow_);
  }

 private:
  BeforeProcessHook& hook_;
  World::SlowRequests& slow_;
};

std::shared_ptr<const config::Snapshot> snapshot_with(const WorldOptions& options) {
  const std::string text =
      "[modules]\nload = [\"test\"]\n[[host]]\nname = \"example.org\"\n"
      "certificate = \"/none.crt\"\nkey = \"/none.key\"\n[[interface]]\n"
      "name = \"clients\"\nlisten = [\"127.0.0.1:5222\"]\n"
      "hosts = [\"example.org\"]\nauth = [\"test\"]\ntls = \"" +
      options.tls + "\"\n" + options.interface_options +
      (options.interface_options.find("receive_rate") == std::string::npos ? "receive_rate = 0\n"
                                                                           : "");
  const auto document = config::Document::parse(text, "/test.toml");
  RONDEL_CHECK(document.has_value());
  const config::ModuleOptions module{"test", {}, "Lets everybody in."};
  auto snapshot = config::Snapshot::create(*document, {}, {&module, 1});
  if (!snapshot) {
    ADD_FAILURE() << config::to_string(snapshot.error());
  }
  return *snapshot;
}

base::Task<> create_user(store::UserStore& users, std::string local, bool& is_done) {
  store::UserKey key{std::move(local), "example.org"};
  store::CredentialSet credentials({{store::ScramHash::sha_1, 4096, "salt", "stored", "server"}});
  is_done = (co_await users.create(std::move(key), std::move(credentials))).has_value();
}

}  // namespace

World::World(const WorldOptions& options) : is_counted_(options.is_counted), random_(options.seed) {
  current_ring = nullptr;
  base::replace_monotonic_clock(&virtual_ms);
  log_ = std::make_unique<log::Channel>(hub_, log::Source{.level = log::Level::error});
  make_core(options);
  for (std::uint16_t i = 0; i < options.shards; ++i) {
    auto ring = std::make_unique<SimRing>(SimOptions{
        .seed = options.seed + i, .faults = options.faults, .window_bytes = options.window_bytes});
    if (i > 0) {
      ring->share_descriptors(*rings_.front());
    }
    rings_.push_back(ring.get());
    listeners_.push_back(ring->open_listener());
    shard(i).add_listener({listeners_.back(), &core_.listeners.front(), nullptr});
    current_ring = rings_.back();
    shard(i).start(std::move(ring));
  }
}

void World::make_core(const WorldOptions& options) {
  core_.snapshot = snapshot_with(options);
  core_.log = log_.get();
  core_.log_hub = &hub_;
  core_.registry.module_names.emplace_back("test");
  core_.modules.push_back(std::make_unique<TestModule>(before_process, slow_));
  server::ModuleRegistrar registrar(core_.registry, 0, core_.snapshot);
  RONDEL_CHECK(core_.modules.back()->load(registrar).has_value());
  RONDEL_CHECK(core_.registry.hooks.freeze().has_value());
  RONDEL_CHECK(core_.registry.storages.front()->open_blocking().has_value());
  core_.host_names.emplace_back("example.org");
  core_.host_storages = {{0, 0, 0, 0}};
  auto interface = std::make_unique<server::Interface>();
  interface->options = core_.snapshot->interfaces().front();
  interface->hosts = {"example.org"};
  interface->log = std::make_unique<log::Channel>(
      hub_, log::Source{.interface = "clients", .level = log::Level::error});
  core_.listeners.push_back({"127.0.0.1:5222", {interface.get()}});
  core_.interfaces.push_back(std::move(interface));
  core_.make_shards(static_cast<std::size_t>(options.shards));
}

World::~World() {
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    current_ring = rings_[i];
    shard(i).stop();
  }
  run_until([this] {
    return std::ranges::all_of(core_.shards, [](const auto& each) { return each->is_stopped(); });
  });
  core_.registry.storages.front()->close_blocking();
  for (const auto& each : core_.shards) {
    each->finish();
  }
  core_.mailboxes.clear();
  core_.shards.clear();
  current_ring = nullptr;
  base::replace_monotonic_clock(nullptr);
}

void World::turn(std::size_t index) {
  current_ring = rings_[index];
  shard(index).run_once();
  if (is_counted_) {
    expect_counted(index);
  }
}

void World::expect_counted(std::size_t index) {
  std::map<std::string, std::uint64_t, std::less<>> walked;
  std::uint64_t sessions = 0;
  shard(index).for_each_session([&](api::Session& session) {
    const api::Connection* connection = shard(index).find_connection(session.connection());
    ASSERT_NE(connection, nullptr);
    const api::Layer* layer = connection->layer();
    ++walked[layer != nullptr ? std::string(layer->info().engine) : std::string()];
    ++sessions;
  });
  const auto status = shard(index).status();
  EXPECT_EQ(status.sessions, sessions);
  const std::map<std::string, std::uint64_t, std::less<>> counted(status.engines.begin(),
                                                                  status.engines.end());
  EXPECT_EQ(counted, walked);
}

void World::turn() {
  turn(between(0, rings_.size() - 1));
  for (Client* client : clients_) {
    client->step();
  }
}

void World::run(int turns) {
  for (int i = 0; i < turns; ++i) {
    turn();
  }
}

bool World::run_until(const std::function<bool()>& is_done, int turns_max) {
  for (int i = 0; i < turns_max; ++i) {
    if (is_done()) {
      return true;
    }
    turn();
  }
  return is_done();
}

std::string World::add_user(std::size_t home) {
  std::string local;
  do {
    local = fmt::format("user{}", next_user_++);
  } while (shard(0).home_of(local + "@example.org") != home);
  bool is_done = false;
  create_user(*shard(0).hosts()[0]->stores.users, local, is_done).start();
  shard(0).run_completions();
  EXPECT_TRUE(is_done);
  return local + "@example.org";
}

SimPeer World::connect(std::size_t index) {
  return rings_[index]->connect(listeners_[index]);
}

bool World::is_quiet() {
  bool is_quiet = rings_.front()->open_fds() == rings_.size();
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    const auto status = shard(i).status();
    is_quiet = is_quiet && status.connections == 0 && status.sessions == 0 && status.users == 0 &&
               rings_[i]->operations_under_way() == 1;
  }
  return is_quiet;
}

void World::route(std::string_view text, std::size_t index) {
  auto document = shard(index).parser().parse(text, xml::StreamNamespaces::client());
  RONDEL_CHECK(document.has_value());
  shard(index).route(std::move(*document));
}

void Client::step() {
  if (is_closed_) {
    return;
  }
  const std::size_t bytes = std::min(outbox_.size(), world_.between(1, piece_max_));
  if (bytes > 0 && !peer_.is_reset()) {
    peer_.write(std::string_view(outbox_).substr(0, bytes));
    outbox_.erase(0, bytes);
  }
  if (is_reading_) {
    heard_ += peer_.read();
  }
}

bool Client::hears(std::string_view text, int turns_max) {
  std::size_t at = std::string::npos;
  const bool has_heard = world_.run_until(
      [&] {
        at = heard_.find(text);
        return at != std::string::npos || (is_cut() && outbox_.empty());
      },
      turns_max);
  if (!has_heard || at == std::string::npos) {
    return false;
  }
  heard_.erase(0, at + text.size());
  return true;
}

void Client::open_stream() {
  say("<?xml version='1.0'?><stream:stream to='example.org' version='1.0' xmlns='jabber:client' "
      "xmlns:stream='http://etherx.jabber.org/streams'>");
}

void Client::ask_for_resource() {
  say("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
      "<resource>r</resource></bind></iq>");
}

bool Client::authenticate() {
  open_stream();
  if (!hears("</stream:features>")) {
    return false;
  }
  say(fmt::format("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X-TRUST'>{}</auth>",
                  base::base64_encode(jid_.substr(0, jid_.find('@')))));
  return hears("<success");
}

bool Client::log_in() {
  if (!authenticate()) {
    return false;
  }
  open_stream();
  if (!hears("</stream:features>")) {
    return false;
  }
  ask_for_resource();
  return hears("</jid></bind></iq>");
}

Client& add_client(World& world, Clients& clients, std::size_t home, std::size_t shard) {
  clients.push_back(std::make_unique<Client>(world, world.add_user(home), shard));
  return *clients.back();
}

void expect_quiet_end(World& world, Clients& clients) {
  for (auto& client : clients) {
    client->set_reading(true);
    client->end_stream();
  }
  world.run_until([&] {
    return std::ranges::all_of(clients, [](const auto& client) {
      return client->is_cut() || client->heard().find("</stream:stream>") != std::string::npos;
    });
  });
  for (auto& client : clients) {
    client->close();
  }
  EXPECT_TRUE(world.run_until([&] { return world.is_quiet(); }));
}

std::string message(const std::string& id,
                    const std::string& to,
                    std::string_view body,
                    const std::string& from) {
  const std::string sender = from.empty() ? std::string() : fmt::format(" from='{}'", from);
  return fmt::format("<message type='chat' id='{}' to='{}'{}><body>{}</body></message>", id, to,
                     sender, body);
}

std::vector<std::string> take_message_ids(std::string& heard) {
  constexpr std::string_view kEnd = "</message>";
  std::vector<std::string> ids;
  for (std::size_t end = heard.find(kEnd); end != std::string::npos; end = heard.find(kEnd)) {
    const std::string all = heard.substr(0, end);
    heard.erase(0, end + kEnd.size());
    const std::string one = all.substr(all.rfind("<message"));
    const std::size_t at = one.find(" id=") + 5;
    const bool is_error = one.find("<error") != std::string::npos;
    ids.push_back((is_error ? "!" : "") + one.substr(at, one.find(one[at - 1], at) - at));
  }
  return ids;
}

}  // namespace rondel::tests
