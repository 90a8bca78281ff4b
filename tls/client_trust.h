// The authorities whose client certificates are believed, with what they have revoked.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tls/certificate.h"
#include "tls/client_certificate.h"
#include "tls/options.h"

struct stack_st_X509;

namespace rondel::tls {

/// An immutable set of trust anchors and revocation lists; a reload makes another one.
///
/// A certificate in the file is an anchor, also if another one has signed it. With a file of
/// revocation lists each client certificate needs a current list of its own issuer, and is refused
/// without one; authorities above it are looked up where there is a list of theirs.
/// Thread: any. Source: RFC 5280 §6; RFC 6120 §13.7.2.
class ClientTrust {
 public:
  /// Errors: every fault, one sentence a line: an unreadable or empty file, a broken entry, a list
  /// that its authority has not signed; with ExpiredCertificate::refuse also one whose time is
  /// over.
  [[nodiscard]] static base::Result<std::shared_ptr<const ClientTrust>> load(
      const std::string& authorities_path,
      const std::string& revocations_path,
      ExpiredCertificate expired);
  ~ClientTrust();
  ClientTrust(const ClientTrust&) = delete;
  ClientTrust& operator=(const ClientTrust&) = delete;

  /// Sentences for the log about what has expired, or will within `warning_days`.
  [[nodiscard]] std::vector<std::string> notices(CertificateInfo::TimePoint now,
                                                 int warning_days) const;

  /// For this room's handshake: reads and judges a certificate; `others` came along with it.
  [[nodiscard]] ClientCertificate judge(x509_st& certificate, stack_st_X509* others) const;

 private:
  struct Native;
  ClientTrust();

  std::unique_ptr<Native> native_;
};

}  // namespace rondel::tls
