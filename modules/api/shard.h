// A shard as modules see it: one thread, and all that lives on it (DESIGN §4).
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/task.h"
#include "base/timer_wheel.h"
#include "base/unique_function.h"
#include "config/snapshot.h"
#include "log/log.h"
#include "modules/api/contexts.h"
#include "modules/api/raw_interface.h"
#include "modules/api/session.h"
#include "store/storage.h"
#include "xml/document.h"
#include "xmpp/stanza.h"
#include "xmpp/stream_error.h"

namespace rondel::api {

class Admin;

/// The faces of storage that serve one host on this shard; all of one storage, or combined.
struct HostStores {
  store::UserStore* users = nullptr;
  store::RosterStore* rosters = nullptr;
  store::OfflineStore* offline = nullptr;
  store::KeyValueStore* key_values = nullptr;
  store::GroupStore* groups = nullptr;
};

/// A storage as a shard has it, with the name of its module.
struct NamedStorage {
  std::string name;
  store::StorageSession* session = nullptr;
};

/// A virtual host that this server serves.
struct Host {
  std::string name;  ///< Normalised.
  const config::HostOptions* options = nullptr;
  HostStores stores;
};

/// What service discovery tells of a host or of an account (XEP-0030).
struct DiscoIdentity {
  std::string category, type, name;
};
struct DiscoInfo {
  std::vector<DiscoIdentity> identities;
  std::vector<std::string> features;  ///< Sorted, each once.
};

/// What happened to an account; told on its home shard.
enum class AccountEvent : std::uint8_t { password_changed, disabled, removed };

/// One shard.
///
/// Thread: its own, except where a function says otherwise. Owner: the server.
class Shard {
 public:
  virtual ~Shard() = default;

  [[nodiscard]] virtual std::uint16_t index() const = 0;
  [[nodiscard]] virtual std::uint16_t shard_count() const = 0;
  /// The home shard of a bare JID.
  [[nodiscard]] virtual std::uint16_t home_of(std::string_view bare_jid) const = 0;
  /// The configuration in force; a reload puts another one here.
  [[nodiscard]] virtual std::shared_ptr<const config::Snapshot> config() const = 0;
  [[nodiscard]] virtual const log::Channel& log() const = 0;
  /// A file of lines that the log's thread writes (see log::FileChannel); the same path gives the
  /// same channel.
  [[nodiscard]] virtual base::Result<const log::FileChannel*> open_log_file(
      const std::string& path) = 0;
  [[nodiscard]] virtual base::TimerWheel& timers() = 0;
  /// The way back for threads of a module's own. Thread: any.
  [[nodiscard]] virtual base::Executor& executor() = 0;
  /// How long this server runs.
  [[nodiscard]] virtual std::chrono::seconds uptime() const = 0;

  /// All storages that are loaded, whichever host they serve.
  [[nodiscard]] virtual std::span<const NamedStorage> storages() const { return {}; }

  // Hosts and users.
  [[nodiscard]] virtual const Host* find_host(std::string_view name) const = 0;
  [[nodiscard]] virtual std::span<const std::unique_ptr<Host>> hosts() const = 0;
  [[nodiscard]] virtual DiscoInfo disco_info(const Host& host, bool is_account) const = 0;
  /// A user of this shard that is in use now; null says nothing about the account's existence.
  [[nodiscard]] virtual User* find_user(std::string_view bare_jid) = 0;
  [[nodiscard]] virtual Session* find_session(xmpp::JidView full_jid) = 0;
  virtual void for_each_session(base::UniqueFunction<void(Session&)> function) = 0;
  [[nodiscard]] virtual Connection* find_connection(base::ConnectionId id) = 0;
  [[nodiscard]] virtual RawConnection* find_raw(base::ConnectionId id) = 0;

  // Stanzas.
  /// Sends a stanza on its way, as if it had come in; `from` and `to` must be set. Never processed
  /// before the caller has returned; order is kept.
  virtual void route(xml::Document stanza) = 0;
  /// Routes one stanza to many addresses; each copy gets its own `to`, and the text is written once
  /// for all. `targets` are not kept.
  virtual void route_copies(const xml::Document& stanza,
                            std::span<const std::string_view> targets) = 0;
  /// Writes a stanza to one session of this shard (before-send, writer, after-send); `to` becomes
  /// the session's full JID if the stanza has none. False if the session's connection is closing.
  virtual bool deliver(Session& session, const xml::Element& stanza) = 0;
  /// Calls `told` once the kernel has taken all that was written to the session until now (true),
  /// or when its connection is lost before (false); never before the caller has returned, if
  /// anything was written in this turn.
  virtual void when_sent(Session& session, base::UniqueFunction<void(bool is_sent)> told) = 0;
  /// Ends the wait of a stanza that a before-process hook has suspended; a stale `continuation`
  /// does nothing.
  virtual void resume_processing(std::uint64_t continuation, hooks::Verdict verdict) = 0;
  /// Answers `stanza` with an error, unless it is an error or a result itself (RFC 6120 §8.3.1).
  virtual void bounce(const xmpp::Stanza& stanza,
                      xmpp::StanzaErrorCondition condition,
                      std::string_view text) = 0;

  // Accounts.
  /// Tells the account's home shard; sessions end where the event says so (removed, disabled, and
  /// password_changed for all sessions but `except`). Thread: this shard.
  virtual void post_account_event(const store::UserKey& user,
                                  AccountEvent event,
                                  std::string except_full_jid) = 0;

  // Other threads.
  /// Runs `function` on another shard (or on this one, later). False: that mailbox is full; nothing
  /// was posted.
  [[nodiscard]] virtual bool try_post(std::uint16_t shard,
                                      base::UniqueFunction<void(Shard&)> function) = 0;
  /// Runs `work` on a worker thread, then `done` on this shard; for what computes long (key
  /// derivation). False: too much is under way.
  [[nodiscard]] virtual bool try_offload(base::UniqueFunction<void()> work,
                                         base::UniqueFunction<void()> done) = 0;
  /// The server as a whole, for the control interface.
  [[nodiscard]] virtual Admin& admin() = 0;

  /// A face that a module of this shard provides, or null; names it by Face::kServiceName.
  template <class Face>
  [[nodiscard]] Face* service() const {
    return static_cast<Face*>(find_service(Face::kServiceName));
  }
  template <class Face>
  void provide(Face& face) {
    set_service(Face::kServiceName, &face);
  }

 protected:
  [[nodiscard]] virtual void* find_service(std::string_view name) const = 0;
  virtual void set_service(std::string_view name, void* face) = 0;
};

/// `co_await offload(shard, [..] { ... })`: false if the worker was too busy and nothing ran.
class Offload {
 public:
  Offload(Shard& shard, base::UniqueFunction<void()> work)
      : shard_(shard), work_(std::move(work)) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiter) {
    was_run_ = shard_.try_offload(std::move(work_), [awaiter] { awaiter.resume(); });
    return was_run_;
  }
  [[nodiscard]] bool await_resume() const noexcept { return was_run_; }

 private:
  Shard& shard_;
  base::UniqueFunction<void()> work_;
  bool was_run_ = false;
};
[[nodiscard]] inline Offload offload(Shard& shard, base::UniqueFunction<void()> work) {
  return Offload(shard, std::move(work));
}

}  // namespace rondel::api
