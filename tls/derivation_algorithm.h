// The derivations of OpenSSL's TLS 1.3 handshakes, done by us; for this room's sources.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

struct ossl_dispatch_st;

namespace rondel::tls {

/// The functions of TLS13-KDF, for a provider to offer; they have no state. Thread: any.
///
/// OpenSSL 3.0 looks HKDF and its hash up by name, under locks and with new contexts, for each of
/// the two dozen keys of a handshake; that is a tenth of what a handshake costs.
[[nodiscard]] const ossl_dispatch_st* derivation_table();

/// What learns of the secrets that OpenSSL derives on this thread and that we go on with.
class SecretListener {
 public:
  /// `label` is "c ap traffic", "s ap traffic", "exp master" or "res master"; the secret is wiped
  /// behind the call.
  /// Source: RFC 8446 §7.1.
  virtual void derived(std::string_view label, std::span<const std::byte> secret) = 0;

 protected:
  ~SecretListener() = default;
};

/// While it lives, `listener` (null: nobody) hears of this thread's secrets, and the one before
/// doesn't.
class ListeningToSecrets {
 public:
  explicit ListeningToSecrets(SecretListener* listener);
  ~ListeningToSecrets();
  ListeningToSecrets(const ListeningToSecrets&) = delete;
  ListeningToSecrets& operator=(const ListeningToSecrets&) = delete;

 private:
  SecretListener* before_;
};

}  // namespace rondel::tls
