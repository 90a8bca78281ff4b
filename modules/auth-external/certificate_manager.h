// A user's own certificates, managed by the user's clients (XEP-0257).
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "modules/api/iq.h"
#include "modules/api/session.h"
#include "modules/api/shard.h"
#include "modules/auth-external/certificate_login.h"
#include "modules/auth-external/own_certificates.h"

namespace rondel::modules::auth_external {

inline constexpr std::string_view kSaslCertNamespace = "urn:xmpp:saslcert:1";

/// Answers items, append, disable and revoke. Each certificate is a fingerprint bound to the
/// account; what the client called it, and the certificate itself, stand in the key-value storage.
///
/// Thread: the shard's, which is the account's home.
class CertificateManager {
 public:
  CertificateManager(api::Shard& shard, api::SessionSlot<CertificateLogin> slot)
      : shard_(shard), slot_(slot) {}

  base::Task<api::IqReply> answer(api::IqRequest request);

 private:
  using Certificates = std::vector<OwnCertificate>;

  base::Task<api::IqReply> answer_alone(const api::IqRequest& request,
                                        const api::HostStores& stores);
  base::Task<store::StoreResult<Certificates>> load(const api::HostStores& stores,
                                                    store::UserKey user);
  base::Task<store::StoreResult<void>> save(const api::HostStores& stores,
                                            store::UserKey user,
                                            const Certificates& certificates);
  base::Task<api::IqReply> append(const api::IqRequest& request,
                                  const api::HostStores& stores,
                                  Certificates certificates);
  base::Task<api::IqReply> remove(const api::IqRequest& request,
                                  const api::HostStores& stores,
                                  Certificates certificates);
  [[nodiscard]] xml::Document list(const api::IqRequest& request,
                                   const Certificates& certificates) const;
  /// By it the asking session was opened; null if by another way, or by one not in the list.
  [[nodiscard]] const OwnCertificate* used_by(const api::IqRequest& request,
                                              const Certificates& certificates) const;
  void end_sessions(const api::IqRequest& request, const std::string& fingerprint);
  [[nodiscard]] std::int64_t certificates_max(std::string_view host) const;

  api::Shard& shard_;
  const api::SessionSlot<CertificateLogin> slot_;
  std::set<std::string, std::less<>> busy_;  ///< Accounts whose list is being read or written.
};

}  // namespace rondel::modules::auth_external
