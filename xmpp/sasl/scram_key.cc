#include "xmpp/sasl/scram_key.h"

#include <array>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "base/random.h"
#include "xmpp/sasl/digest.h"
#include "xmpp/sasl/saslprep.h"

namespace rondel::xmpp {
namespace {

struct HashNames {
  ScramHash hash;
  std::string_view name;
  std::string_view mechanism;
  std::string_view mechanism_plus;
};
constexpr std::array<HashNames, 3> kHashes{{
    {ScramHash::sha_1, "SHA-1", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"},
    {ScramHash::sha_256, "SHA-256", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"},
    {ScramHash::sha_512, "SHA-512", "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS"},
}};

const HashNames& names_of(ScramHash hash) {
  return kHashes[static_cast<std::size_t>(hash)];
}

/// StoredKey and ServerKey of a prepared password. Source: RFC 5802 §3.
void fill_keys(ScramKey& key, std::string_view prepared) {
  std::string salted = pbkdf2(key.hash, prepared, key.salt, key.iterations);
  std::string client_key = hmac(key.hash, salted, "Client Key");
  key.stored_key = digest(key.hash, client_key);
  key.server_key = hmac(key.hash, salted, "Server Key");
  base::wipe(salted);
  base::wipe(client_key);
}

}  // namespace

std::size_t digest_bytes(ScramHash hash) {
  constexpr std::array<std::size_t, 3> kBytes{20, 32, 64};
  return kBytes[static_cast<std::size_t>(hash)];
}

std::string_view to_text(ScramHash hash) {
  return names_of(hash).name;
}

std::optional<ScramHash> parse_scram_hash(std::string_view name) {
  for (const HashNames& names : kHashes) {
    if (name == names.name) {
      return names.hash;
    }
  }
  return std::nullopt;
}

std::optional<ScramMechanism> parse_scram_mechanism(std::string_view name) {
  for (const HashNames& names : kHashes) {
    if (name == names.mechanism) {
      return ScramMechanism{names.hash, false};
    }
    if (name == names.mechanism_plus) {
      return ScramMechanism{names.hash, true};
    }
  }
  return std::nullopt;
}

std::string_view mechanism_name(ScramMechanism mechanism) {
  const HashNames& names = names_of(mechanism.hash);
  return mechanism.is_plus ? names.mechanism_plus : names.mechanism;
}

ScramKey& ScramKey::operator=(const ScramKey& other) {
  return *this = ScramKey(other);
}

ScramKey& ScramKey::operator=(ScramKey&& other) noexcept {
  // By exchange, so that the old keys are wiped by the other's destructor.
  std::swap(hash, other.hash);
  std::swap(iterations, other.iterations);
  std::swap(salt, other.salt);
  std::swap(stored_key, other.stored_key);
  std::swap(server_key, other.server_key);
  std::swap(is_fake, other.is_fake);
  return *this;
}

ScramKey::~ScramKey() {
  base::wipe(stored_key);
  base::wipe(server_key);
}

base::Result<ScramKey, SaslFailure> derive_scram_key(ScramHash hash,
                                                     std::string_view password,
                                                     std::string_view salt,
                                                     std::uint32_t iterations) {
  RONDEL_CHECK(!salt.empty() && iterations > 0 && iterations <= kScramIterationsMax);
  RONDEL_TRY(std::string prepared, saslprep(password));
  if (prepared.empty()) {
    return base::Unexpected(SaslFailure::malformed_request);
  }
  ScramKey key;
  key.hash = hash;
  key.iterations = iterations;
  key.salt = salt;
  fill_keys(key, prepared);
  base::wipe(prepared);
  return key;
}

base::Result<ScramKey, SaslFailure> make_scram_key(ScramHash hash,
                                                   std::string_view password,
                                                   std::uint32_t iterations) {
  std::array<char, kScramSaltBytes> salt{};
  base::random_bytes(std::as_writable_bytes(std::span(salt)));
  return derive_scram_key(hash, password, {salt.data(), salt.size()}, iterations);
}

ScramKey fake_scram_key(ScramHash hash,
                        std::string_view server_secret,
                        std::string_view bare_jid,
                        std::uint32_t iterations) {
  RONDEL_CHECK(!server_secret.empty());
  // '|' can't stand in a hash's name, so no two users share the text that is hashed.
  const std::string user = std::string(to_text(hash)) + '|' + std::string(bare_jid);
  ScramKey key;
  key.hash = hash;
  key.iterations = iterations;
  key.salt = hmac(ScramHash::sha_256, server_secret, "salt|" + user).substr(0, kScramSaltBytes);
  key.stored_key = hmac(hash, server_secret, "stored|" + user);
  key.server_key = hmac(hash, server_secret, "server|" + user);
  key.is_fake = true;
  return key;
}

bool password_matches(const ScramKey& key, std::string_view password) {
  auto prepared = saslprep(password);
  const bool is_prepared = prepared.has_value() && !prepared->empty();
  std::string candidate = is_prepared ? std::move(*prepared) : std::string("\x7f");
  ScramKey derived;
  derived.hash = key.hash;
  derived.iterations = key.iterations;
  derived.salt = key.salt;
  fill_keys(derived, candidate);
  base::wipe(candidate);
  // Both operands are computed in every case: what is wrong must not show in the time.
  const bool is_equal = base::equal_constant_time(derived.stored_key, key.stored_key);
  return static_cast<bool>(static_cast<int>(is_equal) & static_cast<int>(is_prepared) &
                           static_cast<int>(!key.is_fake));
}

}  // namespace rondel::xmpp
