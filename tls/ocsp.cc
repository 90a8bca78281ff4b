#include "tls/ocsp.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <memory>
#include <openssl/err.h>
#include <openssl/ocsp.h>

namespace rondel::tls {
namespace {

struct Delete {
  void operator()(OCSP_RESPONSE* response) const { OCSP_RESPONSE_free(response); }
  void operator()(OCSP_BASICRESP* basic) const { OCSP_BASICRESP_free(basic); }
  void operator()(OCSP_CERTID* id) const { OCSP_CERTID_free(id); }
};

/// Clocks differ: a response may come from an authority that is a little ahead.
constexpr std::chrono::minutes kSkewMax{5};

OcspResponse::TimePoint time_point(const ASN1_GENERALIZEDTIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

/// The issuer in the chain; null: the chain doesn't tell.
X509* issuer_of(const CertificateChain& chain) {
  X509* leaf = chain.leaf.get();
  if (!chain.intermediates.empty()) {
    return chain.intermediates.front().get();
  }
  return X509_check_issued(leaf, leaf) == X509_V_OK ? leaf : nullptr;
}

/// Without the issuer the serial number must do: it's a slip of the hand that is looked for.
bool is_about(const OCSP_CERTID& id, X509* leaf, X509* issuer) {
  auto* asked = const_cast<OCSP_CERTID*>(&id);  // OpenSSL's getter takes no const.
  ASN1_OBJECT* algorithm = nullptr;
  ASN1_INTEGER* serial = nullptr;
  if (OCSP_id_get0_info(nullptr, &algorithm, nullptr, &serial, asked) != 1) {
    return false;
  }
  if (issuer == nullptr) {
    return ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0;
  }
  const EVP_MD* digest = EVP_get_digestbyobj(algorithm);
  const std::unique_ptr<OCSP_CERTID, Delete> ours(digest ? OCSP_cert_to_id(digest, leaf, issuer)
                                                         : nullptr);
  return ours != nullptr && OCSP_id_cmp(ours.get(), asked) == 0;
}

OCSP_SINGLERESP* find(OCSP_BASICRESP* basic, const CertificateChain& chain) {
  X509* issuer = issuer_of(chain);
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic, i);
    if (is_about(*OCSP_SINGLERESP_get0_id(single), chain.leaf.get(), issuer)) {
      return single;
    }
  }
  return nullptr;
}

std::string date(OcspResponse::TimePoint when) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(when)));
}

}  // namespace

bool OcspResponse::is_current(TimePoint now) const {
  return now + kSkewMax >= valid_from && now < valid_until;
}

std::string OcspResponse::notice(TimePoint now) const {
  if (now >= valid_until) {
    return fmt::format("OCSP response '{}' ended on {} and is not sent: fetch a new one and reload",
                       path, date(valid_until));
  }
  if (!is_current(now)) {
    return fmt::format("OCSP response '{}' is not valid before {} and is not sent", path,
                       date(valid_from));
  }
  if (!is_good) {
    return fmt::format(
        "OCSP response '{}' says that certificate '{}' is revoked or unknown to its authority",
        path, certificate_path);
  }
  return "";
}

base::Result<OcspResponse> read_ocsp_response(const std::string& path,
                                              const CertificateChain& chain,
                                              const std::string& certificate_path) {
  const auto refuse = [&path](std::string_view reason) {
    ERR_clear_error();
    return base::Unexpected(base::Error(fmt::format("'{}' {}", path, reason)));
  };
  OcspResponse made;
  RONDEL_TRY(made.der, read_file_blocking(path, kOcspBytesMax));
  const auto* at = reinterpret_cast<const unsigned char*>(made.der.data());
  const auto* end = at + made.der.size();
  const std::unique_ptr<OCSP_RESPONSE, Delete> response(
      d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(made.der.size())));
  if (response == nullptr || at != end) {
    return refuse("holds no OCSP response in DER form");
  }
  if (const int status = OCSP_response_status(response.get());
      status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return refuse(fmt::format("holds no answer of the authority, but its refusal: {}",
                              OCSP_response_status_str(status)));
  }
  const std::unique_ptr<OCSP_BASICRESP, Delete> basic(OCSP_response_get1_basic(response.get()));
  if (basic == nullptr) {
    return refuse("holds an OCSP response of an unknown kind");
  }
  OCSP_SINGLERESP* single = find(basic.get(), chain);
  if (single == nullptr) {
    return refuse(fmt::format("is not about certificate '{}'", certificate_path));
  }
  ASN1_GENERALIZEDTIME* from = nullptr;
  ASN1_GENERALIZEDTIME* until = nullptr;
  const int status = OCSP_single_get0_status(single, nullptr, nullptr, &from, &until);
  made.path = path;
  made.certificate_path = certificate_path;
  made.is_good = status == V_OCSP_CERTSTATUS_GOOD;
  made.valid_from = time_point(from);
  made.valid_until = until ? time_point(until) : OcspResponse::TimePoint::max();
  return made;
}

}  // namespace rondel::tls
