// What SCRAM stores in place of a password, and how it is made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "xmpp/sasl/channel_binding.h"
#include "xmpp/sasl/failure.h"

namespace rondel::xmpp {

enum class ScramHash : std::uint8_t { sha_1, sha_256, sha_512 };

/// Bytes of a digest: 20, 32 or 64.
[[nodiscard]] std::size_t digest_bytes(ScramHash hash);
/// "SHA-1", "SHA-256", "SHA-512": the name in storage and mechanisms.
[[nodiscard]] std::string_view to_text(ScramHash hash);
[[nodiscard]] std::optional<ScramHash> parse_scram_hash(std::string_view name);

/// "SCRAM-SHA-256-PLUS" taken apart.
struct ScramMechanism {
  ScramHash hash = ScramHash::sha_256;
  bool is_plus = false;
  friend bool operator==(const ScramMechanism&, const ScramMechanism&) = default;
};
[[nodiscard]] std::optional<ScramMechanism> parse_scram_mechanism(std::string_view name);
[[nodiscard]] std::string_view mechanism_name(ScramMechanism mechanism);

/// Iterations that a stored key may have; more would let one login hold a core.
inline constexpr std::uint32_t kScramIterationsMin = 4096;
inline constexpr std::uint32_t kScramIterationsMax = 10'000'000;
inline constexpr std::size_t kScramSaltBytes = 16;

/// One credential of a user; the keys are wiped when it goes. Source: RFC 5802 §2.2, §3.
struct ScramKey {
  ScramHash hash = ScramHash::sha_256;
  std::uint32_t iterations = 0;
  std::string salt;        ///< Raw bytes.
  std::string stored_key;  ///< H(ClientKey), raw bytes.
  std::string server_key;  ///< Raw bytes.
  bool is_fake = false;    ///< Stands for a user that is not there: no proof fits it.

  ScramKey() = default;
  ScramKey(const ScramKey&) = default;
  ScramKey(ScramKey&&) noexcept = default;
  ScramKey& operator=(const ScramKey& other);
  ScramKey& operator=(ScramKey&& other) noexcept;
  ~ScramKey();
};

/// The key of a password as typed (it is prepared here). Costs `iterations` hashes: not on a shard
/// when there are many. Errors: malformed_request if the password can't be prepared or is empty.
[[nodiscard]] base::Result<ScramKey, SaslFailure> derive_scram_key(ScramHash hash,
                                                                   std::string_view password,
                                                                   std::string_view salt,
                                                                   std::uint32_t iterations);
/// The same with a fresh random salt of kScramSaltBytes.
[[nodiscard]] base::Result<ScramKey, SaslFailure> make_scram_key(ScramHash hash,
                                                                 std::string_view password,
                                                                 std::uint32_t iterations);

/// The key for a user that is not there: the same salt every time, from a secret of the server, and
/// the same work as a real one. Source: RFC 5802 §9; RFC 6120 §13.11 (directory harvesting).
[[nodiscard]] ScramKey fake_scram_key(ScramHash hash,
                                      std::string_view server_secret,
                                      std::string_view bare_jid,
                                      std::uint32_t iterations);

/// True if `password` makes `key` (PLAIN against a stored key); the same work and time for a fake
/// key, which it never fits, and for a password that can't be prepared.
[[nodiscard]] bool password_matches(const ScramKey& key, std::string_view password);

}  // namespace rondel::xmpp
