#include "modules/control/binding_commands.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "modules/api/certificate_service.h"
#include "modules/control/command_parts.h"
#include "xmpp/datetime.h"
#include "xmpp/sasl/scram_key.h"

namespace rondel::modules::control {
namespace {

using store::Binding;
using store::BindingKind;

base::Result<Binding, std::string> certificate_binding(api::Shard& shard,
                                                       const std::string& base64) {
  const auto der = base::base64_decode(base64);
  const auto* service = shard.service<api::CertificateService>();
  if (service == nullptr) {
    return base::Unexpected<std::string>("no module is loaded that reads certificates (layer-tls)");
  }
  const auto certificate = der ? service->read_certificate(*der) : std::nullopt;
  if (!certificate) {
    return base::Unexpected<std::string>("that is no certificate");
  }
  return Binding(BindingKind::certificate_fingerprint, certificate->fingerprint);
}

/// As people write it: capitals, and a colon between the bytes.
std::string plain_fingerprint(std::string text) {
  std::erase(text, ':');
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

base::Result<std::vector<Binding>, std::string> bindings_of(api::Shard& shard,
                                                            const Json& request) {
  std::vector<Binding> bindings;
  if (const std::string base64 = text(request, "certificate"); !base64.empty()) {
    auto bound = certificate_binding(shard, base64);
    if (!bound) {
      return base::Unexpected(std::move(bound).error());
    }
    bindings.push_back(*std::move(bound));
  }
  if (std::string value = text(request, "fingerprint"); !value.empty()) {
    bindings.emplace_back(BindingKind::certificate_fingerprint,
                          plain_fingerprint(std::move(value)));
  }
  if (std::string value = text(request, "certificate_name"); !value.empty()) {
    bindings.emplace_back(BindingKind::certificate_name, std::move(value));
  }
  if (std::string value = text(request, "principal"); !value.empty()) {
    bindings.emplace_back(BindingKind::principal, std::move(value));
  }
  for (const Binding& binding : bindings) {
    if (auto checked = store::check_binding(binding); !checked) {
      return base::Unexpected(checked.error().message);
    }
  }
  if (bindings.empty()) {
    return base::Unexpected<std::string>("name a certificate or a principal");
  }
  return bindings;
}

Json to_json(const std::vector<Binding>& bindings) {
  Json list = Json::array();
  for (const Binding& binding : bindings) {
    list.push_back({{"kind", store::binding_kind_name(binding.kind)}, {"value", binding.value}});
  }
  return list;
}

}  // namespace

base::Task<Json> bind_user(api::Shard& shard, Json request) {
  const std::string jid = text(request, "jid");
  auto user = user_of(shard, jid);
  if (!user) {
    co_return refuse(user.error());
  }
  auto bindings = bindings_of(shard, request);
  if (!bindings) {
    co_return refuse(bindings.error());
  }
  store::UserStore& users = users_of(shard, *user);
  for (const Binding& binding : *bindings) {
    auto binding_task = users.bind(*user, binding);
    const auto bound = co_await binding_task;
    if (bound) {
      continue;
    }
    if (bound.error().failure == store::Failure::conflict) {
      auto search = users.find_bound(user->host, binding);
      const auto owners = co_await search;
      const std::string owner =
          owners && !owners->empty() ? store::to_text(owners->front()) : "another account";
      co_return refuse(fmt::format("{} belongs to {}", binding.value, owner));
    }
    co_return refuse(explain(bound.error(), jid));
  }
  Json answer = done();
  answer["bound"] = to_json(*bindings);
  co_return answer;
}

base::Task<Json> unbind_user(api::Shard& shard, Json request) {
  const std::string jid = text(request, "jid");
  auto user = user_of(shard, jid);
  if (!user) {
    co_return refuse(user.error());
  }
  auto bindings = bindings_of(shard, request);
  if (!bindings) {
    co_return refuse(bindings.error());
  }
  for (const Binding& binding : *bindings) {
    auto unbinding = users_of(shard, *user).unbind(*user, binding);
    const auto unbound = co_await unbinding;
    if (!unbound) {
      co_return refuse(unbound.error().failure == store::Failure::not_found
                           ? fmt::format("{} does not belong to {}", binding.value, jid)
                           : explain(unbound.error(), jid));
    }
  }
  Json answer = done();
  answer["unbound"] = to_json(*bindings);
  co_return answer;
}

base::Task<Json> show_user(api::Shard& shard, Json request) {
  const std::string jid = text(request, "jid");
  auto user = user_of(shard, jid);
  if (!user) {
    co_return refuse(user.error());
  }
  store::UserStore& users = users_of(shard, *user);
  auto reading = users.credentials(*user);
  const auto found = co_await reading;
  if (!found) {
    co_return refuse(explain(found.error(), jid));
  }
  const auto time = [](store::Timestamp stamp) {
    return xmpp::format_datetime(stamp.time_since_epoch().count());
  };
  Json keys = Json::array();
  for (const store::ScramCredential& key : found->credentials.scram) {
    keys.push_back(
        {{"mechanism", xmpp::mechanism_name({key.hash, false})}, {"iterations", key.iterations}});
  }
  Json answer = done();
  answer["jid"] = store::to_text(found->account.user);
  answer["state"] = found->account.state == store::AccountState::active ? "active" : "disabled";
  answer["created"] = time(found->account.created);
  answer["password_changed"] = time(found->account.password_changed);
  answer["keys"] = std::move(keys);
  answer["bindings"] = to_json(found->credentials.bindings);
  answer["is_writable"] = users.is_writable();
  answer["compares_passwords"] = users.compares_passwords();
  co_return answer;
}

}  // namespace rondel::modules::control
