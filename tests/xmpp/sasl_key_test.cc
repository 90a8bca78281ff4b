#include <gtest/gtest.h>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "xmpp/sasl/scram_key.h"

namespace rondel::xmpp {
namespace {

constexpr std::uint32_t kIterations = 4096;

TEST(ScramKey, IsDerivedAsByOtherImplementations) {
  struct Known {
    ScramHash hash;
    std::string_view salt;
    std::string_view stored_key;
    std::string_view server_key;
  };
  // Computed with Python's hashlib for the password "pencil".
  const std::vector<Known> table{
      {ScramHash::sha_1, "QSXCR+Q6sek8bf92", "e9d94660c39d65c38fbad91c358f14da0eef2bd6",
       "0fe09258b3ac852ba502cc62ba903eaacdbf7d31"},
      {ScramHash::sha_256, "W22ZaJ0SNY7soEsUEjb6gQ==",
       "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6",
       "c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5"},
      {ScramHash::sha_512, "W22ZaJ0SNY7soEsUEjb6gQ==",
       "e8002e6f7d3ae446119b216933644dc2a2be7869eb918b8459b5e7d7d2ec1260"
       "6aceef106825cd735170a675fd3611f684affad1dce3f43a0ee43bd590e1dbbe",
       "8d91db6230b5687874fe129bc7206e1858c3ae08e02934f57ac03b6b05a229c4"
       "59d28ff46f5c9611e6c179256490215ec1ff759cb0df285db89af0f99e613aac"},
  };
  for (const Known& known : table) {
    SCOPED_TRACE(to_text(known.hash));
    const std::string salt = base::base64_decode(known.salt).value();
    const auto key = derive_scram_key(known.hash, "pencil", salt, kIterations);
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(base::hex_encode(key->stored_key), known.stored_key);
    EXPECT_EQ(base::hex_encode(key->server_key), known.server_key);
    EXPECT_EQ(key->salt, salt);
    EXPECT_EQ(key->iterations, kIterations);
    EXPECT_FALSE(key->is_fake);
    EXPECT_EQ(key->stored_key.size(), digest_bytes(known.hash));
  }
}

TEST(ScramKey, PreparesThePassword) {
  // "pässwortIX" with 5000 iterations, computed with Python's hashlib.
  const auto key =
      derive_scram_key(ScramHash::sha_256, "p\u00e4ss\u00adwort\u2168", "0123456789abcdef", 5000);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(base::hex_encode(key->stored_key),
            "81db55c618711b9e5415836489ea46d19ee753a1be837e87605df1e7f16b2d26");
}

TEST(ScramKey, RefusesPasswordsThatCannotBePrepared) {
  for (const std::string& password : {std::string(), std::string("a\0b", 3), std::string("\x07"),
                                      std::string("\xff"), std::string("\u00ad")}) {
    const auto key = derive_scram_key(ScramHash::sha_256, password, "salt", kIterations);
    ASSERT_FALSE(key.has_value());
    EXPECT_EQ(key.error(), SaslFailure::malformed_request);
  }
}

TEST(ScramKey, TakesAFreshSaltForEachNewKey) {
  const ScramKey one = make_scram_key(ScramHash::sha_1, "pencil", kIterations).value();
  const ScramKey other = make_scram_key(ScramHash::sha_1, "pencil", kIterations).value();
  EXPECT_EQ(one.salt.size(), kScramSaltBytes);
  EXPECT_NE(one.salt, other.salt);
  EXPECT_NE(one.stored_key, other.stored_key);
}

TEST(ScramKey, IsCopiedMovedAndAssigned) {
  const ScramKey key = make_scram_key(ScramHash::sha_512, "pencil", kIterations).value();
  ScramKey copy = key;
  EXPECT_EQ(copy.stored_key, key.stored_key);
  ScramKey assigned;
  assigned = key;
  EXPECT_EQ(assigned.server_key, key.server_key);
  ScramKey moved = std::move(copy);
  EXPECT_EQ(moved.stored_key, key.stored_key);
  assigned = ScramKey();
  EXPECT_EQ(assigned.stored_key, "");
  assigned = std::move(moved);
  EXPECT_EQ(assigned.hash, ScramHash::sha_512);
  EXPECT_EQ(assigned.salt, key.salt);
  static_assert(std::is_nothrow_move_constructible_v<ScramKey>);
}

TEST(FakeScramKey, IsTheSameForTheSameUserAndLooksLikeARealOne) {
  const ScramKey fake = fake_scram_key(ScramHash::sha_256, "secret", "a@example.org", 10'000);
  const ScramKey again = fake_scram_key(ScramHash::sha_256, "secret", "a@example.org", 10'000);
  EXPECT_EQ(fake.salt, again.salt);
  EXPECT_EQ(fake.salt.size(), kScramSaltBytes);
  EXPECT_EQ(fake.iterations, 10'000u);
  EXPECT_EQ(fake.stored_key.size(), digest_bytes(ScramHash::sha_256));
  EXPECT_TRUE(fake.is_fake);
}

TEST(FakeScramKey, DiffersByUserHashAndSecret) {
  std::set<std::string> salts;
  for (const ScramHash hash : {ScramHash::sha_1, ScramHash::sha_256, ScramHash::sha_512}) {
    for (const std::string_view user : {"a@example.org", "b@example.org"}) {
      for (const std::string_view secret : {"one", "two"}) {
        salts.insert(fake_scram_key(hash, secret, user, kIterations).salt);
      }
    }
  }
  EXPECT_EQ(salts.size(), 12u);
}

TEST(PasswordMatches, TellsTheRightPasswordFromOthers) {
  const ScramKey key = make_scram_key(ScramHash::sha_256, "p\u00e4sswortIX", kIterations).value();
  EXPECT_TRUE(password_matches(key, "p\u00e4sswortIX"));
  EXPECT_TRUE(password_matches(key, "p\u00e4sswort\u2168"));
  EXPECT_FALSE(password_matches(key, "p\u00e4sswortix"));
  EXPECT_FALSE(password_matches(key, ""));
  EXPECT_FALSE(password_matches(key, "\xff"));
  EXPECT_FALSE(password_matches(key, std::string("p\u00e4sswortIX\0", 12)));
}

TEST(PasswordMatches, NeverFitsAFakeKey) {
  ScramKey key = make_scram_key(ScramHash::sha_256, "pencil", kIterations).value();
  key.is_fake = true;
  EXPECT_FALSE(password_matches(key, "pencil"));
  // Nor the placeholder that stands for a password which can't be prepared.
  EXPECT_FALSE(
      password_matches(make_scram_key(ScramHash::sha_256, "x", kIterations).value(), "\x7f"));
}

TEST(ScramMechanism, IsTakenApartByName) {
  const std::vector<std::pair<std::string_view, ScramMechanism>> table{
      {"SCRAM-SHA-1", {ScramHash::sha_1, false}},
      {"SCRAM-SHA-1-PLUS", {ScramHash::sha_1, true}},
      {"SCRAM-SHA-256", {ScramHash::sha_256, false}},
      {"SCRAM-SHA-256-PLUS", {ScramHash::sha_256, true}},
      {"SCRAM-SHA-512", {ScramHash::sha_512, false}},
      {"SCRAM-SHA-512-PLUS", {ScramHash::sha_512, true}},
  };
  for (const auto& [name, mechanism] : table) {
    EXPECT_EQ(parse_scram_mechanism(name), mechanism) << name;
    EXPECT_EQ(mechanism_name(mechanism), name);
    EXPECT_EQ(parse_scram_hash(to_text(mechanism.hash)), mechanism.hash);
  }
  for (const std::string_view name : {"", "PLAIN", "SCRAM-SHA-2", "scram-sha-1", "SCRAM-SHA-1-plus",
                                      "SCRAM-SHA-256-PLUS-PLUS", "SCRAM-SHA-224"}) {
    EXPECT_FALSE(parse_scram_mechanism(name).has_value()) << name;
    EXPECT_FALSE(parse_scram_hash(name).has_value()) << name;
  }
}

TEST(SaslOffer, KnowsWhatIsInIt) {
  const SaslOffer offer{{"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"}, {ChannelBindingType::tls_exporter}};
  EXPECT_TRUE(offer.has_mechanism("SCRAM-SHA-1"));
  EXPECT_FALSE(offer.has_mechanism("PLAIN"));
  EXPECT_TRUE(offer.has_plus());
  EXPECT_TRUE(offer.has_channel_binding(ChannelBindingType::tls_exporter));
  EXPECT_FALSE(offer.has_channel_binding(ChannelBindingType::tls_unique));
  EXPECT_FALSE((SaslOffer{{"PLAIN", "X-PLUSSED"}, {}}).has_plus());
}

TEST(ChannelBindingType, HasItsRegisteredName) {
  for (const std::string_view name : {"tls-exporter", "tls-server-end-point", "tls-unique"}) {
    EXPECT_EQ(to_text(parse_channel_binding_type(name).value()), name);
  }
  for (const std::string_view name : {"", "tls", "tls-exporter2", "TLS-Exporter"}) {
    EXPECT_FALSE(parse_channel_binding_type(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace rondel::xmpp
