// A shard for tests of one module: a host with a storage in memory, users, and what was sent.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/timer_wheel.h"
#include "log/hub.h"
#include "log/log.h"
#include "modules/api/shard.h"
#include "store/memory_storage.h"
#include "tests/store/test_executor.h"
#include "xml/writer.h"

namespace rondel::test {

class FakeUser final : public api::User {
 public:
  using api::User::User;
  api::Session& add_session(std::string_view resource) {
    auto full = xmpp::Jid::with_resource(jid(), resource);
    sessions_.push_back(std::make_unique<api::Session>(*this, *full, base::ConnectionId()));
    return *sessions_.back();
  }
};

/// Whatever a test of a module does not need ends the test when it is called.
class FakeShard final : public api::Shard {
 public:
  FakeShard() : storage_(options()), log_(hub_, {}) {
    RONDEL_CHECK(storage_.open_blocking().has_value());
    session_ = storage_.attach(executor_);
    auto host = std::make_unique<api::Host>();
    host->name = "example.net";
    host->stores.rosters = session_->rosters();
    hosts_.push_back(std::move(host));
  }
  ~FakeShard() override { storage_.close_blocking(); }

  FakeUser& add_user(const std::string& bare_jid) {
    auto jid = xmpp::Jid::parse(bare_jid);
    auto& slot = users_[bare_jid];
    slot = std::make_unique<FakeUser>(std::move(*jid));
    return *slot;
  }
  /// Runs what the storage has answered.
  void settle() {
    while (executor_.run_ready() > 0) {
    }
  }
  store::Roster stored(const std::string& local) {
    store::UserKey key(local, "example.net");
    return std::move(*executor_.get_blocking(session_->rosters()->load(std::move(key))));
  }

  /// Before modules start.
  void set_groups(store::GroupStore* groups) { hosts_[0]->stores.groups = groups; }
  /// Lets so much time pass, and runs what has to be done meanwhile.
  void pass_ms(std::uint64_t ms) {
    for (std::uint64_t i = 0; i < ms; ++i) {
      wheel_.advance(wheel_.now_ms() + 1);
      settle();
    }
  }

  bool is_storage_away = false;
  /// Work for other shards; with `is_mailbox_full` none is taken.
  std::vector<std::pair<std::uint16_t, base::UniqueFunction<void(api::Shard&)>>> posted;
  bool is_mailbox_full = false;
  std::uint16_t shards = 1;
  std::uint16_t own_index = 0;
  std::vector<std::string> routed;     ///< Stanzas as text.
  std::vector<std::string> delivered;  ///< "resource: stanza".
  std::vector<xmpp::StanzaErrorCondition> bounced;

  // api::Shard
  std::uint16_t index() const override { return own_index; }
  std::uint16_t shard_count() const override { return shards; }
  std::uint16_t home_of(std::string_view) const override { return 0; }
  const log::Channel& log() const override { return log_; }
  base::Executor& executor() override { return executor_; }
  std::chrono::seconds uptime() const override { return {}; }
  const api::Host* find_host(std::string_view name) const override {
    return name == hosts_[0]->name ? hosts_[0].get() : nullptr;
  }
  std::span<const std::unique_ptr<api::Host>> hosts() const override { return hosts_; }
  api::User* find_user(std::string_view bare_jid) override {
    const auto found = users_.find(std::string(bare_jid));
    return found == users_.end() ? nullptr : found->second.get();
  }
  api::Session* find_session(xmpp::JidView full_jid) override {
    api::User* user = find_user(full_jid.bare());
    return user == nullptr ? nullptr : user->find_session(full_jid.resource());
  }
  void route(xml::Document stanza) override { routed.push_back(xml::to_text(stanza.root())); }
  bool deliver(api::Session& session, const xml::Element& stanza) override {
    delivered.push_back(std::string(session.resource()) + ": " + xml::to_text(stanza));
    return true;
  }

  base::TimerWheel& timers() override { return wheel_; }
  void for_each_session(base::UniqueFunction<void(api::Session&)> function) override {
    for (const auto& [jid, user] : users_) {
      for (const auto& session : user->sessions()) {
        function(*session);
      }
    }
  }
  void route_copies(const xml::Document& stanza,
                    std::span<const std::string_view> targets) override {
    for (const std::string_view target : targets) {
      xml::Document copy = stanza.clone();
      copy.root().set_attribute(copy.arena(), "to", target);
      route(std::move(copy));
    }
  }
  bool try_post(std::uint16_t shard, base::UniqueFunction<void(api::Shard&)> function) override {
    if (!is_mailbox_full) {
      posted.emplace_back(shard, std::move(function));
    }
    return !is_mailbox_full;
  }

  void bounce(const xmpp::Stanza&,
              xmpp::StanzaErrorCondition condition,
              std::string_view) override {
    bounced.push_back(condition);
  }

  // What the tests do not need.
  void when_sent(api::Session&, base::UniqueFunction<void(bool)>) override { RONDEL_CHECK(false); }
  std::shared_ptr<const config::Snapshot> config() const override { RONDEL_CHECK(false); }
  base::Result<const log::FileChannel*> open_log_file(const std::string&) override {
    RONDEL_CHECK(false);
  }
  api::DiscoInfo disco_info(const api::Host&, bool) const override { RONDEL_CHECK(false); }
  api::Connection* find_connection(base::ConnectionId) override { RONDEL_CHECK(false); }
  api::RawConnection* find_raw(base::ConnectionId) override { RONDEL_CHECK(false); }
  void resume_processing(std::uint64_t, hooks::Verdict) override { RONDEL_CHECK(false); }
  void post_account_event(const store::UserKey&, api::AccountEvent, std::string) override {
    RONDEL_CHECK(false);
  }
  bool try_offload(base::UniqueFunction<void()>, base::UniqueFunction<void()>) override {
    RONDEL_CHECK(false);
  }
  api::Admin& admin() override { RONDEL_CHECK(false); }

 protected:
  void* find_service(std::string_view name) const override {
    const auto found = services_.find(std::string(name));
    return found == services_.end() ? nullptr : found->second;
  }
  void set_service(std::string_view name, void* face) override {
    services_[std::string(name)] = face;
  }

 private:
  store::MemoryStorage::Options options() {
    store::MemoryStorage::Options options;
    options.has_thread = false;
    options.fault = [this](std::string_view) -> std::optional<store::StoreError> {
      if (is_storage_away) {
        return store::StoreError(store::Failure::unavailable, "away");
      }
      return std::nullopt;
    };
    return options;
  }

  store::test::TestExecutor executor_;
  store::MemoryStorage storage_;
  std::unique_ptr<store::StorageSession> session_;
  log::Hub hub_;  ///< Nobody reads it: the lines stay in their lanes.
  log::Channel log_;
  std::vector<std::unique_ptr<api::Host>> hosts_;
  std::map<std::string, std::unique_ptr<FakeUser>> users_;
  std::map<std::string, void*> services_;
  base::TimerWheel wheel_{0};
};

}  // namespace rondel::test
