// One thread with its ring and everything that lives on it (DESIGN §4).
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/byte_buffer.h"
#include "base/prefetch.h"
#include "base/slab.h"
#include "base/timer_wheel.h"
#include "modules/api/shard.h"
#include "ring/ring.h"
#include "server/core.h"
#include "server/endpoint.h"
#include "server/outbox.h"
#include "server/router.h"
#include "server/session_counts.h"
#include "store/combined_storage.h"
#include "xml/parser.h"

namespace rondel::server {

/// The frozen chains of one shard.
struct HookChains {
  template <hooks::Point kPoint>
  using Chain = hooks::Chain<typename api::ContextOf<kPoint>::type, kPoint>;
  template <hooks::Point kPoint>
  using Chains = hooks::TrafficChains<typename api::ContextOf<kPoint>::type, kPoint>;
  Chain<hooks::Point::before_accept> before_accept;
  Chain<hooks::Point::after_accept> after_accept;
  Chain<hooks::Point::layer_accept> layer_accept;
  Chain<hooks::Point::before_interface> before_interface;
  Chains<hooks::Point::after_interface> after_interface;
  Chains<hooks::Point::before_process> before_process;
  Chains<hooks::Point::after_process> after_process;
  Chains<hooks::Point::before_send> before_send;
  Chain<hooks::Point::after_send> after_send;
};

/// What a shard counts; only ever grows. Read on the shard.
struct ShardCounters {
  std::uint64_t stanzas_received = 0, stanzas_sent = 0;
  std::uint64_t bytes_received = 0, bytes_sent = 0;
  std::uint64_t mailbox_refused = 0;
};

/// A socket that this shard accepts from.
struct ShardListener {
  int fd = -1;
  const ListenerSpec* spec = nullptr;  ///< Of an XMPP listener.
  const Registry::Raw* raw = nullptr;  ///< Of a special interface.
};

/// A turn: submit and wait → completions → mailbox → work of other threads → what became ready →
/// flush → timers.
///
/// Owner: Core. Thread: its own, but for wake_if_sleeping(), post_completion() and the constructor.
class Shard final : public api::Shard, public ring::Sink, public base::Executor {
 public:
  /// A sleep is never longer, whatever a lost wake-up does.
  static constexpr std::uint64_t kSleepMaxMs = 100;
  /// How long a busy shard waits for more to do in one turn, which is the most that this costs.
  static constexpr std::chrono::microseconds kGatherMax{100};
  /// How long sessions may take to close at the end.
  static constexpr std::uint64_t kStopMaxMs = 5'000;
  static constexpr std::uint64_t kUnsavedMaxMs = 30'000;
  /// How soon a connection that could not move is tried again.
  static constexpr std::uint64_t kMoveRetryMs = 1;
  /// No stream is authenticated without a session for longer: the longest deadline that can be
  /// configured, and once more after the move.
  static constexpr std::uint64_t kUnboundMaxMs = 660'000;

  Shard(Core& core, std::uint16_t index);
  ~Shard() override;

  // For the server.
  void add_listener(const ShardListener& listener) { listeners_.push_back(listener); }
  /// Starts modules and listeners. Thread: the shard's; the ring belongs to it.
  void start(std::unique_ptr<ring::Ring> ring);
  /// One turn.
  void run_once();
  /// Runs until stop() has been called and everything is closed.
  void run();
  /// Refuses new connections and closes all streams with system-shutdown.
  void stop();
  /// Cuts every connection: for who can't wait for the end of the streams.
  void abort_all();
  [[nodiscard]] bool is_stopped() const { return is_stopping_ && endpoints_.size() == 0; }
  /// Frees module states, then storage sessions; after storages were closed and completions ran.
  void finish();
  void run_completions();
  /// Ends the shard's sleep, if it sleeps. Thread: any.
  void wake_if_sleeping();
  void reload(std::shared_ptr<const config::Snapshot> snapshot);

  // For connections, streams and the router.
  [[nodiscard]] ring::Ring& ring() { return *ring_; }
  [[nodiscard]] const Registry& registry() const { return core_.registry; }
  [[nodiscard]] const HookChains& chains() const { return chains_; }
  [[nodiscard]] Router& router() { return router_; }
  [[nodiscard]] xml::ThreadParser& parser() { return parser_; }
  [[nodiscard]] ShardCounters& counters() { return counters_; }
  [[nodiscard]] SessionCounts& session_counts() { return session_counts_; }
  /// How many endpoints are raw ones; each counts itself.
  [[nodiscard]] std::size_t& raw_endpoints() { return raw_endpoints_; }
  [[nodiscard]] base::ByteBuffer& scratch() { return scratch_; }
  [[nodiscard]] OutboxPool& outboxes() { return outboxes_; }
  [[nodiscard]] api::ShardModule* module_state(ModuleIndex module) {
    return modules_[module].get();
  }
  [[nodiscard]] api::Authenticator* authenticator(std::string_view name);
  /// One copy, for as long as the server runs, of a name that the configuration or a module gave:
  /// a mechanism's. Any thread may read it.
  [[nodiscard]] const std::string& keep_name(std::string_view name);
  [[nodiscard]] Connection* connection(base::ConnectionId id);
  [[nodiscard]] bool serves(ModuleIndex module, std::string_view host) const;
  /// The interface's options as they hold since the last reload.
  [[nodiscard]] const config::InterfaceOptions& options_of(const Interface& interface) const;
  [[nodiscard]] base::StanzaLimits limits_of(const Interface& interface) const;
  void flush_later(base::SlotHandle endpoint) { dirty_.push_back(endpoint); }
  void make_ready(Endpoint& endpoint) { ready_.push_back(endpoint.handle()); }
  void bury(Endpoint& endpoint) { buried_.push_back(endpoint.handle()); }
  void move_later(Connection& connection, std::uint16_t home);
  /// False: the mailbox is full, and `message` is as it was.
  [[nodiscard]] bool try_send(std::uint16_t to, Message&& message);
  /// Runs `function` on shard `to`, whatever its mailbox says: for what somebody waits for.
  void post_reply(std::uint16_t to, base::UniqueFunction<void(api::Shard&)> function);
  void write(api::Session& session, const xml::Element& stanza, std::optional<std::string_view> to);
  /// As much of a connection as what is written to it touches.
  static constexpr std::size_t kWritingBytes = 3 * base::kCacheLineBytes;
  /// Begins to load so much of an endpoint.
  void prefetch(base::SlotHandle endpoint, std::size_t bytes = kWritingBytes) const {
    if (const Endpoint* found = endpoints_.find(endpoint)) {
      base::prefetch_to_write(found, bytes);
    }
  }
  void write_copy(api::Session& session, const CopiedStanza& stanza, std::string_view to);
  /// Whose stanza is being processed: it is made to wait if a session that gets it reads too
  /// slowly.
  void set_source(base::ConnectionId source) { source_ = source; }
  [[nodiscard]] base::ConnectionId source() const { return source_; }
  /// Lets a connection of any shard go on that a slow session has made wait.
  void release_source(base::ConnectionId source);

  [[nodiscard]] hooks::Verdict run_before_interface(Connection& connection, xml::Document& element);
  [[nodiscard]] hooks::Verdict run_after_interface(Connection& connection,
                                                   api::Session& session,
                                                   xmpp::Stanza& stanza);
  /// False: refused, and the connection is ending.
  [[nodiscard]] bool run_layer_accept(Connection& connection, const api::Layer& layer);
  void advertise(api::FeatureStage stage, Connection& connection, xml::Document& features);
  [[nodiscard]] bool offer_element(api::FeatureStage stage,
                                   Connection& connection,
                                   const xml::Element& element);

  /// Binds a resource; an older session of the same one ends (conflict). Null: too many resources.
  api::Session* begin_session(Connection& connection, const xmpp::Jid& full_jid, int resources_max);
  /// True if its password, state or existence has changed since then: who has authenticated before
  /// and binds only now must do so again. On the account's home shard.
  [[nodiscard]] bool has_account_changed_since(std::string_view bare_jid,
                                               std::uint64_t since_ms) const;
  void session_started(api::Session& session);
  void end_session(api::Session& session);
  void end_sessions(std::string_view bare_jid,
                    std::string_view except_full_jid,
                    xmpp::StreamErrorCondition condition,
                    std::string_view text);
  [[nodiscard]] api::ServerStatus::ShardStatus status();
  [[nodiscard]] std::vector<api::SessionStatus> session_status();

  // What modules see.
  [[nodiscard]] std::uint16_t index() const override { return index_; }
  [[nodiscard]] std::uint16_t shard_count() const override {
    return static_cast<std::uint16_t>(core_.shards.size());
  }
  [[nodiscard]] std::uint16_t home_of(std::string_view bare_jid) const override;
  [[nodiscard]] std::shared_ptr<const config::Snapshot> config() const override {
    return snapshot_;
  }
  [[nodiscard]] const log::Channel& log() const override { return *core_.log; }
  [[nodiscard]] base::Result<const log::FileChannel*> open_log_file(
      const std::string& path) override {
    return core_.log_writer->open_file_channel(path);
  }
  [[nodiscard]] base::TimerWheel& timers() override { return timers_; }
  [[nodiscard]] base::Executor& executor() override { return *this; }
  [[nodiscard]] std::chrono::seconds uptime() const override;
  [[nodiscard]] std::span<const api::NamedStorage> storages() const override {
    return named_storages_;
  }
  [[nodiscard]] const api::Host* find_host(std::string_view name) const override;
  [[nodiscard]] std::span<const std::unique_ptr<api::Host>> hosts() const override {
    return hosts_;
  }
  [[nodiscard]] api::DiscoInfo disco_info(const api::Host& host, bool is_account) const override;
  [[nodiscard]] api::User* find_user(std::string_view bare_jid) override {
    return router_.find_user(bare_jid);
  }
  [[nodiscard]] api::Session* find_session(xmpp::JidView full_jid) override;
  void for_each_session(base::UniqueFunction<void(api::Session&)> function) override;
  [[nodiscard]] api::Connection* find_connection(base::ConnectionId id) override;
  [[nodiscard]] api::RawConnection* find_raw(base::ConnectionId id) override;
  void route(xml::Document stanza) override;
  void route_copies(const xml::Document& stanza,
                    std::span<const std::string_view> targets) override;
  bool deliver(api::Session& session, const xml::Element& stanza) override;
  void when_sent(api::Session& session, base::UniqueFunction<void(bool is_sent)> told) override;
  void resume_processing(std::uint64_t continuation, hooks::Verdict verdict) override;
  void bounce(const xmpp::Stanza& stanza,
              xmpp::StanzaErrorCondition condition,
              std::string_view text) override;
  void post_account_event(const store::UserKey& user,
                          api::AccountEvent event,
                          std::string except_full_jid) override;
  [[nodiscard]] bool try_post(std::uint16_t shard,
                              base::UniqueFunction<void(api::Shard&)> function) override;
  [[nodiscard]] bool try_offload(base::UniqueFunction<void()> work,
                                 base::UniqueFunction<void()> done) override;
  [[nodiscard]] api::Admin& admin() override { return *core_.admin; }

  // base::Executor, ring::Sink
  void post_completion(std::unique_ptr<base::Completion> completion) override;
  void completed(const ring::Completion& completion) override;
  void coming(ring::Tag tag) override;
  void next(ring::Tag tag) override;

 protected:
  [[nodiscard]] void* find_service(std::string_view name) const override;
  void set_service(std::string_view name, void* face) override;

 private:
  struct Move {
    base::SlotHandle connection;
    std::uint16_t home;
  };

  void build_chains();
  void attach_storages();
  void accepted(const ring::Completion& completion);
  void accept_client(int fd, const api::PeerAddress& peer, const ListenerSpec& listener);
  void accept_raw(int fd, const api::PeerAddress& peer, const Registry::Raw& raw);
  bool install_extensions(Connection& connection, const ListenerSpec& listener);
  void drain_mailboxes();
  /// False: as many as fit were carried out, and there may be more.
  [[nodiscard]] bool drain_mailbox(Mailbox& mailbox);
  void handle(Message message);
  void run_ready();
  void flush_dirty();
  void run_moves();
  void bury_dead();
  void wake_receivers();
  void remember_change(const std::string& bare_jid);
  void account_event(const store::UserKey& user,
                     api::AccountEvent event,
                     const std::string& except_full_jid);
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] bool must_wait_for_modules() const;
  /// `bytes` of a stanza stand at the end of the connection's output.
  void stanza_written(Connection& connection, const xml::Element& stanza, std::size_t bytes);
  void hold_source(Connection& slow);
  void mark_for_after_send(Connection& connection, std::string_view id, std::size_t bytes);
  Endpoint* endpoint(base::SlotHandle handle) const { return endpoints_.find(handle); }

  Core& core_;
  const std::uint16_t index_;
  std::shared_ptr<const config::Snapshot> snapshot_;
  std::unique_ptr<ring::Ring> ring_;
  base::TimerWheel timers_;
  xml::ThreadParser parser_;
  base::ByteBuffer scratch_;
  OutboxPool outboxes_;
  ShardCounters counters_;
  SessionCounts session_counts_;
  std::size_t raw_endpoints_ = 0;
  std::vector<ShardListener> listeners_;
  std::vector<std::unique_ptr<store::StorageSession>> storages_;
  std::vector<api::NamedStorage> named_storages_;
  std::vector<std::unique_ptr<store::CombinedStorage>> combined_;  ///< One for each host.
  std::vector<std::unique_ptr<api::Host>> hosts_;
  std::vector<std::unique_ptr<api::ShardModule>> modules_;
  std::map<std::string, void*, std::less<>> services_;
  std::set<std::string, std::less<>> names_;
  HookChains chains_;
  base::Slab<Endpoint> endpoints_;
  Router router_;
  std::vector<base::SlotHandle> dirty_, ready_, buried_, turn_;
  std::vector<Move> moves_;
  std::vector<std::uint16_t> receivers_;  ///< Shards that this turn has posted to.
  std::vector<bool> has_posted_;          ///< The same, by shard.
  base::MpscQueue completions_;
  std::atomic<bool> is_sleeping_{false};
  base::ConnectionId source_;
  /// When accounts changed, for as long as a stream may have been authenticated without a session.
  std::unordered_map<std::string, std::uint64_t, base::TextHash, std::equal_to<>> changed_accounts_;
  bool is_stopping_ = false;
  std::uint64_t unsaved_deadline_ms_ = 0;
  std::uint64_t stop_deadline_ms_ = 0;
};

}  // namespace rondel::server
