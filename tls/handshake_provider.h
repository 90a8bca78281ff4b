// What OpenSSL's handshakes take from us instead of its own; for this room's sources.
#pragma once

namespace rondel::tls {

/// What an SSL_CTX has to ask for (its property query) so that its handshakes derive their keys by
/// our code (derivation_algorithm.h) and make key pairs of X25519 the quick way
/// (x25519_algorithm.h); null if OpenSSL was configured to use other code only, such as FIPS.
///
/// Thread: any. The first call loads the provider, which stays until the process ends.
[[nodiscard]] const char* handshake_property_query();

}  // namespace rondel::tls
