// Shards on simulated rings in the test's own thread: virtual sockets, virtual time, a seed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "log/hub.h"
#include "modules/api/contexts.h"
#include "server/core.h"
#include "server/shard.h"
#include "tests/support/sim_ring.h"

namespace rondel::tests {

struct WorldOptions {
  std::uint64_t seed = 1;
  std::uint16_t shards = 1;
  SimFaults faults{};
  std::size_t window_bytes = 65536;
  std::string tls = "off";
  std::string interface_options{};  ///< Lines of [[interface]].
  bool is_counted =
      true;  ///< Counters are compared with a walk after each turn; a benchmark does not.
};

class Client;

/// What a test may do at before-process.
using BeforeProcessHook = std::function<hooks::Verdict(api::BeforeProcess&)>;

/// A server without threads, sockets and disk: storage in memory, a module that lets everybody in
/// who has an account, and one available session for each presence.
///
/// Every shard has a virtual time of its own, which moves by what its ring waits. After every turn
/// its counters of sessions are compared with a walk. Thread: one.
class World {
 public:
  explicit World(const WorldOptions& options = {});
  ~World();

  /// One turn of that shard.
  void turn(std::size_t shard);
  /// One turn of a shard that the seed chooses; then every client takes a step.
  void turn();
  /// Turns until `is_done`; false if it did not happen within `turns_max`.
  bool run_until(const std::function<bool()>& is_done, int turns_max = 50'000);
  void run(int turns);

  /// An account whose home is `shard`; its bare JID.
  std::string add_user(std::size_t shard);
  SimPeer connect(std::size_t shard);

  /// No endpoint, no user, nothing under way but the listeners.
  [[nodiscard]] bool is_quiet();

  [[nodiscard]] server::Shard& shard(std::size_t index) { return *core_.shards[index]; }
  [[nodiscard]] SimRing& ring(std::size_t index) { return *rings_[index]; }
  [[nodiscard]] server::Core& core() { return core_; }
  [[nodiscard]] std::size_t between(std::size_t low, std::size_t high) {
    return low + random_() % (high - low + 1);
  }
  /// Routes `text`, a stanza with from and to, as a module of shard 0 would.
  void route(std::string_view text, std::size_t shard = 0);

  BeforeProcessHook before_process;
  /// How many requests for <slow xmlns='test'/>, which waits for storage, were under way at most.
  [[nodiscard]] int slow_requests_most() const { return slow_.most; }

  struct SlowRequests {
    int under_way = 0, most = 0;
  };

 private:
  friend class Client;

  void make_core(const WorldOptions& options);
  /// What status() says of sessions is what a walk through all of them finds.
  void expect_counted(std::size_t shard);

  const bool is_counted_;
  std::mt19937_64 random_;
  SlowRequests slow_;
  log::Hub hub_;
  std::unique_ptr<log::Channel> log_;
  server::Core core_;
  std::vector<SimRing*> rings_;  ///< Owned by their shards.
  std::vector<int> listeners_;
  std::vector<Client*> clients_;
  int next_user_ = 0;
};

/// A client that a script drives: it says things in pieces, and notes what it hears.
class Client {
 public:
  Client(World& world, std::string jid, std::size_t shard)
      : world_(world), jid_(std::move(jid)), peer_(world.connect(shard)) {
    world_.clients_.push_back(this);
  }
  ~Client() { std::erase(world_.clients_, this); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Puts `text` into the row of what is to be said.
  void say(std::string_view text) { outbox_ += text; }
  /// Says a piece of it, and hears what has come.
  void step();
  /// Turns until `text` was heard; everything up to it is forgotten.
  bool hears(std::string_view text, int turns_max = 20'000);

  /// The whole way to a bound resource; false if something else happened.
  bool log_in();
  /// As far as a stream of an authenticated user that has not bound.
  bool authenticate();
  void open_stream();
  void ask_for_resource();
  void end_stream() { say("</stream:stream>"); }

  [[nodiscard]] const std::string& jid() const { return jid_; }
  [[nodiscard]] std::string full_jid() const { return jid_ + "/r"; }
  [[nodiscard]] std::string& heard() { return heard_; }
  [[nodiscard]] SimPeer& peer() { return peer_; }
  [[nodiscard]] bool has_said_all() const { return outbox_.empty(); }
  [[nodiscard]] bool is_cut() const { return peer_.is_closed_by_server() || peer_.is_reset(); }
  /// The largest piece of one step; 1 is a dribble.
  void set_piece_max(std::size_t bytes) { piece_max_ = bytes; }
  void set_reading(bool is_reading) { is_reading_ = is_reading; }
  void close() {
    is_closed_ = true;
    peer_.close();
  }

 private:
  World& world_;
  std::string jid_;
  SimPeer peer_;
  std::string outbox_, heard_;
  std::size_t piece_max_ = 512;
  bool is_reading_ = true;
  bool is_closed_ = false;
};

using Clients = std::vector<std::unique_ptr<Client>>;
/// A client of a new account whose home is `home`, connected to `shard`.
Client& add_client(World& world, Clients& clients, std::size_t home, std::size_t shard);
/// Ends every stream, and expects that nothing is left behind.
void expect_quiet_end(World& world, Clients& clients);

/// "<message …>…</message>" from `sender` to `receiver`.
[[nodiscard]] std::string message(const std::string& id,
                                  const std::string& to,
                                  std::string_view body,
                                  const std::string& from = {});
/// Takes all complete messages out of `heard`, and gives their ids; an error's id begins with "!".
[[nodiscard]] std::vector<std::string> take_message_ids(std::string& heard);

}  // namespace rondel::tests
