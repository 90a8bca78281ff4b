// The OpenSSL side of TlsContexts; for this room's sources.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "tls/client_certificate.h"
#include "tls/context.h"
#include "tls/derivation_algorithm.h"
#include "tls/ocsp.h"
#include "tls/openssl_handle.h"
#include "tls/traffic_keys.h"

namespace rondel::tls {

struct TlsContexts::Native {
  struct Staple {
    OpensslPtr<x509_st> certificate;
    OcspResponse response;
  };
  struct Host {
    std::string name;  ///< Lower case.
    OpensslPtr<ssl_ctx_st> context;
    std::vector<Staple> staples;  ///< For some of its certificates.
    /// Of each certificate, held by `context`, what end_point_hash() says of it.
    std::vector<std::pair<const x509_st*, std::string>> end_points{};

    /// tls-server-end-point of one of its certificates; empty if there is none.
    [[nodiscard]] std::string end_point(const x509_st* certificate) const;
  };
  using Names = std::unordered_map<std::string, std::size_t, base::TextHash, std::equal_to<>>;

  std::vector<Host> hosts;  ///< The first one serves names that nobody has.
  Names exact;              ///< Configured hosts and names in certificates.
  Names wildcards;          ///< The part behind "*."
  TicketKeys* ticket_keys = nullptr;

  /// The host for a name in lower case; null: nobody has it.
  [[nodiscard]] const Host* find(std::string_view name) const;
};

/// The secrets of a TLS 1.3 handshake that we go on with, and the records that were carried under
/// the new keys so far; wiped with the handshake. Source: RFC 8446 §7.1.
struct HandshakeSecrets final : SecretListener {
  struct Secret {
    std::array<std::byte, kSecretBytesMax> data{};
    std::size_t size = 0;
    [[nodiscard]] std::span<const std::byte> bytes() const { return std::span(data).first(size); }
  };
  Secret client;
  Secret server;
  Secret exporter;    ///< Not where OpenSSL derives by other code than ours.
  Secret resumption;  ///< The same.
  std::uint64_t records_received = 0;
  std::uint64_t records_sent = 0;

  HandshakeSecrets() = default;
  HandshakeSecrets(const HandshakeSecrets&) = delete;
  HandshakeSecrets& operator=(const HandshakeSecrets&) = delete;
  ~HandshakeSecrets();
  void derived(std::string_view label, std::span<const std::byte> secret) override;
  [[nodiscard]] bool is_complete() const { return client.size != 0 && server.size == client.size; }
};

/// What the callbacks of one handshake are told and find out; OpenSSL keeps its address.
struct HandshakeFacts {
  AcceptOptions options;
  std::string sni;
  const TlsContexts::Native::Host* host = nullptr;
  bool is_name_known = false;
  bool takes_tickets = false;  ///< The client resumes sessions as we do. Source: RFC 8446 §4.2.9.
  std::size_t tickets = 0;     ///< For us to send behind the handshake, OpenSSL sends none then.
  HandshakeSecrets secrets;    ///< Not with Records::retained.
  std::unique_ptr<const ClientCertificate> client_certificate;  ///< Null: none came.
};

/// A context with our policy and callbacks, still without a certificate.
[[nodiscard]] base::Result<OpensslPtr<ssl_ctx_st>> make_host_context(const TlsPolicy& policy,
                                                                     const std::string& host,
                                                                     TlsContexts::Native& native);

/// Lower case, without a dot at the end; host names as clients and files write them.
[[nodiscard]] std::string normal_name(std::string_view name);

}  // namespace rondel::tls
