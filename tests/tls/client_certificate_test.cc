// Client certificates: what each is worth, what is read from it, and that no session carries one
// on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509.h>

#include "tests/tls/test_pki.h"
#include "tests/tls/tls_client.h"
#include "tls/client_trust.h"
#include "tls/context.h"

namespace rondel::tls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kXmppAddr = "otherName:1.3.6.1.5.5.7.8.5;";

Wanted romeo() {
  return {.names = {"romeo"}, .alternative_names = kXmppAddr + "UTF8:romeo@one.example"};
}

std::string der_of(x509_st* certificate) {
  unsigned char* data = nullptr;
  const int size = i2d_X509(certificate, &data);
  std::string der(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return der;
}

// --- What is read
// ------------------------------------------------------------------------------------------------

class Names : public testing::Test {
 protected:
  ClientCertificate read(const Wanted& wanted) {
    pki_.issue("read", wanted);
    return read_client_certificate(*pki_.last());
  }
  ClientCertificate read_alternatives(const std::string& names) {
    return read({.names = {"romeo"}, .alternative_names = names});
  }
  ClientCertificate read_subject(std::vector<std::pair<std::string, std::string>> subject) {
    return read({.names = {"romeo"}, .subject = std::move(subject)});
  }
  TestPki pki_;
};

TEST_F(Names, EachKindIsReadWithoutRepetitionAndInOrder) {
  const auto read = read_alternatives(
      kXmppAddr + "UTF8:romeo@one.example," + kXmppAddr + "UTF8:romeo@two.example," + kXmppAddr +
      "UTF8:romeo@one.example,email:romeo@mail.example,DNS:a.example");
  EXPECT_THAT(read.xmpp_addresses, ElementsAre("romeo@one.example", "romeo@two.example"));
  EXPECT_THAT(read.emails, ElementsAre("romeo@mail.example"));
  EXPECT_EQ(read.common_name, "romeo");
  EXPECT_THAT(read.fingerprint, testing::MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(read.fingerprint.size(), 64U);
}

TEST_F(Names, AnAddressOfAnotherTypeThanUtf8StringIsNone) {
  EXPECT_THAT(read_alternatives(kXmppAddr + "IA5:romeo@one.example").xmpp_addresses, IsEmpty());
  EXPECT_THAT(read_alternatives(kXmppAddr + "OCT:romeo@one.example").xmpp_addresses, IsEmpty());
}

TEST_F(Names, AnotherOidIsNoAddress) {
  // The user principal name of a directory, and id-on-dnsSRV.
  EXPECT_THAT(
      read_alternatives("otherName:1.3.6.1.4.1.311.20.2.3;UTF8:romeo@one.example").xmpp_addresses,
      IsEmpty());
  EXPECT_THAT(
      read_alternatives("otherName:1.3.6.1.5.5.7.8.7;UTF8:romeo@one.example").xmpp_addresses,
      IsEmpty());
}

TEST_F(Names, ANameWithANulOrAControlCharacterIsNone) {
  const auto read_raw = [this](std::string_view bytes) {
    return read({.names = {"romeo"}, .raw_xmpp_address = std::string(bytes)}).xmpp_addresses;
  };
  EXPECT_THAT(read_raw("romeo@one.example"), ElementsAre("romeo@one.example"));
  EXPECT_THAT(read_raw(std::string_view("romeo@one.example\0.evil.example", 31)), IsEmpty());
  EXPECT_THAT(read_raw(std::string_view("romeo@one.example\0", 18)), IsEmpty());
  EXPECT_THAT(read_raw("romeo\n@one.example"), IsEmpty());
  EXPECT_EQ(read_subject({{"CN", std::string("romeo\0juliet", 12)}}).common_name, "");
  EXPECT_EQ(read_subject({{"CN", "romeo\n"}}).common_name, "");
}

TEST_F(Names, SeveralCommonNamesAreNone) {
  EXPECT_EQ(read_subject({{"CN", "romeo"}, {"CN", "juliet"}}).common_name, "");
  EXPECT_EQ(read_subject({{"CN", "romeo"}, {"+CN", "juliet"}}).common_name, "");
  EXPECT_EQ(read_subject({{"CN", "romeo"}, {"O", "Verona"}, {"CN", "romeo"}}).common_name, "");
}

TEST_F(Names, ACommonNameInsideTheTextOfAnotherAttributeIsNone) {
  EXPECT_EQ(read_subject({{"O", "x,CN=juliet"}}).common_name, "");
  EXPECT_EQ(read_subject({{"O", "x/CN=juliet"}, {"CN", "romeo"}}).common_name, "romeo");
  EXPECT_EQ(read_subject({{"O", "x"}, {"+OU", "CN=juliet"}}).common_name, "");
  EXPECT_EQ(read_subject({{"CN", "romeo,CN=juliet"}}).common_name, "romeo,CN=juliet");
}

TEST_F(Names, AnEmailNeedsOneAtBetweenTwoParts) {
  EXPECT_THAT(read_alternatives("email:romeo").emails, IsEmpty());
  EXPECT_THAT(read_alternatives("email:@mail.example").emails, IsEmpty());
  EXPECT_THAT(read_alternatives("email:romeo@").emails, IsEmpty());
  EXPECT_THAT(read_alternatives("email:a@b@c").emails, IsEmpty());
}

TEST_F(Names, MoreNamesThanAnybodyHasAreNotKept) {
  std::string many;
  for (std::size_t i = 0; i < kCertificateNamesMax + 5; ++i) {
    many += (many.empty() ? "" : ",") + kXmppAddr + "UTF8:u" + std::to_string(i) + "@one.example";
  }
  EXPECT_EQ(read_alternatives(many).xmpp_addresses.size(), kCertificateNamesMax);
  EXPECT_THAT(
      read_alternatives(kXmppAddr + "UTF8:" + std::string(kCertificateNameBytesMax + 1, 'a'))
          .xmpp_addresses,
      IsEmpty());
}

TEST_F(Names, OnlyOneWholeCertificateInDerIsRead) {
  pki_.issue("read", romeo());
  const std::string der = der_of(pki_.last());
  ASSERT_TRUE(read_client_certificate(der).has_value());
  EXPECT_THAT(read_client_certificate(der)->xmpp_addresses, ElementsAre("romeo@one.example"));
  EXPECT_FALSE(read_client_certificate(der + "x").has_value());
  EXPECT_FALSE(read_client_certificate(der.substr(0, der.size() - 1)).has_value());
  EXPECT_FALSE(read_client_certificate(std::string_view()).has_value());
  EXPECT_FALSE(read_client_certificate("-----BEGIN CERTIFICATE-----").has_value());
}

// --- What a handshake finds
// ---------------------------------------------------------------------------------------

class Handshake : public testing::TestWithParam<int> {
 protected:
  Handshake()
      : contexts_(
            TlsContexts::load(std::vector{pki_.issue("host", {{"one.example"}})}, {}).value()) {
    client_.version = GetParam();
    client_.sni = "one.example";
    trust();
  }
  void trust(const std::string& revocations = {}) {
    trust_ = ClientTrust::load(pki_.root_file(), revocations, ExpiredCertificate::warn).value();
  }
  void show(const HostCertificate& certificate) {
    client_.certificate_path = certificate.certificate_path;
    client_.key_path = certificate.key_path;
  }
  /// Shakes hands, which must work, and exchanges bytes both ways.
  std::optional<ClientCertificate> shake(Records records = Records::automatic) {
    AcceptOptions options;
    options.records = records;
    options.client_trust = trust_;
    Link link(contexts_, client_, options);
    EXPECT_EQ(link.pump(), Status::ok) << link.channel->failure().text;
    EXPECT_TRUE(link.channel->is_established());
    EXPECT_TRUE(link.client.is_established()) << link.client.error();
    link.client.send("hello");
    EXPECT_EQ(link.pump(), Status::ok);
    EXPECT_EQ(link.plain.text(), "hello");
    link.server_send("welcome");
    link.pump();
    EXPECT_EQ(link.client.plain(), "welcome");
    is_resumed_ = link.channel->info().is_resumed;
    tickets_ = link.client.tickets();
    session_ = GetParam() == 12 || tickets_ > 0 ? link.client.session() : nullptr;
    const ClientCertificate* shown = link.channel->client_certificate();
    auto result = shown != nullptr ? std::optional(*shown) : std::nullopt;
    link.channel->forget_bindings();
    EXPECT_EQ(link.channel->client_certificate(), nullptr);
    return result;
  }
  CertificateTrust shake_with(const Wanted& wanted) {
    show(pki_.issue("client", wanted));
    const auto shown = shake();
    EXPECT_TRUE(shown);
    EXPECT_EQ(shown->reason.empty(), shown->trust == CertificateTrust::verified);
    return shown ? shown->trust : CertificateTrust::refused;
  }

  TestPki pki_;
  std::shared_ptr<const TlsContexts> contexts_;
  std::shared_ptr<const ClientTrust> trust_;
  ClientOptions client_;
  bool is_resumed_ = false;
  std::size_t tickets_ = 0;
  SessionPtr session_;
};
INSTANTIATE_TEST_SUITE_P(Tls, Handshake, testing::Values(12, 13), [](const auto& version) {
  return std::to_string(version.param);
});

TEST_P(Handshake, ACertificateOfATrustedAuthorityIsVerifiedWithEachEngine) {
  show(pki_.issue("client", romeo()));
  for (const Records records : {Records::compact, Records::retained}) {
    const auto shown = shake(records);
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->trust, CertificateTrust::verified) << shown->reason;
    EXPECT_THAT(shown->xmpp_addresses, ElementsAre("romeo@one.example"));
    EXPECT_LT(shown->valid_until, std::chrono::system_clock::now() + std::chrono::hours(24 * 366));
  }
}

TEST_P(Handshake, AClientWithoutACertificateGoesOnWithoutOne) {
  EXPECT_FALSE(shake());
}

TEST_P(Handshake, NobodyIsAskedWhereNothingIsTrusted) {
  show(pki_.issue("client", romeo()));
  trust_.reset();
  EXPECT_FALSE(shake());
}

TEST_P(Handshake, ABadCertificateIsNamedAndTheHandshakeGoesOn) {
  Wanted expired = romeo();
  expired.valid_from_days = -20;
  expired.valid_until_days = -1;
  EXPECT_EQ(shake_with(expired), CertificateTrust::out_of_date);
  Wanted early = romeo();
  early.valid_from_days = 2;
  EXPECT_EQ(shake_with(early), CertificateTrust::out_of_date);
  Wanted self_signed = romeo();
  self_signed.is_self_signed = true;
  EXPECT_EQ(shake_with(self_signed), CertificateTrust::unknown_issuer);
  self_signed.valid_from_days = -20;
  self_signed.valid_until_days = -1;
  EXPECT_EQ(shake_with(self_signed), CertificateTrust::out_of_date);
  Wanted server_only = romeo();
  server_only.usage = "serverAuth";
  EXPECT_EQ(shake_with(server_only), CertificateTrust::refused);
  Wanted client_only = romeo();
  client_only.usage = "clientAuth";
  EXPECT_EQ(shake_with(client_only), CertificateTrust::verified);
}

TEST_P(Handshake, AForeignAuthorityIsUnknownAlsoIfItHasTheSameNames) {
  TestPki foreign;
  show(foreign.issue("client", romeo()));
  const auto shown = shake();
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->trust, CertificateTrust::unknown_issuer);
}

TEST_P(Handshake, ARevokedCertificateIsRevokedAndOthersAreNot) {
  const HostCertificate good = pki_.issue("good", romeo());
  const HostCertificate bad = pki_.issue("bad", romeo());
  trust(pki_.revoke("list.pem", {pki_.last()}));
  show(bad);
  EXPECT_EQ(shake()->trust, CertificateTrust::revoked);
  show(good);
  EXPECT_EQ(shake()->trust, CertificateTrust::verified);
}

TEST_P(Handshake, ARevokedIntermediateTakesItsCertificatesAlong) {
  show(pki_.issue("client", romeo()));
  pki_.revoke("leaf.pem", {});
  pki_.revoke("above.pem", {pki_.intermediate()}, 30, true);
  trust(pki_.write("lists.pem", pki_.read("leaf.pem") + pki_.read("above.pem")));
  EXPECT_EQ(shake()->trust, CertificateTrust::revoked);
}

TEST_P(Handshake, WithoutACurrentListOfItsIssuerACertificateIsRefused) {
  show(pki_.issue("client", romeo()));
  trust(pki_.revoke("list.pem", {}, 30, true));  // Of the root only.
  EXPECT_EQ(shake()->trust, CertificateTrust::refused);
  trust(pki_.revoke("list.pem", {}, -1));
  EXPECT_EQ(shake()->trust, CertificateTrust::refused);
}

TEST_P(Handshake, ASessionWithACertificateIsNotResumedAndAChangeOfTrustHoldsAtOnce) {
  show(pki_.issue("client", romeo()));
  ASSERT_EQ(shake()->trust, CertificateTrust::verified);
  EXPECT_EQ(tickets_, 0U);
  client_.session = session_.get();
  const SessionPtr kept = std::move(session_);
  EXPECT_EQ(shake()->trust, CertificateTrust::verified);
  EXPECT_FALSE(is_resumed_);
  trust(pki_.revoke("list.pem", {pki_.last()}));
  EXPECT_EQ(shake()->trust, CertificateTrust::revoked);
  EXPECT_FALSE(is_resumed_);
}

TEST_P(Handshake, ASessionWithoutACertificateIsResumedAndStaysWithoutOne) {
  EXPECT_FALSE(shake());
  const SessionPtr kept = std::move(session_);
  client_.session = kept.get();
  show(pki_.issue("client", romeo()));
  EXPECT_FALSE(shake());
  EXPECT_TRUE(is_resumed_);
}

TEST_P(Handshake, ASessionOfAnInterfaceThatAskedNobodyIsNotResumedWhereCertificatesAreAskedFor) {
  const auto trusted = trust_;
  trust_.reset();
  EXPECT_FALSE(shake());
  const SessionPtr kept = std::move(session_);
  client_.session = kept.get();
  show(pki_.issue("client", romeo()));
  trust_ = trusted;
  const auto shown = shake();
  ASSERT_TRUE(shown);
  EXPECT_FALSE(is_resumed_);
  EXPECT_EQ(shown->trust, CertificateTrust::verified);
}

TEST_P(Handshake, AChainOfMoreBytesThanItsBoundEndsTheHandshake) {
  const HostCertificate made = pki_.issue("client", romeo());
  std::string chain = pki_.read("client.crt");
  const std::string intermediate = chain.substr(chain.rfind("-----BEGIN"));
  while (chain.size() < 2 * kClientCertificateBytesMax) {
    chain += intermediate;
  }
  pki_.write("client.crt", chain);
  show(made);
  AcceptOptions options;
  options.client_trust = trust_;
  Link link(contexts_, client_, options);
  EXPECT_EQ(link.pump(), Status::failed);
}

// --- Files
// -------------------------------------------------------------------------------------------------------

class Files : public testing::Test {
 protected:
  std::string fault(const std::string& authorities,
                    const std::string& revocations,
                    ExpiredCertificate expired = ExpiredCertificate::refuse) {
    auto loaded = ClientTrust::load(authorities, revocations, expired);
    return loaded ? std::string() : loaded.error().message;
  }
  TestPki pki_;
};

TEST_F(Files, AFileThatIsMissingEmptyOrBrokenIsNamed) {
  EXPECT_THAT(fault(pki_.path("none.crt"), {}), HasSubstr("cannot open"));
  EXPECT_THAT(fault(pki_.write("empty", ""), {}), HasSubstr("holds no certificate"));
  EXPECT_THAT(fault(pki_.root_file(), pki_.path("none.pem")), HasSubstr("cannot open"));
  EXPECT_THAT(fault(pki_.root_file(), pki_.write("empty", "")), HasSubstr("no revocation list"));
  pki_.revoke("list.pem", {});
  std::string broken = pki_.read("list.pem");
  broken[broken.size() / 2] = '!';
  EXPECT_THAT(fault(pki_.root_file(), pki_.write("broken", broken)), HasSubstr("broken"));
}

TEST_F(Files, AListThatEndedStopsAReloadAndIsWarnedOfAtTheStart) {
  const std::string list = pki_.revoke("list.pem", {}, -1);
  EXPECT_THAT(fault(pki_.root_file(), list), HasSubstr("ended on"));
  const auto loaded = ClientTrust::load(pki_.root_file(), list, ExpiredCertificate::warn);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_THAT((*loaded)->notices(std::chrono::system_clock::now(), 14),
              ElementsAre(HasSubstr("ended on")));
}

TEST_F(Files, AListThatItsAuthorityHasNotSignedIsRefused) {
  pki_.revoke("list.pem", {}, 30, true);
  std::string list = pki_.read("list.pem");
  // Within the last bytes, which are the signature's.
  char& digit = list[list.rfind("\n-----END") - 10];
  digit = digit == 'A' ? 'B' : 'A';
  EXPECT_THAT(fault(pki_.root_file(), pki_.write("forged.pem", list)), HasSubstr("not signed"));
  TestPki other;
  EXPECT_EQ(fault(pki_.root_file(), other.revoke("list.pem", {}, 30, true)), "");  // No matter.
}

}  // namespace
}  // namespace rondel::tls
