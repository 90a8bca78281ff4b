#include "modules/control/commands.h"

#include <fmt/format.h>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "modules/api/account_service.h"
#include "modules/api/admin.h"
#include "modules/api/certificate_service.h"
#include "modules/api/credential_service.h"
#include "modules/control/binding_commands.h"
#include "modules/control/command_parts.h"
#include "modules/control/copy_commands.h"
#include "modules/control/protocol.h"
#include "xmpp/datetime.h"
#include "xmpp/jid.h"

namespace rondel::modules::control {
namespace {

std::string explain_keys(api::CredentialError error) {
  return error == api::CredentialError::busy
             ? "too many passwords are being worked on; try again"
             : "the password is empty, too long, or has characters that a password can't have";
}

/// An account and the keys of the password that a request gives it.
struct UserWithKeys {
  store::UserKey user;
  store::CredentialSet credentials;
};
using Keys = base::Result<UserWithKeys, std::string>;

base::Task<Keys> derive_keys(api::Shard& shard, Json request) {
  auto user = user_of(shard, text(request, "jid"));
  if (!user) {
    co_return base::Unexpected(user.error());
  }
  std::string host = user->host;
  std::string password = text(request, "password");
  auto derivation =
      shard.service<api::CredentialService>()->derive(std::move(host), std::move(password));
  auto derived = co_await derivation;
  if (!derived) {
    co_return base::Unexpected(explain_keys(derived.error()));
  }
  UserWithKeys result{std::move(*user), std::move(*derived)};
  co_return Keys(std::move(result));
}

base::Task<Json> add_user(api::Shard& shard, Json request) {
  const std::string jid = text(request, "jid");
  auto derivation = derive_keys(shard, std::move(request));
  auto made = co_await derivation;
  if (!made) {
    co_return refuse(made.error());
  }
  store::UserStore& users = users_of(shard, made->user);
  auto creation = users.create(std::move(made->user), std::move(made->credentials));
  const auto created = co_await creation;
  co_return created ? done() : refuse(explain(created.error(), jid));
}

base::Task<Json> change_password(api::Shard& shard, Json request) {
  const std::string jid = text(request, "jid");
  auto derivation = derive_keys(shard, std::move(request));
  auto made = co_await derivation;
  if (!made) {
    co_return refuse(made.error());
  }
  const store::UserKey user = made->user;
  auto change = users_of(shard, user).set_credentials(user, std::move(made->credentials));
  const auto changed = co_await change;
  if (!changed) {
    co_return refuse(explain(changed.error(), jid));
  }
  shard.post_account_event(user, api::AccountEvent::password_changed, {});
  co_return done();
}

base::Task<Json> delete_user(api::Shard& shard, Json request) {
  const std::string jid = text(request, "jid");
  auto user = user_of(shard, jid);
  if (!user) {
    co_return refuse(user.error());
  }
  store::UserKey key = *user;
  // With the module account, contacts are told as well.
  auto* accounts = shard.service<api::AccountService>();
  auto removal = accounts != nullptr ? accounts->remove_account(std::move(key))
                                     : users_of(shard, *user).remove(std::move(key));
  const auto removed = co_await removal;
  if (!removed) {
    co_return refuse(explain(removed.error(), jid));
  }
  if (accounts == nullptr) {
    shard.post_account_event(*user, api::AccountEvent::removed, {});
  }
  co_return done();
}

base::Task<Json> set_state(api::Shard& shard, Json request, store::AccountState state) {
  const std::string jid = text(request, "jid");
  auto user = user_of(shard, jid);
  if (!user) {
    co_return refuse(user.error());
  }
  auto change = users_of(shard, *user).set_state(*user, state);
  const auto changed = co_await change;
  if (!changed) {
    co_return refuse(explain(changed.error(), jid));
  }
  if (state == store::AccountState::disabled) {
    shard.post_account_event(*user, api::AccountEvent::disabled, {});
    RONDEL_LOG_INFO_WITH(shard.log(), (log::Fields{.jid = jid}), "account.disabled",
                         "by an operator");
  } else {
    RONDEL_LOG_INFO_WITH(shard.log(), (log::Fields{.jid = jid}), "account.enabled",
                         "by an operator");
  }
  co_return done();
}

base::Task<Json> disable_user(api::Shard& shard, Json request) {
  return set_state(shard, std::move(request), store::AccountState::disabled);
}
base::Task<Json> enable_user(api::Shard& shard, Json request) {
  return set_state(shard, std::move(request), store::AccountState::active);
}

base::Task<Json> list_users(api::Shard& shard, Json request) {
  const auto name = xmpp::prepare_domain(text(request, "host"));
  const api::Host* host = name ? shard.find_host(*name) : nullptr;
  if (host == nullptr || host->stores.users == nullptr) {
    co_return refuse(fmt::format("there is no host {} here", text(request, "host")));
  }
  std::string host_name = host->name;
  std::string after = text(request, "after");
  const std::size_t limit = std::min(number(request, "limit", kListPageMax), kListPageMax);
  auto page = co_await host->stores.users->list(std::move(host_name), std::move(after), limit);
  if (!page) {
    co_return refuse(explain(page.error(), {}));
  }
  Json users = Json::array();
  for (const store::Account& account : *page) {
    users.push_back(
        {{"jid", store::to_text(account.user)},
         {"state", account.state == store::AccountState::active ? "active" : "disabled"},
         {"created", xmpp::format_datetime(account.created.time_since_epoch().count())}});
  }
  Json answer = done();
  answer["users"] = std::move(users);
  co_return answer;
}

base::Task<Json> import_users(api::Shard& shard, Json request) {
  const auto entries = request.find("users");
  if (entries == request.end() || !entries->is_array() || entries->size() > kImportBatchMax) {
    co_return refuse(fmt::format("\"users\" must be a list of at most {}", kImportBatchMax));
  }
  auto* credentials = shard.service<api::CredentialService>();
  // Each host has a user storage of its own, perhaps.
  std::map<std::string, std::vector<store::NewUser>> users;
  std::vector<std::string> problems;
  for (const Json& entry : *entries) {
    const std::string jid = entry.is_object() ? text(entry, "jid") : std::string();
    auto user = user_of(shard, jid);
    if (!user) {
      problems.push_back(user.error());
      continue;
    }
    std::string host = user->host;
    std::string password = text(entry, "password");
    auto derived = co_await credentials->derive(std::move(host), std::move(password));
    if (!derived) {
      problems.push_back(fmt::format("{}: {}", jid, explain_keys(derived.error())));
      continue;
    }
    users[user->host].push_back({*user, std::move(*derived)});
  }
  Json answer = done();
  std::size_t created = 0;
  for (auto& [host, batch] : users) {
    store::UserStore& store = *shard.find_host(host)->stores.users;
    auto creation = store.create_many(std::move(batch));
    auto outcome = co_await creation;
    if (!outcome) {
      problems.push_back(fmt::format("host {}: {}", host, explain(outcome.error(), {})));
      continue;
    }
    created += outcome->created;
    for (const store::UserKey& existing : outcome->existing) {
      problems.push_back(fmt::format("the account {} exists already", store::to_text(existing)));
    }
  }
  answer["created"] = created;
  answer["problems"] = problems;
  co_return answer;
}

base::Task<Json> status(api::Shard& shard, Json) {
  const api::ServerStatus status = co_await shard.admin().status(shard);
  Json answer = done();
  answer["version"] = status.version;
  answer["kernel"] = status.kernel;
  answer["uptime_seconds"] = status.uptime.count();
  answer["hosts"] = status.hosts;
  answer["listeners"] = status.listeners;
  answer["storages"] = status.storages;
  Json shards = Json::array();
  Json total = {{"connections", 0}, {"sessions", 0}, {"stanzas_received", 0}, {"stanzas_sent", 0}};
  for (const auto& part : status.shards) {
    Json one = {{"index", part.index},
                {"connections", part.connections},
                {"sessions", part.sessions},
                {"users", part.users},
                {"stanzas_received", part.stanzas_received},
                {"stanzas_sent", part.stanzas_sent},
                {"bytes_received", part.bytes_received},
                {"bytes_sent", part.bytes_sent},
                {"loop_turns", part.loop_turns},
                {"mailbox_refused", part.mailbox_refused},
                {"buffers_starved", part.buffers_starved},
                {"operations", part.operations},
                {"completions", part.completions},
                {"wakes", part.wakes},
                {"gathers", part.gathers}};
    for (auto& [name, value] : total.items()) {
      value = value.get<std::uint64_t>() + one[name].get<std::uint64_t>();
    }
    shards.push_back(std::move(one));
  }
  Json certificates = Json::array();
  if (auto* service = shard.service<api::CertificateService>()) {
    for (const api::CertificateFacts& facts : service->certificates()) {
      certificates.push_back({{"host", facts.host},
                              {"subject", facts.subject},
                              {"names", facts.names},
                              {"key", facts.key_type},
                              {"fingerprint", facts.fingerprint},
                              {"days_left", facts.days_left}});
    }
  }
  answer["certificates"] = std::move(certificates);
  Json engines = Json::object();
  for (const auto& part : status.shards) {
    for (const auto& [name, count] : part.engines) {
      const std::string engine = name.empty() ? "plain" : name;
      engines[engine] = engines.value(engine, std::uint64_t{0}) + count;
    }
  }
  answer["engines"] = std::move(engines);
  answer["shards"] = std::move(shards);
  answer["total"] = std::move(total);
  co_return answer;
}

base::Task<Json> sessions(api::Shard& shard, Json) {
  const std::vector<api::SessionStatus> sessions = co_await shard.admin().sessions(shard);
  Json list = Json::array();
  for (const api::SessionStatus& session : sessions) {
    list.push_back({{"jid", session.jid},
                    {"interface", session.interface_name},
                    {"peer", session.peer},
                    {"tls", session.layer},
                    {"cipher", session.cipher},
                    {"engine", session.engine},
                    {"mechanism", session.mechanism},
                    {"shard", session.shard},
                    {"available", session.is_available},
                    {"priority", session.priority},
                    {"age_seconds", session.age.count()}});
  }
  Json answer = done();
  answer["sessions"] = std::move(list);
  co_return answer;
}

Json modules(api::Shard& shard) {
  Json list = Json::array();
  for (const api::ModuleStatus& module : shard.admin().modules()) {
    list.push_back({{"name", module.name},
                    {"version", module.version},
                    {"description", module.description},
                    {"file", module.file},
                    {"protocols", module.protocols}});
  }
  Json answer = done();
  answer["modules"] = std::move(list);
  return answer;
}

base::Task<Json> reload(api::Shard& shard, Json) {
  const api::ReloadReport report = co_await shard.admin().reload(shard);
  Json answer = done();
  answer["ok"] = report.is_applied;
  answer["applied"] = report.applied;
  answer["needs_restart"] = report.needs_restart;
  if (!report.is_applied) {
    answer["error"] = fmt::format("{}", fmt::join(report.problems, "\n"));
  }
  co_return answer;
}

}  // namespace

base::Task<Json> execute(api::Shard& shard, Json request) {
  using Function = base::Task<Json> (*)(api::Shard&, Json);
  static constexpr std::pair<const char*, Function> kCommands[] = {
      {"user.add", add_user},
      {"user.delete", delete_user},
      {"user.passwd", change_password},
      {"user.disable", disable_user},
      {"user.enable", enable_user},
      {"user.list", list_users},
      {"user.import", import_users},
      {"status", status},
      {"sessions", sessions},
      {"reload", reload},
      {"user.bind", bind_user},
      {"user.unbind", unbind_user},
      {"user.show", show_user},
      {"storage.copy", copy_storage},
      {"storage.compare", compare_storage},
  };
  const std::string command = request.is_object() ? text(request, "command") : std::string();
  if (command == "modules") {
    co_return modules(shard);
  }
  if (command == "stop") {
    shard.admin().request_stop();
    co_return done();
  }
  for (const auto& [name, function] : kCommands) {
    if (command == name) {
      co_return co_await function(shard, std::move(request));
    }
  }
  co_return refuse(fmt::format("there is no command \"{}\"", command));
}

}  // namespace rondel::modules::control
