#include "tls/client_trust.h"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <optional>

#include "base/clock.h"
#include "tls/pem.h"

namespace rondel::tls {
namespace {

using TimePoint = CertificateInfo::TimePoint;

/// Certificates between a client's and its anchor.
constexpr int kDepthMax = 8;
/// As of the handshake: nothing below 112 bits.
constexpr int kSecurityLevel = 2;

struct RevocationList {
  OpensslPtr<X509_crl_st> list;
  TimePoint valid_until;
};

TimePoint time_point(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    return TimePoint::max();
  }
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

base::Result<std::vector<RevocationList>> read_lists(const std::string& path) {
  // The lists of a big authority are long: a line for each certificate ever revoked.
  constexpr std::size_t kListBytesMax = 64 * 1024 * 1024;
  RONDEL_TRY(const std::string file, read_file_blocking(path, kListBytesMax));
  const OpensslPtr<bio_st> in(BIO_new_mem_buf(file.data(), static_cast<int>(file.size())));
  std::vector<RevocationList> lists;
  ERR_clear_error();
  while (X509_CRL* list = PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)) {
    lists.push_back({OpensslPtr<X509_crl_st>(list), time_point(X509_CRL_get0_nextUpdate(list))});
  }
  const bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = take_openssl_errors();
  if (!is_at_end) {
    return base::Unexpected(
        base::Error(fmt::format("'{}' holds a broken revocation list: {}", path, reason)));
  }
  if (lists.empty()) {
    return base::Unexpected(
        base::Error(fmt::format("'{}' holds no revocation list in PEM form", path)));
  }
  return lists;
}

/// All that OpenSSL finds wrong with one certificate; the first of each kind.
struct Findings {
  std::optional<int> issuer, date, revocation, list, other;
};

void note(std::optional<int>& place, int error) {
  if (!place) {
    place = error;
  }
}

/// Lets OpenSSL go on after a fault, so that an unknown issuer doesn't hide an end that is past.
int on_fault(int is_good, X509_STORE_CTX* context) {
  if (is_good == 1) {
    return 1;
  }
  auto& findings = *static_cast<Findings*>(X509_STORE_CTX_get_app_data(context));
  const int error = X509_STORE_CTX_get_error(context);
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      note(findings.issuer, error);
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
      note(findings.date, error);
      break;
    case X509_V_ERR_CERT_REVOKED:
      note(findings.revocation, error);
      break;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      if (X509_STORE_CTX_get_error_depth(context) == 0) {
        note(findings.list, error);
      }
      break;
    default:
      note(findings.other, error);
      break;
  }
  return 1;
}

void conclude(const Findings& findings, ClientCertificate& certificate) {
  const auto say = [&certificate](CertificateTrust trust, int error) {
    certificate.trust = trust;
    certificate.reason = X509_verify_cert_error_string(error);
  };
  if (findings.revocation) {
    say(CertificateTrust::revoked, *findings.revocation);
  } else if (findings.other) {
    say(CertificateTrust::refused, *findings.other);
  } else if (findings.date) {
    say(CertificateTrust::out_of_date, *findings.date);
  } else if (findings.issuer) {
    say(CertificateTrust::unknown_issuer, *findings.issuer);
  } else if (findings.list) {
    say(CertificateTrust::refused, *findings.list);
  } else {
    certificate.trust = CertificateTrust::verified;
    certificate.reason.clear();
  }
}

std::string date(TimePoint when) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(when)));
}

}  // namespace

struct ClientTrust::Native {
  OpensslPtr<x509_store_st> store{X509_STORE_new()};
  std::vector<CertificateInfo> authorities;
  std::string revocations_path;
  std::vector<TimePoint> list_ends;
};

ClientTrust::ClientTrust() : native_(std::make_unique<Native>()) {
}
ClientTrust::~ClientTrust() = default;

base::Result<std::shared_ptr<const ClientTrust>> ClientTrust::load(
    const std::string& authorities_path,
    const std::string& revocations_path,
    ExpiredCertificate expired) {
  std::shared_ptr<ClientTrust> made(new ClientTrust());
  Native& native = *made->native_;
  X509_STORE* store = native.store.get();
  RONDEL_TRY(CertificateChain read, read_chain(authorities_path));
  std::vector<OpensslPtr<x509_st>> authorities = std::move(read.intermediates);
  authorities.insert(authorities.begin(), std::move(read.leaf));
  for (const auto& authority : authorities) {
    X509_STORE_add_cert(store, authority.get());
    native.authorities.push_back(describe(*authority, authorities_path));
  }
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
  if (!revocations_path.empty()) {
    native.revocations_path = revocations_path;
    RONDEL_TRY(const std::vector<RevocationList> lists, read_lists(revocations_path));
    for (const RevocationList& each : lists) {
      const X509_NAME* issuer = X509_CRL_get_issuer(each.list.get());
      bool is_known = false;
      bool is_signed = false;
      for (const auto& authority : authorities) {
        if (X509_NAME_cmp(X509_get_subject_name(authority.get()), issuer) == 0) {
          is_known = true;
          is_signed =
              is_signed || X509_CRL_verify(each.list.get(), X509_get0_pubkey(authority.get())) == 1;
        }
      }
      if (is_known && !is_signed) {
        return base::Unexpected(base::Error(fmt::format(
            "'{}' holds a revocation list that its authority has not signed", revocations_path)));
      }
      if (expired == ExpiredCertificate::refuse && each.valid_until <= base::wall_clock_now()) {
        return base::Unexpected(base::Error(fmt::format("a revocation list in '{}' ended on {}",
                                                        revocations_path, date(each.valid_until))));
      }
      native.list_ends.push_back(each.valid_until);
      X509_STORE_add_crl(store, each.list.get());
    }
    flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  }
  X509_STORE_set_flags(store, flags);
  X509_STORE_set_purpose(store, X509_PURPOSE_SSL_CLIENT);
  X509_STORE_set_depth(store, kDepthMax);
  X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(store), kSecurityLevel);
  X509_STORE_set_verify_cb(store, &on_fault);
  ERR_clear_error();
  return std::shared_ptr<const ClientTrust>(std::move(made));
}

std::vector<std::string> ClientTrust::notices(TimePoint now, int warning_days) const {
  std::vector<std::string> result;
  for (const CertificateInfo& authority : native_->authorities) {
    if (std::string notice = authority.expiry_notice(now, warning_days); !notice.empty()) {
      result.push_back(fmt::format("client_ca: {} ({})", notice, authority.subject));
    }
  }
  for (const TimePoint end : native_->list_ends) {
    if (end <= now) {
      result.push_back(fmt::format(
          "client_crl: a revocation list in '{}' ended on {}: certificates of its authority are "
          "refused until there is a new one",
          native_->revocations_path, date(end)));
    }
  }
  return result;
}

ClientCertificate ClientTrust::judge(x509_st& certificate, stack_st_X509* others) const {
  ClientCertificate result = read_client_certificate(certificate);
  result.reason = "cannot be checked";
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  Findings findings;
  if (context != nullptr &&
      X509_STORE_CTX_init(context, native_->store.get(), &certificate, others) == 1) {
    X509_STORE_CTX_set_app_data(context, &findings);
    const int outcome = X509_verify_cert(context);
    // The callback lets everything pass; what stops all the same are faults of OpenSSL's own.
    if (outcome == 1) {
      conclude(findings, result);
    }
    const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
    for (int i = 0; result.trust == CertificateTrust::verified && i < sk_X509_num(chain); ++i) {
      result.valid_until =
          std::min(result.valid_until, time_point(X509_get0_notAfter(sk_X509_value(chain, i))));
    }
  }
  X509_STORE_CTX_free(context);
  ERR_clear_error();
  return result;
}

}  // namespace rondel::tls
