// The certificates of all hosts, ready for handshakes: an immutable set, replaced as a whole.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tls/certificate.h"
#include "tls/options.h"

namespace rondel::tls {

/// The keys that protect session tickets; one set for the whole process, over all reloads.
class TicketKeys;

/// An immutable set of hosts with their certificates behind one policy.
///
/// The name that the client asks for (SNI) chooses the host: a configured host name, then an exact
/// name of a certificate, then a wildcard name. An unknown name, or none, gets the host that the
/// stream was opened to (AcceptOptions::host), on direct TLS the first one: the client judges the
/// certificate, and a stream to an unknown host gets host-unknown, which says more than an alert.
/// Thread: any; made by main, used by all shards at once, kept alive by its channels.
class TlsContexts {
 public:
  /// Reads and checks everything; nothing is half loaded.
  ///
  /// `previous` (null at start) hands its ticket keys over, so that sessions resume over a reload.
  /// Errors: every fault found, one sentence a line, with path and reason: unreadable file, key
  /// that does not match, encrypted or weak key, bad dates (see TlsPolicy::expired), two
  /// certificates of one key type for one host, a cipher list without a known cipher, an OCSP
  /// response that is none, or about another certificate.
  [[nodiscard]] static base::Result<std::shared_ptr<const TlsContexts>> load(
      std::span<const HostCertificate> certificates,
      const TlsPolicy& policy,
      const TlsContexts* previous = nullptr);

  ~TlsContexts();
  TlsContexts(const TlsContexts&) = delete;
  TlsContexts& operator=(const TlsContexts&) = delete;

  /// One for each HostCertificate, in the same order.
  [[nodiscard]] std::span<const CertificateInfo> certificates() const { return certificates_; }
  /// Sentences for the log: names not covered, expiry near, chain in disorder, open key file.
  [[nodiscard]] std::span<const std::string> warnings() const { return warnings_; }
  /// Sentences for the log about OCSP responses: which ones are no longer sent.
  [[nodiscard]] std::vector<std::string> ocsp_notices(CertificateInfo::TimePoint now) const;
  /// The configured host that serves `name`; empty text: the first host.
  [[nodiscard]] std::string_view host_for(std::string_view name) const;
  [[nodiscard]] TicketKeys& ticket_keys() const { return *ticket_keys_; }

  /// For this room only: the OpenSSL side.
  struct Native;
  [[nodiscard]] const Native& native() const { return *native_; }

 private:
  TlsContexts();

  std::shared_ptr<TicketKeys> ticket_keys_;
  std::unique_ptr<Native> native_;
  std::vector<CertificateInfo> certificates_;
  std::vector<std::string> warnings_;
};

}  // namespace rondel::tls
