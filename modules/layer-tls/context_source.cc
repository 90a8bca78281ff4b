#include "modules/layer-tls/context_source.h"

#include <algorithm>

namespace rondel::modules::layer_tls {
namespace {

tls::TlsPolicy policy_of(const config::Options& options, tls::ExpiredCertificate expired) {
  tls::TlsPolicy policy;
  policy.ciphers_tls12 = options.text("ciphers_tls12");
  policy.ciphers_tls13 = options.text("ciphers_tls13");
  policy.groups = options.text("groups");
  policy.is_tls12_allowed = options.text("version_min") == "1.2";
  policy.expiry_warning_days = static_cast<int>(options.integer("expiry_warning"));
  policy.tickets = static_cast<int>(options.integer("tickets"));
  policy.expired = expired;
  return policy;
}

}  // namespace

base::Result<HostContextsPointer> load_contexts(const config::Snapshot& config,
                                                tls::ExpiredCertificate expired,
                                                const HostContexts* previous) {
  const bool is_used =
      std::any_of(config.interfaces().begin(), config.interfaces().end(),
                  [](const auto& interface) { return interface.tls != config::TlsMode::off; });
  auto result = std::make_shared<HostContexts>();
  std::vector<tls::HostCertificate> certificates;
  for (const config::HostOptions& host : config.hosts()) {
    if (!host.certificate.empty()) {
      certificates.push_back({host.name, host.certificate, host.key, host.ocsp_response});
      result->hosts.push_back(host.name);
    }
    if (!host.certificate_alternative.empty()) {
      certificates.push_back({host.name, host.certificate_alternative, host.key_alternative});
      result->hosts.push_back(host.name);
    }
  }
  if (!is_used || certificates.empty()) {
    return HostContextsPointer();
  }
  const tls::TlsPolicy policy = policy_of(config.options(kModuleName), expired);
  RONDEL_TRY(
      result->contexts,
      tls::TlsContexts::load(certificates, policy, previous ? previous->contexts.get() : nullptr));
  result->expiry_warning_days = policy.expiry_warning_days;
  for (const config::InterfaceOptions& interface : config.interfaces()) {
    if (!interface.client_ca.empty() && interface.tls != config::TlsMode::off) {
      RONDEL_TRY(result->client_trusts[interface.name],
                 tls::ClientTrust::load(interface.client_ca, interface.client_crl, expired));
    }
  }
  return HostContextsPointer(std::move(result));
}

base::Result<void> ContextSource::start(const config::Snapshot& config) {
  RONDEL_TRY(HostContextsPointer loaded,
             load_contexts(config, tls::ExpiredCertificate::warn, nullptr));
  const std::lock_guard lock(mutex_);
  first_ = std::move(loaded);
  return {};
}

base::Result<void> ContextSource::prepare(const config::Snapshot& next) {
  // All sets share the ticket keys of the first, so it does not matter which one hands them over.
  RONDEL_TRY(HostContextsPointer loaded,
             load_contexts(next, tls::ExpiredCertificate::refuse, first().get()));
  const std::lock_guard lock(mutex_);
  // An address that was used before belongs to a configuration that is gone.
  std::erase_if(prepared_, [&next](const Prepared& entry) { return entry.config == &next; });
  if (prepared_.size() == kPreparedMax) {
    prepared_.erase(prepared_.begin());
  }
  prepared_.push_back({&next, std::move(loaded)});
  return {};
}

HostContextsPointer ContextSource::first() const {
  const std::lock_guard lock(mutex_);
  return first_;
}

HostContextsPointer ContextSource::prepared_from(const config::Snapshot& config) const {
  const std::lock_guard lock(mutex_);
  for (const Prepared& entry : prepared_) {
    if (entry.config == &config) {
      return entry.contexts;
    }
  }
  return nullptr;
}

}  // namespace rondel::modules::layer_tls
