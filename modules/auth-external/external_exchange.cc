#include "modules/auth-external/external_exchange.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "modules/auth-external/certificate_login.h"
#include "xmpp/jid.h"

namespace rondel::modules::auth_external {
namespace {

using xmpp::SaslFailure;
using Failed = base::Unexpected<SaslFailure>;

std::optional<xmpp::Jid> account_address(std::string_view text) {
  auto jid = xmpp::Jid::parse(text);
  if (!jid || !jid->has_local() || !jid->is_bare()) {
    return std::nullopt;
  }
  return std::move(*jid);
}

void merge(std::vector<std::string>& into, std::vector<std::string> more) {
  into.insert(into.end(), std::make_move_iterator(more.begin()),
              std::make_move_iterator(more.end()));
  std::sort(into.begin(), into.end());
  into.erase(std::unique(into.begin(), into.end()), into.end());
}

}  // namespace

std::string binding_value(NameKind kind, std::string_view name) {
  std::string value;
  switch (kind) {
    case NameKind::xmpp:
      if (const auto jid = account_address(name)) {
        value = "xmpp:" + std::string(jid->full());
      }
      break;
    case NameKind::email:
      value = "email:" + std::string(name);
      std::transform(value.begin() + static_cast<std::ptrdiff_t>(value.rfind('@') + 1), value.end(),
                     value.begin() + static_cast<std::ptrdiff_t>(value.rfind('@') + 1), [](char c) {
                       return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
                     });
      break;
    case NameKind::common_name:
      if (!name.empty()) {
        value = "cn:" + std::string(name);
      }
      break;
  }
  return value.size() <= store::kBindingBytesMax ? value : std::string();
}

base::Task<ExternalExchange::Locals> ExternalExchange::find_bound(store::Binding binding) {
  std::vector<std::string> locals;
  std::string host = host_;
  auto users = co_await stores_.users->find_bound(std::move(host), std::move(binding));
  if (users) {
    for (store::UserKey& user : *users) {
      locals.push_back(std::move(user.local));
    }
  } else if (users.error().failure == store::Failure::unavailable) {
    co_return Failed(SaslFailure::temporary_auth_failure);
  }
  co_return std::move(locals);
}

base::Task<ExternalExchange::Locals> ExternalExchange::find_addressed(std::string local) {
  std::vector<std::string> locals;
  store::UserKey key(local, host_);
  const auto account = co_await stores_.users->lookup(std::move(key));
  if (account) {
    locals.push_back(std::move(local));
  } else if (account.error().failure != store::Failure::not_found) {
    co_return Failed(SaslFailure::temporary_auth_failure);
  }
  co_return std::move(locals);
}

base::Task<ExternalExchange::Locals> ExternalExchange::find_named(NameKind kind) {
  std::vector<std::string> names;
  switch (kind) {
    case NameKind::xmpp:
      names = certificate_.xmpp_addresses;
      break;
    case NameKind::email:
      names = certificate_.emails;
      break;
    case NameKind::common_name:
      names.push_back(certificate_.common_name);
      break;
  }
  std::vector<std::string> locals;
  for (const std::string& name : names) {
    const std::string value = binding_value(kind, name);
    if (value.empty()) {
      continue;
    }
    auto bound = co_await find_bound(store::Binding(store::BindingKind::certificate_name, value));
    if (!bound) {
      co_return Failed(bound.error());
    }
    merge(locals, std::move(*bound));
    if (kind == NameKind::xmpp && settings_.is_address_account) {
      const auto jid = account_address(name);
      if (jid && jid->domain() == host_) {
        auto own = co_await find_addressed(std::string(jid->local()));
        if (!own) {
          co_return Failed(own.error());
        }
        merge(locals, std::move(*own));
      }
    }
  }
  co_return std::move(locals);
}

base::Task<ExternalExchange::Locals> ExternalExchange::find_accounts() {
  auto locals = co_await find_bound(
      store::Binding(store::BindingKind::certificate_fingerprint, certificate_.fingerprint));
  if (!locals || !locals->empty() || certificate_.trust != api::CertificateTrust::verified) {
    co_return std::move(locals);
  }
  for (const NameKind kind : settings_.kinds) {
    auto named = co_await find_named(kind);
    if (!named || !named->empty()) {
      co_return std::move(named);
    }
  }
  co_return std::move(locals);
}

api::AuthStep ExternalExchange::accept(std::string local, std::string authzid) const {
  api::AuthIdentity identity;
  identity.local = std::move(local);
  identity.authzid = std::move(authzid);
  identity.mechanism_detail = "certificate " + certificate_.fingerprint;
  identity.session_state =
      std::make_unique<CertificateLogin>(certificate_.fingerprint, certificate_.valid_until);
  identity.session_slot = session_slot_;
  return identity;
}

base::Task<api::AuthStep> ExternalExchange::step(std::string input, bool has_input) {
  if (!has_input) {
    co_return api::AuthStep(api::AuthChallenge());
  }
  std::optional<xmpp::Jid> wanted;
  if (!input.empty()) {
    wanted = account_address(input);
    if (!wanted) {
      co_return api::AuthStep(SaslFailure::invalid_authzid);
    }
  }
  if (stores_.users == nullptr) {
    co_return api::AuthStep(SaslFailure::temporary_auth_failure);
  }
  auto locals = co_await find_accounts();
  if (!locals) {
    co_return api::AuthStep(locals.error());
  }
  if (locals->empty()) {
    co_return api::AuthStep(SaslFailure::not_authorized);
  }
  if (!wanted) {
    // Which of several is meant, only the client knows.
    co_return locals->size() == 1 ? accept(std::move(locals->front()), {})
                                  : api::AuthStep(SaslFailure::invalid_authzid);
  }
  const std::string local(wanted->local());
  const bool is_theirs =
      wanted->domain() == host_ && std::binary_search(locals->begin(), locals->end(), local);
  co_return is_theirs ? accept(local, std::move(input))
                      : api::AuthStep(SaslFailure::invalid_authzid);
}

}  // namespace rondel::modules::auth_external
