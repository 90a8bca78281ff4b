// OCSP responses: what load() takes and refuses, and that a client gets the bytes that it asks for.
#include <gmock/gmock.h>
#include <openssl/ocsp.h>

#include "base/clock.h"
#include "tests/tls/test_pki.h"
#include "tests/tls/tls_client.h"
#include "tls/context.h"

namespace rondel::tls {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// What the authority is to say.
struct Says {
  int status = V_OCSP_CERTSTATUS_GOOD;
  long from_minutes = -60;
  long until_minutes = 60;  ///< 0: no nextUpdate.
  const EVP_MD* id_digest = EVP_sha1();
};

class Ocsp : public testing::Test {
 protected:
  /// The intermediate's response about the certificate that was issued last.
  std::string respond(const Says& says) {
    OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
    OCSP_CERTID* id = OCSP_cert_to_id(says.id_digest, pki_.last(), pki_.intermediate());
    ASN1_TIME* revoked = ASN1_TIME_adj(nullptr, ::time(nullptr), -1, 0);
    ASN1_TIME* from = ASN1_TIME_adj(nullptr, ::time(nullptr), 0, says.from_minutes * 60);
    ASN1_TIME* until = ASN1_TIME_adj(nullptr, ::time(nullptr), 0, says.until_minutes * 60);
    EXPECT_NE(OCSP_basic_add1_status(basic, id, says.status, OCSP_REVOKED_STATUS_NOSTATUS,
                                     says.status == V_OCSP_CERTSTATUS_REVOKED ? revoked : nullptr,
                                     from, says.until_minutes == 0 ? nullptr : until),
              nullptr);
    EXPECT_EQ(OCSP_basic_sign(basic, pki_.intermediate(), pki_.intermediate_key(), EVP_sha256(),
                              nullptr, 0),
              1);
    const std::string der = encode(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    ASN1_TIME_free(revoked);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    return der;
  }

  static std::string encode(int status, OCSP_BASICRESP* basic) {
    OCSP_RESPONSE* response = OCSP_response_create(status, basic);
    unsigned char* data = nullptr;
    const int size = i2d_OCSP_RESPONSE(response, &data);
    const std::string der(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    OPENSSL_free(data);
    OCSP_RESPONSE_free(response);
    return der;
  }

  HostCertificate with(HostCertificate certificate, const std::string& der) const {
    certificate.ocsp_response_path = pki_.write("said.ocsp", der);
    return certificate;
  }

  static std::string refusal(const std::vector<HostCertificate>& hosts) {
    const auto result = TlsContexts::load(hosts, {});
    return result ? "taken" : result.error().message;
  }

  static std::shared_ptr<const TlsContexts> load_at_start(
      const std::vector<HostCertificate>& hosts) {
    TlsPolicy policy;
    policy.expired = ExpiredCertificate::warn;
    return TlsContexts::load(hosts, policy).value();
  }

  std::string stapled(const std::shared_ptr<const TlsContexts>& contexts, ClientOptions options) {
    options.trusted_root = pki_.root();
    Link link(contexts, options);
    EXPECT_EQ(link.pump(), Status::ok);
    EXPECT_TRUE(link.client.is_established()) << link.client.error();
    return link.client.stapled();
  }

  TestPki pki_;
};

TEST_F(Ocsp, AClientThatAsksGetsExactlyTheBytesAndAnotherNothing) {
  const HostCertificate one = pki_.issue("one", {{"one.example"}});
  const std::string der = respond({});
  const auto contexts = TlsContexts::load(std::vector{with(one, der)}, {}).value();
  EXPECT_TRUE(contexts->warnings().empty());
  for (const int version : {12, 13}) {
    ClientOptions options{.version = version, .sni = "one.example"};
    EXPECT_EQ(stapled(contexts, options), "");
    options.asks_for_status = true;
    EXPECT_EQ(stapled(contexts, options), der);
  }
}

TEST_F(Ocsp, TheResponseGoesWithItsOwnCertificateOfAnyHostOnly) {
  const HostCertificate first = pki_.issue("first", {{"first.example"}});
  const HostCertificate rsa = pki_.issue("rsa", {{"two.example"}, KeyKind::rsa_2048});
  const HostCertificate ec = pki_.issue("ec", {{"two.example"}});
  const std::string der = respond({});
  const auto contexts = TlsContexts::load(std::vector{first, with(ec, der), rsa}, {}).value();
  ClientOptions options{.version = 12, .sni = "two.example", .asks_for_status = true};
  options.ciphers12 = "ECDHE-ECDSA-AES128-GCM-SHA256";
  EXPECT_EQ(stapled(contexts, options), der);
  options.ciphers12 = "ECDHE-RSA-AES128-GCM-SHA256";
  EXPECT_EQ(stapled(contexts, options), "");
  options = {.version = 13, .sni = "two.example", .asks_for_status = true};
  options.signatures = "RSA-PSS+SHA256";
  EXPECT_EQ(stapled(contexts, options), "");
  options.signatures = "ECDSA+SHA256";
  EXPECT_EQ(stapled(contexts, options), der);
  options = {.version = 13, .sni = "first.example", .asks_for_status = true};
  EXPECT_EQ(stapled(contexts, options), "");
}

TEST_F(Ocsp, WhatIsNoSuccessfulResponseAboutTheCertificateIsRefusedInWords) {
  pki_.issue("other", {{"one.example"}});
  const std::string about_other = respond({});
  const HostCertificate one = pki_.issue("one", {{"one.example"}});
  const std::string good = respond({});
  const auto given = [&](const std::string& der) { return refusal({with(one, der)}); };
  EXPECT_EQ(given(good), "taken");
  EXPECT_THAT(given(""), AllOf(HasSubstr("said.ocsp"), HasSubstr("holds no OCSP response")));
  EXPECT_THAT(given("hello"), HasSubstr("holds no OCSP response"));
  EXPECT_THAT(given(good.substr(0, good.size() - 1)), HasSubstr("holds no OCSP response"));
  EXPECT_THAT(given(good + "x"), HasSubstr("holds no OCSP response"));
  EXPECT_THAT(given(pki_.read("one.crt")), HasSubstr("holds no OCSP response"));
  EXPECT_THAT(given(std::string(20'000, 'x')), HasSubstr("longer than 16384 bytes"));
  EXPECT_THAT(given(encode(OCSP_RESPONSE_STATUS_TRYLATER, nullptr)),
              AllOf(HasSubstr("refusal"), HasSubstr("trylater")));
  EXPECT_THAT(given(about_other),
              AllOf(HasSubstr("is not about certificate"), HasSubstr("one.crt")));
  HostCertificate missing = one;
  missing.ocsp_response_path = pki_.path("none.ocsp");
  EXPECT_THAT(refusal({missing}), AllOf(HasSubstr("none.ocsp"), HasSubstr("No such file")));
  // None of this is let pass at the start either.
  TlsPolicy lenient;
  lenient.expired = ExpiredCertificate::warn;
  EXPECT_FALSE(TlsContexts::load(std::vector{missing}, lenient).has_value());
}

TEST_F(Ocsp, TheCertificateMayBeNamedByAnyDigestAndTheEndBeOpen) {
  const HostCertificate one = pki_.issue("one", {{"one.example"}});
  EXPECT_EQ(refusal({with(one, respond({.id_digest = EVP_sha256()}))}), "taken");
  EXPECT_EQ(refusal({with(one, respond({.until_minutes = 0}))}), "taken");
}

TEST_F(Ocsp, AResponseOutsideItsDatesIsRefusedOnReloadAndWarnedAboutAndNotSentAtStart) {
  const HostCertificate one = pki_.issue("one", {{"one.example"}});
  const ClientOptions options{.sni = "one.example", .asks_for_status = true};
  const std::pair<Says, std::string> rows[] = {
      {{.from_minutes = -60, .until_minutes = -1}, "ended on 20"},
      {{.from_minutes = 30, .until_minutes = 60}, "is not valid before 20"},
  };
  for (const auto& [says, words] : rows) {
    const HostCertificate given = with(one, respond(says));
    EXPECT_THAT(refusal({given}), AllOf(HasSubstr("said.ocsp"), HasSubstr(words)));
    const auto contexts = load_at_start({given});
    EXPECT_THAT(contexts->warnings(), testing::ElementsAre(HasSubstr(words)));
    EXPECT_EQ(stapled(contexts, options), "");
  }
}

TEST_F(Ocsp, ARevokedCertificateStopsAReloadButItsClientsAreTold) {
  const HostCertificate one = pki_.issue("one", {{"one.example"}});
  for (const int status : {V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_UNKNOWN}) {
    const std::string der = respond({.status = status});
    EXPECT_THAT(refusal({with(one, der)}), AllOf(HasSubstr("one.crt"), HasSubstr("is revoked")));
    const auto contexts = load_at_start({with(one, der)});
    EXPECT_THAT(contexts->warnings(), testing::ElementsAre(HasSubstr("is revoked")));
    EXPECT_EQ(stapled(contexts, {.sni = "one.example", .asks_for_status = true}), der);
  }
}

TEST_F(Ocsp, AResponseThatEndsWhileItServesIsReported) {
  const HostCertificate one = pki_.issue("one", {{"one.example"}});
  const auto contexts = TlsContexts::load(std::vector{with(one, respond({}))}, {}).value();
  const auto now = base::wall_clock_now();
  EXPECT_TRUE(contexts->ocsp_notices(now).empty());
  EXPECT_TRUE(contexts->ocsp_notices(now + std::chrono::minutes(59)).empty());
  EXPECT_THAT(contexts->ocsp_notices(now + std::chrono::minutes(61)),
              testing::ElementsAre(HasSubstr("said.ocsp")));
}

}  // namespace
}  // namespace rondel::tls
