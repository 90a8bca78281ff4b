// One run of EXTERNAL.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "modules/api/auth.h"
#include "modules/api/shard.h"
#include "modules/auth-external/settings.h"

namespace rondel::modules::auth_external {

/// Asks the user storage whose the certificate is, and lets the authzid choose among several.
///
/// What is asked depends on the certificate alone, so that neither answer nor time tells whether
/// the account of an authzid exists. Source: XEP-0178 §2; RFC 4422 appendix A; RFC 6120 §6.3.8.
class ExternalExchange final : public api::AuthExchange {
 public:
  ExternalExchange(api::HostStores stores,
                   std::string host,
                   api::ClientCertificate certificate,
                   Settings settings,
                   std::uint8_t session_slot)
      : stores_(stores),
        host_(std::move(host)),
        certificate_(std::move(certificate)),
        settings_(std::move(settings)),
        session_slot_(session_slot) {}

  base::Task<api::AuthStep> step(std::string input, bool has_input) override;

 private:
  using Locals = base::Result<std::vector<std::string>, xmpp::SaslFailure>;

  /// The accounts' local parts, sorted, each once; those of the first kind that has any.
  base::Task<Locals> find_accounts();
  base::Task<Locals> find_named(NameKind kind);
  base::Task<Locals> find_bound(store::Binding binding);
  base::Task<Locals> find_addressed(std::string local);
  [[nodiscard]] api::AuthStep accept(std::string local, std::string authzid) const;

  const api::HostStores stores_;
  const std::string host_;
  const api::ClientCertificate certificate_;
  const Settings settings_;
  const std::uint8_t session_slot_;
};

/// A name as a binding spells it; empty: it can be nobody's. Addresses are prepared, and must be
/// bare and have a local part; of an e-mail's domain the case says nothing (RFC 5321 §2.3.11).
[[nodiscard]] std::string binding_value(NameKind kind, std::string_view name);

}  // namespace rondel::modules::auth_external
