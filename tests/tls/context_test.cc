// What load() takes, what it refuses, and how it says so.
#include "tls/context.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "tests/tls/test_pki.h"

namespace rondel::tls {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ContextLoad : public testing::Test {
 protected:
  std::string refusal(const std::vector<HostCertificate>& hosts, const TlsPolicy& policy = {}) {
    const auto result = TlsContexts::load(hosts, policy);
    EXPECT_FALSE(result.has_value());
    return result ? "" : result.error().message;
  }
  std::string warnings(const std::vector<HostCertificate>& hosts, const TlsPolicy& policy = {}) {
    const auto result = TlsContexts::load(hosts, policy);
    EXPECT_TRUE(result.has_value()) << result.error().message;
    std::string text;
    for (const std::string& warning : (*result)->warnings()) {
      text += warning + "\n";
    }
    return text;
  }

  TestPki pki_;
};

TEST_F(ContextLoad, AGoodPairGivesNoWarning) {
  EXPECT_EQ(warnings({pki_.issue("one", {{"one.example"}})}), "");
}

TEST_F(ContextLoad, TheFactsOfEveryCertificateAreKept) {
  const auto contexts =
      TlsContexts::load(std::vector{pki_.issue("one", {{"one.example", "*.ONE.example"}}),
                                    pki_.issue("two", {{"two.example"}, KeyKind::rsa_2048})},
                        {})
          .value();
  ASSERT_EQ(contexts->certificates().size(), 2U);
  const CertificateInfo& one = contexts->certificates()[0];
  EXPECT_THAT(one.names, testing::ElementsAre("one.example", "*.one.example"));
  EXPECT_EQ(one.key_type, "EC P-256");
  EXPECT_EQ(one.subject, "CN=one.example");
  EXPECT_THAT(one.issuer, HasSubstr("CN=Test Intermediate"));
  EXPECT_EQ(one.fingerprint.size(), 64U);
  EXPECT_FALSE(one.is_self_signed);
  EXPECT_EQ(one.days_left(base::wall_clock_now()), 364);
  EXPECT_EQ(contexts->certificates()[1].key_type, "RSA 2048");
}

TEST_F(ContextLoad, NothingToServeIsAnError) {
  EXPECT_THAT(refusal({}), HasSubstr("no host has a certificate"));
}

TEST_F(ContextLoad, UnreadableFilesAreNamedWithTheReason) {
  const HostCertificate good = pki_.issue("one", {{"one.example"}});
  EXPECT_THAT(refusal({{"one.example", pki_.path("none.crt"), good.key_path}}),
              AllOf(HasSubstr("none.crt"), HasSubstr("No such file")));
  EXPECT_THAT(refusal({{"one.example", good.certificate_path, pki_.path("none.key")}}),
              AllOf(HasSubstr("none.key"), HasSubstr("No such file")));
  EXPECT_THAT(refusal({{"one.example", pki_.path(""), good.key_path}}),
              HasSubstr("Is a directory"));
}

TEST_F(ContextLoad, FilesThatHoldSomethingElseAreNamed) {
  const HostCertificate good = pki_.issue("one", {{"one.example"}});
  const std::string text = pki_.read("one.crt");
  const auto with_certificate = [&](const std::string& content) {
    return refusal({{"one.example", pki_.write("odd.crt", content), good.key_path}});
  };
  EXPECT_THAT(with_certificate(""), HasSubstr("holds no certificate"));
  EXPECT_THAT(with_certificate("hello"), HasSubstr("holds no certificate"));
  EXPECT_THAT(with_certificate(pki_.read("one.key")), HasSubstr("holds no certificate"));
  EXPECT_THAT(with_certificate(text.substr(0, text.size() / 4)), HasSubstr("broken certificate"));
  EXPECT_THAT(with_certificate(text.substr(0, text.size() - 100)), HasSubstr("broken certificate"));
  EXPECT_THAT(with_certificate(std::string(2 * 1024 * 1024, 'x')), HasSubstr("longer than"));
  EXPECT_THAT(refusal({{"one.example", good.certificate_path, good.certificate_path}}),
              HasSubstr("no usable private key"));
}

TEST_F(ContextLoad, KeyAndCertificateInOneFileWork) {
  pki_.issue("one", {{"one.example"}});
  const std::string both = pki_.write("both.pem", pki_.read("one.key") + pki_.read("one.crt"));
  ::chmod(both.c_str(), 0600);
  EXPECT_EQ(warnings({{"one.example", both, both}}), "");
}

TEST_F(ContextLoad, AKeyOfAnotherCertificateIsRefused) {
  const HostCertificate one = pki_.issue("one", {{"one.example"}});
  const HostCertificate two = pki_.issue("two", {{"one.example"}});
  const HostCertificate rsa = pki_.issue("rsa", {{"one.example"}, KeyKind::rsa_2048});
  for (const auto& other : {two, rsa}) {
    EXPECT_THAT(refusal({{"one.example", one.certificate_path, other.key_path}}),
                AllOf(HasSubstr(other.key_path), HasSubstr("does not belong to")));
  }
}

TEST_F(ContextLoad, AnEncryptedKeyIsRefusedInWords) {
  const HostCertificate one = pki_.issue("one", {{"one.example"}});
  const std::string command = "openssl ec -aes256 -passout pass:secret -in " + one.key_path +
                              " -out " + pki_.path("locked.key") + " 2>/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_THAT(refusal({{"one.example", one.certificate_path, pki_.path("locked.key")}}),
              AllOf(HasSubstr("locked.key"), HasSubstr("encrypted with a password")));
}

TEST_F(ContextLoad, AnExpiredOrFutureCertificateIsAnErrorOnReloadAndAWarningAtStart) {
  const HostCertificate expired = pki_.issue("old", {{"one.example"}, KeyKind::ec_p256, -20, -2});
  const HostCertificate future = pki_.issue("new", {{"two.example"}, KeyKind::ec_p256, 2, 20});
  EXPECT_THAT(refusal({expired}), AllOf(HasSubstr("old.crt"), HasSubstr("expired on 20")));
  EXPECT_THAT(refusal({future}), AllOf(HasSubstr("new.crt"), HasSubstr("is not valid before 20")));
  TlsPolicy lenient;
  lenient.expired = ExpiredCertificate::warn;
  EXPECT_THAT(warnings({expired, future}, lenient),
              AllOf(HasSubstr("expired on"), HasSubstr("is not valid before")));
}

TEST_F(ContextLoad, ACertificateNearItsEndIsWarnedAbout) {
  const auto at_days = [this](int days) {
    return warnings({pki_.issue("near", {{"one.example"}, KeyKind::ec_p256, -1, days})});
  };
  EXPECT_THAT(at_days(13), AllOf(HasSubstr("near.crt"), HasSubstr("in 12 days")));
  EXPECT_THAT(at_days(14), HasSubstr("in 13 days"));
  EXPECT_EQ(at_days(16), "");
}

TEST_F(ContextLoad, AWeakKeyIsRefused) {
  EXPECT_THAT(refusal({pki_.issue("weak", {{"one.example"}, KeyKind::rsa_1024})}),
              AllOf(HasSubstr("weak.crt"), HasSubstr("RSA 1024"), HasSubstr("too weak")));
}

TEST_F(ContextLoad, ASignatureWithSha1IsRefused) {
  Wanted wanted{{"one.example"}};
  wanted.hash = "SHA1";
  EXPECT_THAT(refusal({pki_.issue("sha1", wanted)}),
              AllOf(HasSubstr("sha1.crt"), HasSubstr("too weak")));
}

TEST_F(ContextLoad, TwoCertificatesOfOneKeyTypeForOneHostAreRefused) {
  EXPECT_THAT(
      refusal({pki_.issue("a", {{"one.example"}}), pki_.issue("b", {{"one.example"}})}),
      AllOf(HasSubstr("'one.example' has two certificates with EC keys"), HasSubstr("b.crt")));
}

TEST_F(ContextLoad, EveryFaultIsReportedAtOnce) {
  const HostCertificate one = pki_.issue("one", {{"one.example"}});
  EXPECT_THAT(refusal({{"a.example", pki_.path("a.crt"), one.key_path},
                       one,
                       {"b.example", one.certificate_path, pki_.path("b.key")}}),
              AllOf(HasSubstr("a.crt"), HasSubstr("\n"), HasSubstr("b.key")));
}

TEST_F(ContextLoad, DoubtfulThingsAreWarnedAbout) {
  const HostCertificate one = pki_.issue("one", {{"one.example"}});
  EXPECT_THAT(warnings({{"other.example", one.certificate_path, one.key_path}}),
              HasSubstr("does not name its host 'other.example'"));
  ::chmod(one.key_path.c_str(), 0644);
  EXPECT_THAT(warnings({one}), HasSubstr("can be read by every user"));
  ::chmod(one.key_path.c_str(), 0600);
  const std::string chain = pki_.read("one.crt");
  const std::size_t second = chain.find("-----BEGIN", 10);
  pki_.write("leaf.crt", chain.substr(0, second));
  EXPECT_THAT(warnings({{"one.example", pki_.path("leaf.crt"), one.key_path}}),
              HasSubstr("contains no intermediate certificate"));
  pki_.write("twice.crt", chain + chain);
  EXPECT_THAT(warnings({{"one.example", pki_.path("twice.crt"), one.key_path}}),
              HasSubstr("chain in disorder"));
}

TEST_F(ContextLoad, ListsThatOpensslDoesNotKnowAreRefused) {
  const std::vector hosts = {pki_.issue("one", {{"one.example"}})};
  TlsPolicy policy;
  policy.ciphers_tls12 = "NO-SUCH-CIPHER";
  EXPECT_THAT(refusal(hosts, policy), HasSubstr("TLS 1.2 ciphers 'NO-SUCH-CIPHER'"));
  policy = {};
  policy.ciphers_tls13 = "TLS_NO_SUCH";
  EXPECT_THAT(refusal(hosts, policy), HasSubstr("TLS 1.3 ciphers 'TLS_NO_SUCH'"));
  policy = {};
  policy.groups = "P-257";
  EXPECT_THAT(refusal(hosts, policy), HasSubstr("key exchange groups 'P-257'"));
  policy = {};
  policy.tickets = 3;
  EXPECT_THAT(refusal(hosts, policy), HasSubstr("3 session tickets"));
}

struct MatchRow {
  std::string_view pattern;
  std::string_view host;
  bool matches;
};

TEST(CertificateNames, AWildcardStandsForExactlyOneLeftmostLabel) {
  const MatchRow rows[] = {
      {"a.example", "a.example", true},
      {"a.example", "b.example", false},
      {"*.a.example", "b.a.example", true},
      {"*.a.example", "a.example", false},
      {"*.a.example", "c.b.a.example", false},
      {"*.a.example", ".a.example", false},
      {"*", "example", false},
      {"*.", "example.", false},
      {"b*.a.example", "b1.a.example", false},
      {"b.*.example", "b.a.example", false},
      {"", "", false},
  };
  for (const MatchRow& row : rows) {
    EXPECT_EQ(name_matches(row.pattern, row.host), row.matches) << row.pattern << " " << row.host;
  }
}

TEST_F(ContextLoad, ReadCertificateTellsAFileOrAReason) {
  const HostCertificate one = pki_.issue("one", {{"one.example"}});
  const auto info = read_certificate(one.certificate_path);
  ASSERT_TRUE(info.has_value());
  EXPECT_TRUE(info->covers("one.example"));
  EXPECT_FALSE(info->covers("two.example"));
  EXPECT_THAT(read_certificate(pki_.path("none")).error().message, HasSubstr("No such file"));
}

}  // namespace
}  // namespace rondel::tls
