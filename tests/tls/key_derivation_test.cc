// Our derivations of TLS 1.3 give what OpenSSL's give, and OpenSSL takes ours.
#include "tls/key_derivation.h"

#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_buffer.h"
#include "tests/tls/test_pki.h"
#include "tls/context.h"
#include "tls/context_native.h"
#include "tls/derivation_algorithm.h"
#include "tls/handshake_provider.h"

namespace rondel::tls {
namespace {

using Bytes = std::vector<std::byte>;

Bytes from_hex(std::string_view digits) {
  Bytes bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(
        static_cast<std::byte>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

Bytes random_bytes(std::mt19937& random, std::size_t size) {
  Bytes bytes(size);
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(random());
  }
  return bytes;
}

const char* name_of(KeyHash hash) {
  return hash == KeyHash::sha256 ? "SHA2-256" : "SHA2-384";
}

/// What a provider's TLS13-KDF is asked.
struct Question {
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  std::string digest = "SHA2-256";
  std::optional<Bytes> key{}, salt{}, data{};
  std::string prefix = "tls13 ";
  std::string label = "derived";
  std::string extra{};  ///< The name of one more parameter.
};

std::vector<OSSL_PARAM> parameters_of(Question& question) {
  std::vector<OSSL_PARAM> list{
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &question.mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, question.digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, question.prefix.data(),
                                        question.prefix.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, question.label.data(),
                                        question.label.size())};
  const auto add = [&list](const char* name, std::optional<Bytes>& bytes) {
    if (bytes) {
      list.push_back(OSSL_PARAM_construct_octet_string(name, bytes->data(), bytes->size()));
    }
  };
  add(OSSL_KDF_PARAM_KEY, question.key);
  add(OSSL_KDF_PARAM_SALT, question.salt);
  add(OSSL_KDF_PARAM_DATA, question.data);
  if (!question.extra.empty()) {
    list.push_back(OSSL_PARAM_construct_octet_string(question.extra.data(), question.label.data(),
                                                     question.label.size()));
  }
  list.push_back(OSSL_PARAM_construct_end());
  return list;
}

class Kdf {
 public:
  explicit Kdf(const char* query) : kdf_(EVP_KDF_fetch(nullptr, "TLS13-KDF", query)) {}
  ~Kdf() { EVP_KDF_free(kdf_); }
  Kdf(const Kdf&) = delete;
  Kdf& operator=(const Kdf&) = delete;

  [[nodiscard]] std::string provider() const {
    return OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf_));
  }
  /// Absent if it refuses.
  [[nodiscard]] std::optional<Bytes> answer(Question question, std::size_t size) const {
    EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf_);
    const auto parameters = parameters_of(question);
    Bytes out(size);
    const int result = EVP_KDF_derive(context, reinterpret_cast<unsigned char*>(out.data()), size,
                                      parameters.data());
    EVP_KDF_CTX_free(context);
    return result == 1 ? std::optional(out) : std::nullopt;
  }
  [[nodiscard]] bool takes_parameters_before(Question question) const {
    EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf_);
    const int result = EVP_KDF_CTX_set_params(context, parameters_of(question).data());
    EVP_KDF_CTX_free(context);
    return result == 1;
  }

 private:
  EVP_KDF* kdf_;
};

class Derivation : public testing::Test {
 protected:
  Derivation() : ours_(handshake_property_query()), theirs_("provider=default") {}
  Kdf ours_;
  Kdf theirs_;
  std::mt19937 random_{1};
};

TEST(KeyDerivation, HmacIsThatOfOpensslForKeysOfEveryLength) {
  std::mt19937 random(1);
  for (const KeyHash hash : {KeyHash::sha256, KeyHash::sha384}) {
    for (std::size_t size = 1; size <= 300; ++size) {
      const Bytes key = random_bytes(random, size);
      const Bytes text = random_bytes(random, size % 97);
      std::array<unsigned char, EVP_MAX_MD_SIZE> expected;
      std::size_t expected_size = 0;
      ASSERT_NE(EVP_Q_mac(nullptr, "HMAC", nullptr, name_of(hash), nullptr, key.data(), key.size(),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          expected.data(), expected.size(), &expected_size),
                nullptr);
      std::array<std::byte, kHashBytesMax> mac{};
      const std::size_t half = text.size() / 2;
      hmac(hash, key, {std::span(text).first(half), std::span(text).subspan(half)}, mac);
      ASSERT_EQ(expected_size, hash_bytes(hash));
      ASSERT_EQ(std::memcmp(mac.data(), expected.data(), expected_size), 0) << size;
    }
  }
}

// RFC 8448 §3.
TEST_F(Derivation, GivesTheSecretsOfTheTraceInTheRfc) {
  const Bytes early = from_hex("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a");
  EXPECT_EQ(ours_.answer({.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY}, 32), early);
  Bytes derived(32);
  ASSERT_TRUE(try_expand_label(KeyHash::sha256, early, kLabelPrefix, "derived",
                               empty_hash(KeyHash::sha256), derived));
  EXPECT_EQ(derived, from_hex("6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba"));
}

TEST_F(Derivation, ExpandsAsOpensslDoes) {
  ASSERT_EQ(ours_.provider(), "rondel");
  ASSERT_EQ(theirs_.provider(), "default");
  for (const KeyHash hash : {KeyHash::sha256, KeyHash::sha384}) {
    for (std::size_t size = 1; size <= 300; ++size) {
      Question question{.digest = name_of(hash)};
      question.key = random_bytes(random_, hash_bytes(hash));
      question.label = std::string(1 + size % 239, 'l');
      if (size % 3 != 0) {
        question.data = random_bytes(random_, 1 + size % 64);
      }
      const auto expected = theirs_.answer(question, size);
      ASSERT_TRUE(expected);
      EXPECT_EQ(ours_.answer(question, size), expected) << size;
    }
  }
}

TEST_F(Derivation, GoesFromStageToStageAsOpensslDoes) {
  for (const KeyHash hash : {KeyHash::sha256, KeyHash::sha384}) {
    const std::size_t size = hash_bytes(hash);
    for (const std::size_t key : {0, 32, 48, 66, 129, 1024}) {  // x25519 to ffdhe8192; 0: none.
      for (const bool has_salt : {false, true}) {
        Question question{.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY, .digest = name_of(hash)};
        if (key != 0) {
          question.key = random_bytes(random_, key);
        }
        if (has_salt) {
          question.salt = random_bytes(random_, size);
        }
        const auto expected = theirs_.answer(question, size);
        ASSERT_TRUE(expected);
        EXPECT_EQ(ours_.answer(question, size), expected) << key << has_salt;
      }
    }
  }
}

TEST_F(Derivation, RefusesWhatItDoesNotUnderstandInsteadOfGuessing) {
  Question good;
  good.key = random_bytes(random_, 32);
  ASSERT_TRUE(ours_.answer(good, 32));
  Question question = good;
  question.digest = "SHA1";
  EXPECT_FALSE(ours_.answer(question, 32));
  question = good;
  question.mode = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
  EXPECT_FALSE(ours_.answer(question, 32));
  question = good;
  question.extra = OSSL_KDF_PARAM_INFO;
  EXPECT_FALSE(ours_.answer(question, 32));
  question = good;
  question.key.reset();
  EXPECT_FALSE(ours_.answer(question, 32));
  question = good;
  question.label = std::string(256, 'l');
  EXPECT_FALSE(ours_.answer(question, 32));
  question = good;
  question.data = Bytes(256);
  EXPECT_FALSE(ours_.answer(question, 32));
  EXPECT_FALSE(ours_.takes_parameters_before(good)) << "they would be forgotten";
  question.mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
  EXPECT_FALSE(ours_.answer(question, 31)) << "a secret of another length than the hash";
}

class Heard final : public SecretListener {
 public:
  void derived(std::string_view label, std::span<const std::byte> secret) override {
    labels.emplace_back(label);
    secrets.emplace_back(secret.begin(), secret.end());
  }
  std::vector<std::string> labels;
  std::vector<Bytes> secrets;
};

TEST_F(Derivation, TellsTrafficSecretsToTheListenerOfItsThreadAndToNobodyElse) {
  Question client{.label = "c ap traffic"};
  client.key = random_bytes(random_, 32);
  Question other = client;
  other.label = "s hs traffic";
  Heard outer;
  Heard inner;
  static_cast<void>(ours_.answer(client, 32));  // Nobody listens.
  {
    const ListeningToSecrets listening(&outer);
    {
      const ListeningToSecrets nobody(nullptr);
      static_cast<void>(ours_.answer(client, 32));
    }
    {
      const ListeningToSecrets nested(&inner);
      const auto secret = ours_.answer(client, 32);
      ASSERT_EQ(inner.secrets.size(), 1U);
      EXPECT_EQ(secret, inner.secrets[0]);
      static_cast<void>(ours_.answer(other, 32));
    }
    std::thread([&] { static_cast<void>(ours_.answer(client, 32)); }).join();
    EXPECT_TRUE(outer.labels.empty());
    static_cast<void>(ours_.answer(client, 32));
  }
  static_cast<void>(ours_.answer(client, 32));
  EXPECT_EQ(inner.labels, std::vector<std::string>{"c ap traffic"});
  EXPECT_EQ(outer.labels, std::vector<std::string>{"c ap traffic"});
}

TEST_F(Derivation, NobodyElseIsMovedToIt) {
  // What asks for nothing in particular, such as another library of the process, may get either;
  // what asks for OpenSSL's gets that, and OpenSSL's providers are still there.
  EXPECT_EQ(OSSL_PROVIDER_available(nullptr, "default"), 1);
  Question question;
  question.key = random_bytes(random_, 32);
  EXPECT_EQ(Kdf(nullptr).answer(question, 32), theirs_.answer(question, 32));
}

TEST(KeyDerivation, OpensslPrintsNoSecretsForUs) {
  TestPki pki;
  const auto contexts =
      TlsContexts::load(std::vector{pki.issue("one", {{"one.example"}})}, {}).value();
  EXPECT_EQ(SSL_CTX_get_keylog_callback(contexts->native().hosts.front().context.get()), nullptr);
}

}  // namespace
}  // namespace rondel::tls
