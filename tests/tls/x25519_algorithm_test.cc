// Held against OpenSSL's own keys, and RFC 7748.
#include "tls/x25519_algorithm.h"

#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <optional>
#include <set>
#include <string>

#include "base/encoding.h"
#include "tls/handshake_provider.h"
#include "tls/openssl_handle.h"

namespace rondel::tls {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Context = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;
using Half = std::array<unsigned char, 32>;

constexpr const char* kTheirs = "provider=default";

Key generated(const char* query) {
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, "X25519", query), &EVP_PKEY_CTX_free);
  EVP_PKEY* made = nullptr;
  EXPECT_EQ(EVP_PKEY_keygen_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_keygen(context.get(), &made), 1);
  return {made, &EVP_PKEY_free};
}

Key from_private(const Half& secret, const char* query) {
  return {EVP_PKEY_new_raw_private_key_ex(nullptr, "X25519", query, secret.data(), secret.size()),
          &EVP_PKEY_free};
}
Key from_public(const Half& open, const char* query) {
  return {EVP_PKEY_new_raw_public_key_ex(nullptr, "X25519", query, open.data(), open.size()),
          &EVP_PKEY_free};
}

Half private_half(const Key& key) {
  Half half{};
  std::size_t size = half.size();
  EXPECT_EQ(EVP_PKEY_get_raw_private_key(key.get(), half.data(), &size), 1);
  return half;
}
Half public_half(const Key& key) {
  Half half{};
  std::size_t size = half.size();
  EXPECT_EQ(EVP_PKEY_get_raw_public_key(key.get(), half.data(), &size), 1);
  return half;
}

std::optional<Half> secret_of(const Key& mine, const Key& peer, const char* query) {
  const Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, mine.get(), query), &EVP_PKEY_CTX_free);
  Half secret{};
  std::size_t size = secret.size();
  return EVP_PKEY_derive_init(context.get()) == 1 &&
                 EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1 &&
                 EVP_PKEY_derive(context.get(), secret.data(), &size) == 1 && size == secret.size()
             ? std::optional(secret)
             : std::nullopt;
}

Half half_of(std::string_view hex) {
  Half half{};
  for (std::size_t i = 0; i < half.size(); ++i) {
    half[i] = static_cast<unsigned char>(std::stoi(std::string(hex.substr(2 * i, 2)), nullptr, 16));
  }
  return half;
}

class X25519 : public testing::Test {
 protected:
  const char* ours_ = handshake_property_query();
};

TEST_F(X25519, KeysAreMadeByUsAndTheirPublicHalfIsTheOneThatOpensslComputes) {
  std::set<Half> seen;
  for (int i = 0; i < 500; ++i) {
    const Key key = generated(ours_);
    ASSERT_NE(key, nullptr);
    ASSERT_STREQ(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key.get())), "rondel");
    const Half secret = private_half(key);
    EXPECT_TRUE(seen.insert(secret).second) << "the same key twice";
    EXPECT_EQ(secret.front() & 7, 0);
    EXPECT_EQ(secret.back() & 0xc0, 0x40);
    EXPECT_EQ(public_half(key), public_half(from_private(secret, kTheirs)));
  }
}

TEST_F(X25519, BothSidesComeToTheSameSecretWhoeverMadeTheKeys) {
  for (int i = 0; i < 50; ++i) {
    const Key mine = generated(ours_);
    const Key peer = generated(kTheirs);
    const auto here = secret_of(mine, from_public(public_half(peer), ours_), ours_);
    ASSERT_TRUE(here);
    EXPECT_EQ(here, secret_of(peer, from_public(public_half(mine), kTheirs), kTheirs));
  }
}

// RFC 7748 §6.1.
TEST_F(X25519, ExchangesTheSecretOfTheRfc) {
  const Key alice = from_private(
      half_of("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"), ours_);
  const Half bob = half_of("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  ASSERT_NE(alice, nullptr);
  EXPECT_EQ(public_half(alice),
            half_of("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
  EXPECT_EQ(secret_of(alice, from_public(bob, ours_), ours_),
            half_of("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"));
}

// RFC 7748 §6.1: a point of small order would make a secret that everybody knows.
TEST_F(X25519, RefusesAPeerWhosePointGivesNoSecret) {
  const Key mine = generated(ours_);
  for (const unsigned char first : {0, 1}) {
    Half small{};
    small[0] = first;
    EXPECT_FALSE(secret_of(mine, from_public(small, ours_), ours_)) << int{first};
  }
}

TEST_F(X25519, AKeyForAnotherGroupIsRefused) {
  for (const char* group : {"X25519", "x25519"}) {
    const Context context(EVP_PKEY_CTX_new_from_name(nullptr, "X25519", ours_), &EVP_PKEY_CTX_free);
    ASSERT_EQ(EVP_PKEY_keygen_init(context.get()), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_group_name(context.get(), group), 1);
  }
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, "X25519", ours_), &EVP_PKEY_CTX_free);
  ASSERT_EQ(EVP_PKEY_keygen_init(context.get()), 1);
  EXPECT_NE(EVP_PKEY_CTX_set_group_name(context.get(), "X448"), 1);
}

TEST_F(X25519, ParametersAloneMakeAnEmptyKeyThatTakesThePeersHalf) {
  // What libssl does with the share that a client sends.
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, "X25519", ours_), &EVP_PKEY_CTX_free);
  EVP_PKEY* made = nullptr;
  ASSERT_EQ(EVP_PKEY_paramgen_init(context.get()), 1);
  ASSERT_EQ(EVP_PKEY_paramgen(context.get(), &made), 1);
  const Key empty(made, &EVP_PKEY_free);
  const Half open = public_half(generated(kTheirs));
  EXPECT_NE(EVP_PKEY_set1_encoded_public_key(empty.get(), open.data(), open.size() - 1), 1);
  ASSERT_EQ(EVP_PKEY_set1_encoded_public_key(empty.get(), open.data(), open.size()), 1);
  EXPECT_EQ(public_half(empty), open);
}

TEST_F(X25519, StaysAGroupOfBothVersionsOfTls) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const OpensslPtr<ssl_ctx_st> context(SSL_CTX_new_ex(nullptr, ours_, TLS_server_method()));
    ASSERT_NE(context, nullptr);
    ASSERT_EQ(SSL_CTX_set_min_proto_version(context.get(), version), 1);
    EXPECT_EQ(SSL_CTX_ctrl(context.get(), SSL_CTRL_SET_GROUPS_LIST, 0,
                           const_cast<char*>("X25519:P-256:P-384")),
              1);
  }
}

}  // namespace
}  // namespace rondel::tls
