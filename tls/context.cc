#include "tls/context.h"

#include <algorithm>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "tls/channel_binding.h"
#include "tls/context_native.h"
#include "tls/pem.h"
#include "tls/ticket_keys.h"

namespace rondel::tls {
namespace {

/// Collects what is wrong, so that an operator mends everything at once.
struct Findings {
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};

/// Puts the pair into the host's context. OpenSSL refuses a second one of the same key type, keys
/// that do not belong together, and keys too weak for its security level.
bool use_pair(SSL_CTX* context, const CertificateChain& chain, EVP_PKEY* key) {
  STACK_OF(X509)* others = sk_X509_new_null();
  for (const auto& intermediate : chain.intermediates) {
    sk_X509_push(others, intermediate.get());
  }
  const bool is_used = SSL_CTX_use_cert_and_key(context, chain.leaf.get(), key, others, 0) == 1;
  sk_X509_free(others);
  return is_used;
}

std::string pair_fault(const HostCertificate& given, const CertificateInfo& info) {
  const int reason = ERR_GET_REASON(ERR_peek_error());
  const std::string text = take_openssl_errors();
  switch (reason) {
    case SSL_R_NOT_REPLACING_CERTIFICATE:
      return fmt::format("host '{}' has two certificates with {} keys: leave '{}' or the other out",
                         given.host, info.key_type.substr(0, info.key_type.find(' ')),
                         given.certificate_path);
    case SSL_R_EE_KEY_TOO_SMALL:
    case SSL_R_CA_KEY_TOO_SMALL:
    case SSL_R_CA_MD_TOO_WEAK:
      return fmt::format("certificate '{}' ({}) is too weak: {}", given.certificate_path,
                         info.key_type, text);
    default:
      return fmt::format("certificate '{}' with key '{}' cannot be used: {}",
                         given.certificate_path, given.key_path, text);
  }
}

void check_facts(const HostCertificate& given,
                 const CertificateInfo& info,
                 const TlsPolicy& policy,
                 Findings& findings) {
  const auto now = base::wall_clock_now();
  const bool is_valid = now >= info.valid_from && now < info.valid_until;
  if (std::string notice = info.expiry_notice(now, policy.expiry_warning_days); !notice.empty()) {
    const bool is_error = !is_valid && policy.expired == ExpiredCertificate::refuse;
    (is_error ? findings.errors : findings.warnings).push_back(std::move(notice));
  }
  if (!info.covers(normal_name(given.host))) {
    findings.warnings.push_back(
        fmt::format("certificate '{}' does not name its host '{}': clients will refuse it",
                    given.certificate_path, given.host));
  }
  struct stat file {};
  if (::stat(given.key_path.c_str(), &file) == 0 && (file.st_mode & S_IROTH) != 0) {
    findings.warnings.push_back(
        fmt::format("key '{}' can be read by every user: chmod o-rwx", given.key_path));
  }
}

/// Reads what is to be sent along with the certificate, if anything is.
void load_staple(const HostCertificate& given,
                 const CertificateChain& chain,
                 const TlsPolicy& policy,
                 TlsContexts::Native::Host& host,
                 Findings& findings) {
  if (given.ocsp_response_path.empty()) {
    return;
  }
  auto read = read_ocsp_response(given.ocsp_response_path, chain, given.certificate_path);
  if (!read) {
    findings.errors.push_back("OCSP response " + read.error().message);
    return;
  }
  if (std::string notice = read->notice(base::wall_clock_now()); !notice.empty()) {
    const bool is_error = policy.expired == ExpiredCertificate::refuse;
    (is_error ? findings.errors : findings.warnings).push_back(std::move(notice));
  }
  X509_up_ref(chain.leaf.get());
  host.staples.push_back({OpensslPtr<x509_st>(chain.leaf.get()), std::move(read).value()});
}

/// Reads one pair into the context of its host.
base::Result<CertificateInfo> load_pair(const HostCertificate& given,
                                        const TlsPolicy& policy,
                                        TlsContexts::Native::Host& host,
                                        Findings& findings) {
  RONDEL_TRY(const CertificateChain chain, read_chain(given.certificate_path));
  RONDEL_TRY(const OpensslPtr<evp_pkey_st> key, read_key(given.key_path));
  CertificateInfo info = describe(*chain.leaf, given.certificate_path);
  ERR_clear_error();
  if (X509_check_private_key(chain.leaf.get(), key.get()) != 1) {
    ERR_clear_error();
    return base::Unexpected(base::Error(fmt::format("key '{}' does not belong to certificate '{}'",
                                                    given.key_path, given.certificate_path)));
  }
  if (!use_pair(host.context.get(), chain, key.get())) {
    return base::Unexpected(base::Error(pair_fault(given, info)));
  }
  if (const std::string disorder = chain.disorder(); !disorder.empty()) {
    findings.warnings.push_back(
        fmt::format("certificate '{}' {}", given.certificate_path, disorder));
  }
  host.end_points.emplace_back(chain.leaf.get(),
                               end_point_hash(*chain.leaf).value_or(std::string()));
  check_facts(given, info, policy, findings);
  load_staple(given, chain, policy, host, findings);
  return info;
}

/// Configured names first: a certificate's names never take a host from another.
void index_names(TlsContexts::Native& native,
                 std::span<const std::size_t> host_of,
                 std::span<const CertificateInfo> infos) {
  for (std::size_t i = 0; i < infos.size(); ++i) {
    for (const std::string& name : infos[i].names) {
      if (name.starts_with("*.")) {
        native.wildcards.try_emplace(name.substr(2), host_of[i]);
      } else {
        native.exact.try_emplace(name, host_of[i]);
      }
    }
  }
}

}  // namespace

TlsContexts::TlsContexts() : native_(std::make_unique<Native>()) {
}
TlsContexts::~TlsContexts() = default;

std::string_view TlsContexts::host_for(std::string_view name) const {
  const auto* host = native_->find(normal_name(name));
  return host ? host->name : native_->hosts.front().name;
}

std::vector<std::string> TlsContexts::ocsp_notices(CertificateInfo::TimePoint now) const {
  std::vector<std::string> notices;
  for (const Native::Host& host : native_->hosts) {
    for (const Native::Staple& staple : host.staples) {
      if (std::string notice = staple.response.notice(now); !notice.empty()) {
        notices.push_back(std::move(notice));
      }
    }
  }
  return notices;
}

base::Result<std::shared_ptr<const TlsContexts>> TlsContexts::load(
    std::span<const HostCertificate> certificates,
    const TlsPolicy& policy,
    const TlsContexts* previous) {
  if (certificates.empty()) {
    return base::Unexpected(base::Error("no host has a certificate"));
  }
  if (policy.tickets < 0 || policy.tickets > 2) {
    return base::Unexpected(
        base::Error(fmt::format("{} session tickets: 0, 1 or 2 are possible", policy.tickets)));
  }
  std::shared_ptr<TlsContexts> made(new TlsContexts());
  Native& native = *made->native_;
  made->ticket_keys_ =
      previous ? previous->ticket_keys_ : std::make_shared<TicketKeys>(base::monotonic_ms());
  native.ticket_keys = made->ticket_keys_.get();
  Findings findings;
  std::vector<std::size_t> host_of;
  for (const HostCertificate& given : certificates) {
    const std::string name = normal_name(given.host);
    const auto [at, is_new] = native.exact.try_emplace(name, native.hosts.size());
    if (is_new) {
      RONDEL_TRY(auto context, make_host_context(policy, name, native));
      native.hosts.push_back({name, std::move(context), {}});
    }
    host_of.push_back(at->second);
    auto info = load_pair(given, policy, native.hosts[at->second], findings);
    if (info) {
      made->certificates_.push_back(std::move(info).value());
    } else {
      findings.errors.push_back(info.error().message);
    }
  }
  if (!findings.errors.empty()) {
    return base::Unexpected(base::Error(fmt::format("{}", fmt::join(findings.errors, "\n"))));
  }
  index_names(native, host_of, made->certificates_);
  made->warnings_ = std::move(findings.warnings);
  return std::shared_ptr<const TlsContexts>(std::move(made));
}

}  // namespace rondel::tls
