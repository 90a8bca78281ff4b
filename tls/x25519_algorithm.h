// X25519 as OpenSSL has it, but for the making of key pairs; for this room's sources.
#pragma once

struct ossl_dispatch_st;
struct ossl_param_st;

namespace rondel::tls {

/// What a provider needs in order to offer keys and key exchange of X25519 (RFC 7748 §6.1).
struct X25519Algorithm {
  const char* names;  ///< As OpenSSL has them, so that both are taken for the same.
  const ossl_dispatch_st* keys;
  const ossl_dispatch_st* exchange;
  void* provider;  ///< The context that both tables want to be called with.

  /// Tells `listener` what OpenSSL says of the group in TLS, of which it takes groups only from the
  /// provider that has their keys. Returns as the listener does: 0 for failed.
  /// Source: OpenSSL's provider-base(7), "TLS-GROUP Capability".
  int (*tell_group)(int (*listener)(const ossl_param_st*, void*), void* argument);
};

/// The functions of OpenSSL's own provider, with another one for the public half of a new key:
/// libsodium multiplies the base point by tables, and computes in the 51-bit form that suits the
/// processors of today, in two fifths of the time.
///
/// The keys are OpenSSL's own, so whatever is done with them stays as it was. Null if OpenSSL's
/// X25519 comes from another provider than its default one (FIPS). Thread: any.
[[nodiscard]] const X25519Algorithm* x25519_algorithm();

}  // namespace rondel::tls
