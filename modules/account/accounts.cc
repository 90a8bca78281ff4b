#include "modules/account/accounts.h"

#include <utility>

#include "modules/api/connection.h"
#include "modules/api/credential_service.h"
#include "xmpp/namespaces.h"
#include "xmpp/stanza.h"

namespace rondel::modules::account {
namespace {

using api::IqReply;
using xmpp::StanzaErrorCondition;
using xmpp::Subscription;

constexpr std::string_view kStorageAway = "storage is not available";

IqReply reply_to(const store::StoreError& error) {
  return error.failure == store::Failure::not_found
             ? IqReply(StanzaErrorCondition::registration_required)
             : IqReply(StanzaErrorCondition::resource_constraint, std::string(kStorageAway));
}

store::UserKey key_of(xmpp::JidView user) {
  return store::UserKey(std::string(user.local()), std::string(user.domain()));
}

}  // namespace

base::Result<void> Accounts::load(api::Registrar& registrar) {
  registrar.add_iq<&Accounts::answer>({.name = "query",
                                       .ns = xmpp::ns::kRegister,
                                       .accepts_get = true,
                                       .accepts_set = true,
                                       .for_host = true,
                                       .for_account = true});
  return {};
}

base::Task<IqReply> Accounts::answer(api::IqRequest request) {
  // The host of the account, or the account itself, asked by one of its sessions here; to anybody
  // else there is no registration (XEP-0077 §3.1).
  const bool is_own = request.to().has_local() ? request.is_own_account()
                                               : request.from().domain() == request.host();
  if (!is_own || request.session() == nullptr) {
    co_return IqReply(StanzaErrorCondition::service_unavailable);
  }
  if (!request.is_set()) {
    xml::Document result = request.make_result();
    xml::ElementBuilder query(result);
    query.child("query", xmpp::ns::kRegister).child("registered").up();
    query.child("username").text(request.from().local()).up().child("password");
    co_return IqReply(std::move(result));
  }
  auto asked = parse_account_request(request.payload(), request.from());
  if (!asked) {
    co_return IqReply(asked.error());
  }
  if (asked->kind == AccountRequest::Kind::remove) {
    co_return co_await remove(request);
  }
  std::string password = std::move(asked->password);
  co_return co_await change_password(request, std::move(password));
}

base::Task<IqReply> Accounts::change_password(const api::IqRequest& request, std::string password) {
  auto* credentials = shard_.service<api::CredentialService>();
  const api::Host* host = shard_.find_host(request.from().domain());
  if (!is_allowed(request, "password_change") || credentials == nullptr || host == nullptr ||
      host->stores.users == nullptr) {
    co_return IqReply(StanzaErrorCondition::not_allowed);
  }
  if (!is_channel_safe(request)) {
    co_return IqReply(StanzaErrorCondition::not_authorized, "the stream is not encrypted");
  }
  std::string domain(request.from().domain());
  auto derived = co_await credentials->derive(std::move(domain), std::move(password));
  if (!derived) {
    co_return derived.error() == api::CredentialError::busy
        ? IqReply(StanzaErrorCondition::resource_constraint, "the server is busy")
        : IqReply(StanzaErrorCondition::not_acceptable, "the password can't be used");
  }
  const store::UserKey user = key_of(request.from());
  store::CredentialSet keys = std::move(*derived);
  const auto stored = co_await host->stores.users->set_credentials(user, std::move(keys));
  if (!stored) {
    co_return reply_to(stored.error());
  }
  RONDEL_LOG_INFO_WITH(shard_.log(), (log::Fields{.jid = request.from().full()}),
                       "account.password-changed", "by the user");
  shard_.post_account_event(user, api::AccountEvent::password_changed,
                            std::string(request.from().full()));
  co_return IqReply(request.make_result());
}

base::Task<IqReply> Accounts::remove(const api::IqRequest& request) {
  if (!is_allowed(request, "removal")) {
    co_return IqReply(StanzaErrorCondition::not_allowed);
  }
  const store::UserKey user = key_of(request.from());
  auto removal = erase(user);
  const store::StoreResult<store::Roster> roster = co_await removal;
  if (!roster) {
    co_return reply_to(roster.error());
  }
  RONDEL_LOG_INFO_WITH(shard_.log(), (log::Fields{.jid = request.from().full()}), "account.removed",
                       "by the user");
  // The result is written before the event ends the stream that it goes to.
  if (api::Session* session = request.session()) {
    const xml::Document result = request.make_result();
    shard_.deliver(*session, result.root());
  }
  tell_of_removal(user, *roster);
  co_return IqReply::none();
}

store::StoreTask<void> Accounts::remove_account(store::UserKey user) {
  auto removal = erase(user);
  const store::StoreResult<store::Roster> roster = co_await removal;
  if (!roster) {
    co_return base::Unexpected(roster.error());
  }
  const std::string jid = store::to_text(user);
  RONDEL_LOG_INFO_WITH(shard_.log(), (log::Fields{.jid = jid}), "account.removed",
                       "by an operator");
  tell_of_removal(user, *roster);
  co_return store::StoreResult<void>();
}

store::StoreTask<store::Roster> Accounts::erase(store::UserKey user) {
  const api::Host* host = shard_.find_host(user.host);
  if (host == nullptr || host->stores.users == nullptr) {
    co_return store::fail(store::Failure::unavailable, "the host has no user storage");
  }
  store::Roster roster;
  if (host->stores.rosters != nullptr) {
    auto loaded = co_await host->stores.rosters->load(user);
    if (!loaded) {
      co_return base::Unexpected(std::move(loaded).error());
    }
    roster = std::move(*loaded);
  }
  const auto removed = co_await host->stores.users->remove(user);
  if (!removed) {
    co_return base::Unexpected(removed.error());
  }
  co_return store::StoreResult<store::Roster>(std::move(roster));
}

void Accounts::tell_of_removal(const store::UserKey& user, const store::Roster& roster) {
  if (const auto address = xmpp::Jid::from_parts(user.local, user.host)) {
    cancel_subscriptions(address->view(), roster);
  }
  shard_.post_account_event(user, api::AccountEvent::removed, std::string());
}

bool Accounts::is_allowed(const api::IqRequest& request, std::string_view option) const {
  const auto config = shard_.config();
  const api::Host* host = shard_.find_host(request.from().domain());
  return host != nullptr && host->options != nullptr &&
         config->options(kModuleName, host->options->name).boolean(option);
}

bool Accounts::is_channel_safe(const api::IqRequest& request) const {
  const api::Session* session = request.session();
  const api::Connection* connection =
      session != nullptr ? shard_.find_connection(session->connection()) : nullptr;
  if (connection == nullptr) {
    return false;
  }
  return (connection->layer() != nullptr && connection->layer()->info().is_encrypted) ||
         connection->peer().is_loopback() || connection->peer().is_local_socket;
}

// Source: XEP-0077 §3.2; RFC 6121 §3.2, §3.3: each side learns that the subscription is over.
void Accounts::cancel_subscriptions(xmpp::JidView user, const store::Roster& roster) {
  for (const store::RosterItem& item : roster.items) {
    const auto contact = xmpp::Jid::parse(item.jid);
    if (!contact) {
      continue;
    }
    const bool is_both = item.subscription == Subscription::both;
    if (is_both || item.subscription == Subscription::to || item.is_asked) {
      shard_.route(xmpp::make_presence(xmpp::PresenceType::unsubscribe, user, *contact));
    }
    if (is_both || item.subscription == Subscription::from || !item.pending_in.empty()) {
      shard_.route(xmpp::make_presence(xmpp::PresenceType::unsubscribed, user, *contact));
    }
  }
}

}  // namespace rondel::modules::account
