// The module last-activity: how long the server is up, and an account has been away (XEP-0012).
#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/api/roster_service.h"
#include "modules/last-activity/record.h"
#include "store/timestamp.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::last_activity {
namespace {

using hooks::Verdict;
using xmpp::StanzaErrorCondition;
namespace ns = xmpp::ns;

constexpr std::string_view kSpace = "last-activity";
constexpr std::string_view kKey = "last";

/// Writes of a shard under way at a time: when many sessions end at once, others need the storage,
/// too.
constexpr int kSaversMax = 256;
/// Times that wait to be written; more are not kept.
constexpr std::size_t kWaitingMax = 200'000;

std::int64_t now_ms() {
  return store::timestamp_now().time_since_epoch().count();
}

bool sees_presence(const store::Roster& roster, std::string_view contact) {
  const auto item = std::lower_bound(roster.items.begin(), roster.items.end(), contact,
                                     [](const auto& a, std::string_view b) { return a.jid < b; });
  return item != roster.items.end() && item->jid == contact &&
         (item->subscription == store::Subscription::from ||
          item->subscription == store::Subscription::both);
}

xml::Document answer(const api::IqRequest& request, std::int64_t seconds, std::string_view status) {
  xml::Document result = request.make_result();
  xml::ElementBuilder query(result);
  query.child("query", ns::kLastActivity).attribute("seconds", std::to_string(seconds));
  if (!status.empty()) {
    query.text(status);
  }
  return result;
}

/// What the module remembers of a session.
struct Seen final : api::ModuleState {
  bool is_available = false;  ///< It sent available presence, and has not taken it back.
};

/// Notes when sessions go, and tells it to those who may see the account's presence.
class LastActivity final : public api::ShardModule {
 public:
  LastActivity(api::Shard& shard, api::SessionSlot<Seen> slot) : shard_(shard), slot_(slot) {}

  base::Task<api::IqReply> tell(api::IqRequest request) {
    if (!request.to().has_local()) {
      co_return answer(request, shard_.uptime().count(), {});
    }
    const std::string account(request.to().bare());
    if (!request.is_own_account()) {
      auto* rosters = shard_.service<api::RosterService>();
      api::User* user = shard_.find_user(account);
      if (rosters == nullptr || user == nullptr) {
        co_return StanzaErrorCondition::forbidden;
      }
      const auto roster = co_await rosters->load(*user);
      if (!roster) {
        co_return StanzaErrorCondition::resource_constraint;
      }
      if (!sees_presence(**roster, request.from().bare())) {
        co_return StanzaErrorCondition::forbidden;  // XEP-0012 §3
      }
    }
    if (is_available(account)) {
      co_return answer(request, 0, {});
    }
    auto* values = key_values(request.host());
    if (values == nullptr) {
      co_return StanzaErrorCondition::service_unavailable;
    }
    store::UserKey key(std::string(request.to().local()), std::string(request.host()));
    std::string space(kSpace);
    std::string name(kKey);
    auto value = co_await values->get(std::move(key), std::move(space), std::move(name));
    if (!value && value.error().failure != store::Failure::not_found) {
      co_return StanzaErrorCondition::resource_constraint;
    }
    const auto record = value ? parse_record(*value) : std::nullopt;
    if (!record) {
      co_return StanzaErrorCondition::item_not_found;  // Never seen.
    }
    co_return answer(request, seconds_since(*record, now_ms()), record->status);
  }

  /// A session's own presence, once the presence module has seen it.
  Verdict presence_sent(api::AfterProcess& context) {
    const xmpp::Stanza& stanza = context.stanza;
    if (context.user == nullptr || context.user->is_temporary()) {
      return Verdict::next();
    }
    api::Session* session = context.user->find_session(stanza.from().resource());
    if (session == nullptr) {
      return Verdict::next();
    }
    Seen* seen = session->state(slot_);
    if (seen == nullptr) {
      seen = &session->set_state(slot_, std::make_unique<Seen>());
    }
    const bool is_available = stanza.presence_type() == xmpp::PresenceType::available;
    if (std::exchange(seen->is_available, is_available) && !is_available) {
      const xml::Element* status = stanza.root().child("status");
      note(session->jid(), status != nullptr ? status->text() : std::string());
    }
    return Verdict::next();
  }

  [[nodiscard]] bool has_unsaved() const override { return savers_ > 0; }

  void session_started(api::Session&) {}
  void session_ended(api::Session& session) {
    const Seen* seen = session.state(slot_);
    if (seen != nullptr && seen->is_available) {
      note(session.jid(), {});
    }
  }

 private:
  [[nodiscard]] store::KeyValueStore* key_values(std::string_view host_name) const {
    const api::Host* host = shard_.find_host(host_name);
    const bool is_served =
        host != nullptr && (host->options->modules_off.empty() ||
                            shard_.config()->serves("last-activity", host->options->name));
    return is_served ? host->stores.key_values : nullptr;
  }

  [[nodiscard]] bool is_available(std::string_view account) {
    const api::User* user = shard_.find_user(account);
    return user != nullptr &&
           std::any_of(user->sessions().begin(), user->sessions().end(),
                       [](const auto& session) { return session->is_available(); });
  }

  void note(xmpp::JidView account, std::string status) {
    if (key_values(account.domain()) == nullptr) {
      return;
    }
    if (waiting_.size() >= kWaitingMax) {
      tell_failure(std::string(account.bare()), "too many wait for it");
      return;
    }
    waiting_.push_back({store::UserKey(std::string(account.local()), std::string(account.domain())),
                        to_text({now_ms(), std::move(status)})});
    if (savers_ < kSaversMax) {
      ++savers_;
      save_waiting().start();
    }
  }

  base::Task<> save_waiting() {
    while (!waiting_.empty()) {
      auto [key, value] = std::move(waiting_.front());
      waiting_.pop_front();
      store::KeyValueStore* values = key_values(key.host);
      if (values == nullptr) {
        continue;
      }
      const std::string account = store::to_text(key);
      std::string space(kSpace);
      std::string name(kKey);
      const auto saved =
          co_await values->put(std::move(key), std::move(space), std::move(name), std::move(value));
      if (!saved) {
        tell_failure(account, saved.error().message);
      }
    }
    --savers_;
  }

  void tell_failure(const std::string& account, std::string_view why) {
    RONDEL_LOG_ERROR_WITH(shard_.log(), (log::Fields{.jid = account}), "last-activity.storage",
                          "the time of the last activity could not be stored: {}", why);
  }

  struct Note {
    store::UserKey key;
    std::string value;
  };

  std::deque<Note> waiting_;  ///< Oldest first.
  int savers_ = 0;            ///< Coroutines that work on them.
  api::Shard& shard_;
  api::SessionSlot<Seen> slot_;
};

class LastActivityModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    slot_ = registrar.add_session_slot<Seen>();
    registrar.add_iq<&LastActivity::tell>({.name = "query",
                                           .ns = ns::kLastActivity,
                                           .for_account = true,
                                           .without_account = StanzaErrorCondition::forbidden});
    registrar.add_hook<&LastActivity::presence_sent>(
        "note who goes",
        {.band = hooks::Band::observe, .after = {}, .traffic = {hooks::Traffic::broadcast}});
    registrar.add_session_observer<&LastActivity::session_started, &LastActivity::session_ended>();
    return {};
  }
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    return std::make_unique<LastActivity>(shard, slot_);
  }

 private:
  api::SessionSlot<Seen> slot_;
};

constexpr std::array kProtocols{api::Protocol{"XEP-0012", "2.0"}};
constexpr api::ModuleInfo kInfo{
    .name = "last-activity",
    .description = "Tells how long the server is up, and how long an account has been away.",
    .protocols = kProtocols,
    .create = &api::create_module<LastActivityModule>};

}  // namespace
}  // namespace rondel::modules::last_activity

RONDEL_MODULE(rondel::modules::last_activity::kInfo);
