#include "modules/auth-external/certificate_manager.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "modules/api/certificate_service.h"
#include "modules/auth-external/settings.h"

namespace rondel::modules::auth_external {
namespace {

using api::IqReply;
using xmpp::StanzaErrorCondition;

constexpr std::string_view kSpace = kSaslCertNamespace;
constexpr std::string_view kKey = "certificates";

store::UserKey key_of(const api::IqRequest& request) {
  return {std::string(request.from().local()), std::string(request.from().domain())};
}

store::Binding binding_of(const std::string& fingerprint) {
  return {store::BindingKind::certificate_fingerprint, fingerprint};
}

IqReply reply_to(const store::StoreError& error) {
  switch (error.failure) {
    case store::Failure::conflict:
      return {StanzaErrorCondition::conflict, "the certificate belongs to an account already"};
    case store::Failure::full:
      return {StanzaErrorCondition::resource_constraint, "too many certificates"};
    case store::Failure::unsupported:
      return {StanzaErrorCondition::not_allowed, "accounts are managed elsewhere"};
    case store::Failure::not_found:
    case store::Failure::invalid:
    case store::Failure::unavailable:
      break;
  }
  return {StanzaErrorCondition::resource_constraint, "storage is not available"};
}

std::string without_space(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
  return text;
}

/// Whoever changes a user's list has it alone until then.
class Turn {
 public:
  Turn(std::set<std::string, std::less<>>& busy, std::string account)
      : busy_(busy), account_(std::move(account)), is_mine_(busy_.insert(account_).second) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (is_mine_) {
      busy_.erase(account_);
    }
  }
  [[nodiscard]] bool is_mine() const { return is_mine_; }

 private:
  std::set<std::string, std::less<>>& busy_;
  const std::string account_;
  const bool is_mine_;
};

}  // namespace

std::int64_t CertificateManager::certificates_max(std::string_view host_name) const {
  const api::Host* host = shard_.find_host(host_name);
  const auto config = shard_.config();
  return host == nullptr
             ? 0
             : config->options(kModuleName, host->options->name).integer("certificates_max");
}

base::Task<IqReply> CertificateManager::answer(api::IqRequest request) {
  const api::Session* session = request.session();
  const api::Host* host = shard_.find_host(request.host());
  if (!request.is_own_account() || session == nullptr || host == nullptr ||
      session->user().is_temporary() || certificates_max(request.host()) == 0) {
    co_return IqReply(StanzaErrorCondition::service_unavailable);
  }
  const api::Connection* connection = shard_.find_connection(session->connection());
  if (connection == nullptr || connection->layer() == nullptr ||
      !connection->layer()->info().is_encrypted) {
    // XEP-0257 §5.1: somebody on the way could put in a certificate of his own.
    co_return IqReply(StanzaErrorCondition::not_allowed, "the stream is not encrypted");
  }
  if (host->stores.users == nullptr || host->stores.key_values == nullptr) {
    co_return IqReply(StanzaErrorCondition::service_unavailable);
  }
  const Turn turn(busy_, std::string(request.from().bare()));
  if (!turn.is_mine()) {
    co_return IqReply(StanzaErrorCondition::resource_constraint, "another change is under way");
  }
  const api::HostStores stores = host->stores;
  co_return co_await answer_alone(request, stores);
}

base::Task<IqReply> CertificateManager::answer_alone(const api::IqRequest& request,
                                                     const api::HostStores& stores) {
  store::UserKey user = key_of(request);
  auto certificates = co_await load(stores, std::move(user));
  if (!certificates) {
    co_return reply_to(certificates.error());
  }
  if (!request.is_set()) {
    co_return IqReply(list(request, *certificates));
  }
  const OwnCertificate* used = used_by(request, *certificates);
  if (used != nullptr && !used->may_manage) {
    co_return IqReply(StanzaErrorCondition::forbidden, "not with this certificate");
  }
  Certificates before = std::move(*certificates);
  if (request.payload().name() == "append") {
    co_return co_await append(request, stores, std::move(before));
  }
  co_return co_await remove(request, stores, std::move(before));
}

base::Task<store::StoreResult<CertificateManager::Certificates>> CertificateManager::load(
    const api::HostStores& stores, store::UserKey user) {
  std::string space(kSpace);
  std::string key(kKey);
  auto text = co_await stores.key_values->get(std::move(user), std::move(space), std::move(key));
  if (text) {
    co_return parse_own_certificates(*text);
  }
  if (text.error().failure == store::Failure::not_found) {
    co_return Certificates();
  }
  co_return base::Unexpected<store::StoreError>(text.error());
}

base::Task<store::StoreResult<void>> CertificateManager::save(const api::HostStores& stores,
                                                              store::UserKey user,
                                                              const Certificates& certificates) {
  std::string space(kSpace);
  std::string key(kKey);
  std::string text = to_text(certificates);
  if (certificates.empty()) {
    co_return co_await stores.key_values->remove(std::move(user), std::move(space), std::move(key));
  }
  co_return co_await stores.key_values->put(std::move(user), std::move(space), std::move(key),
                                            std::move(text));
}

xml::Document CertificateManager::list(const api::IqRequest& request,
                                       const Certificates& certificates) const {
  xml::Document result = request.make_result();
  xml::ElementBuilder items(result);
  items.child("items", kSaslCertNamespace);
  for (const OwnCertificate& each : certificates) {
    items.child("item").child("name").text(each.label).up();
    items.child("x509cert").text(base::base64_encode(each.der)).up();
    bool is_used = false;
    const api::User* user = shard_.find_user(request.from().bare());
    for (std::size_t i = 0; user != nullptr && i < user->sessions().size(); ++i) {
      const api::Session& session = *user->sessions()[i];
      const CertificateLogin* login = session.state(slot_);
      if (login != nullptr && login->fingerprint() == each.fingerprint) {
        if (!std::exchange(is_used, true)) {
          items.child("users");
        }
        items.child("resource").text(session.resource()).up();
      }
    }
    if (is_used) {
      items.up();
    }
    items.up();
  }
  return result;
}

const OwnCertificate* CertificateManager::used_by(const api::IqRequest& request,
                                                  const Certificates& certificates) const {
  const api::Session* session = request.session();
  const CertificateLogin* login = session != nullptr ? session->state(slot_) : nullptr;
  const auto found = std::find_if(certificates.begin(), certificates.end(), [&](const auto& each) {
    return login != nullptr && each.fingerprint == login->fingerprint();
  });
  return found != certificates.end() ? &*found : nullptr;
}

base::Task<IqReply> CertificateManager::append(const api::IqRequest& request,
                                               const api::HostStores& stores,
                                               Certificates certificates) {
  const xml::Element* label = request.payload().child("name");
  const xml::Element* text = request.payload().child("x509cert");
  if (label == nullptr || text == nullptr || label->text().empty() ||
      label->text().size() > kCertificateLabelBytesMax) {
    co_return IqReply(StanzaErrorCondition::bad_request, "a name and a certificate are needed");
  }
  auto der = base::base64_decode(without_space(text->text()));
  if (!der || der->size() > kCertificateBytesMax) {
    co_return IqReply(StanzaErrorCondition::bad_request, "the certificate is not base64");
  }
  const auto* reader = shard_.service<api::CertificateService>();
  const auto read = reader != nullptr ? reader->read_certificate(*der) : std::nullopt;
  if (!read) {
    co_return IqReply(StanzaErrorCondition::bad_request, "that is no certificate");
  }
  if (read->valid_until <= base::wall_clock_now()) {
    co_return IqReply(StanzaErrorCondition::not_acceptable, "the certificate has expired");
  }
  OwnCertificate added{label->text(), read->fingerprint, std::move(*der),
                       request.payload().child("no-cert-management") == nullptr};
  const bool is_there =
      std::any_of(certificates.begin(), certificates.end(), [&](const auto& each) {
        return each.label == added.label || each.fingerprint == added.fingerprint;
      });
  if (is_there) {
    co_return IqReply(StanzaErrorCondition::conflict,
                      "the name or the certificate is there already");
  }
  if (std::cmp_greater_equal(certificates.size(), certificates_max(request.host()))) {
    co_return IqReply(StanzaErrorCondition::resource_constraint, "too many certificates");
  }
  store::UserKey user = key_of(request);
  store::Binding binding = binding_of(added.fingerprint);
  const auto bound = co_await stores.users->bind(std::move(user), std::move(binding));
  if (!bound) {
    co_return reply_to(bound.error());
  }
  std::string fingerprint = added.fingerprint;
  certificates.push_back(std::move(added));
  store::UserKey owner = key_of(request);
  const auto saved = co_await save(stores, std::move(owner), certificates);
  if (!saved) {
    store::UserKey same = key_of(request);
    store::Binding again = binding_of(fingerprint);
    static_cast<void>(co_await stores.users->unbind(std::move(same), std::move(again)));
    co_return reply_to(saved.error());
  }
  RONDEL_LOG_INFO_WITH(shard_.log(), (log::Fields{.jid = request.from().full()}),
                       "account.certificate-added", "fingerprint={}", fingerprint);
  co_return IqReply(request.make_result());
}

base::Task<IqReply> CertificateManager::remove(const api::IqRequest& request,
                                               const api::HostStores& stores,
                                               Certificates certificates) {
  const xml::Element* label = request.payload().child("name");
  if (label == nullptr) {
    co_return IqReply(StanzaErrorCondition::bad_request, "a name is needed");
  }
  const std::string name = label->text();
  const auto found = std::find_if(certificates.begin(), certificates.end(),
                                  [&name](const auto& each) { return each.label == name; });
  if (found == certificates.end()) {
    co_return IqReply(StanzaErrorCondition::item_not_found);
  }
  const std::string fingerprint = found->fingerprint;
  certificates.erase(found);
  // The binding first: what opens the account goes before what is shown.
  store::UserKey user = key_of(request);
  store::Binding binding = binding_of(fingerprint);
  const auto unbound = co_await stores.users->unbind(std::move(user), std::move(binding));
  if (!unbound && unbound.error().failure != store::Failure::not_found) {
    co_return reply_to(unbound.error());
  }
  store::UserKey owner = key_of(request);
  const auto saved = co_await save(stores, std::move(owner), certificates);
  if (!saved) {
    co_return reply_to(saved.error());
  }
  const bool is_revoked = request.payload().name() == "revoke";
  RONDEL_LOG_INFO_WITH(shard_.log(), (log::Fields{.jid = request.from().full()}),
                       "account.certificate-removed", "fingerprint={}", fingerprint);
  if (!is_revoked) {
    co_return IqReply(request.make_result());
  }
  // The result is written before the revocation may end the stream that it goes to.
  if (api::Session* session = request.session()) {
    const xml::Document result = request.make_result();
    shard_.deliver(*session, result.root());
  }
  end_sessions(request, fingerprint);
  co_return IqReply::none();
}

void CertificateManager::end_sessions(const api::IqRequest& request,
                                      const std::string& fingerprint) {
  std::vector<base::ConnectionId> ending;
  if (const api::User* user = shard_.find_user(request.from().bare())) {
    for (const auto& session : user->sessions()) {
      const CertificateLogin* login = session->state(slot_);
      if (login != nullptr && login->fingerprint() == fingerprint) {
        ending.push_back(session->connection());
      }
    }
  }
  for (const base::ConnectionId id : ending) {
    if (api::Connection* connection = shard_.find_connection(id)) {
      connection->close(xmpp::StreamErrorCondition::not_authorized, "the certificate was revoked");
    }
  }
}

}  // namespace rondel::modules::auth_external
