#include "modules/layer-tls/context_source.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "config/document.h"
#include "modules/layer-tls/options.h"
#include "tests/tls/test_pki.h"

namespace rondel::modules::layer_tls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const config::Snapshot> config_of(
    const std::vector<tls::HostCertificate>& certificates,
    const std::string& tls_mode,
    const std::string& more = {}) {
  std::string text = "[modules]\nload = [\"layer-tls\"]\n";
  for (const tls::HostCertificate& entry : certificates) {
    text += fmt::format("[[host]]\nname = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n", entry.host,
                        entry.certificate_path, entry.key_path);
  }
  text += "[[host]]\nname = \"without.example\"\n";
  text += fmt::format(
      "[[interface]]\nname = \"clients\"\nlisten = [\"127.0.0.1:5222\"]\ntls = \"{}\"\n"
      "hosts = [\"{}\"]\nauth = [\"internal\"]\n{}",
      tls_mode, certificates.front().host, more);
  const config::ModuleOptions modules[] = {{kModuleName, kOptions, "TLS."}};
  const auto document = config::Document::parse(text, "/etc/test.toml");
  EXPECT_TRUE(document.has_value());
  auto snapshot = config::Snapshot::create(*document, {}, modules);
  EXPECT_TRUE(snapshot.has_value()) << config::to_string(snapshot.error());
  return *snapshot;
}

TEST(ContextSource, HasACertificateForEachHostThatNamesOne) {
  tls::TestPki pki;
  const auto config = config_of(
      {pki.issue("a", {.names = {"a.example"}}), pki.issue("b", {.names = {"b.example"}})},
      "required");
  ContextSource source;
  ASSERT_TRUE(source.start(*config).has_value());
  ASSERT_NE(source.first(), nullptr);
  EXPECT_THAT(source.first()->hosts, ElementsAre("a.example", "b.example"));
  EXPECT_EQ(source.first()->contexts->certificates().size(), 2u);
  EXPECT_EQ(source.first()->contexts->host_for("b.example"), "b.example");
}

TEST(ContextSource, PutsASecondCertificateBesideTheFirstAndReadsTheFirstOnesOcspResponse) {
  tls::TestPki pki;
  const tls::HostCertificate first = pki.issue("ec", {.names = {"a.example"}});
  const tls::HostCertificate second =
      pki.issue("rsa", {.names = {"a.example"}, .key = tls::KeyKind::rsa_2048});
  const auto config_with = [&](const std::string& more) {
    tls::HostCertificate host = first;
    host.key_path += "\"\n" + more + "#";  // Closed by the quotation mark that follows.
    return config_of({host}, "required");
  };
  const std::string pair =
      fmt::format("certificate_alternative = \"{}\"\nkey_alternative = \"{}\"\n",
                  second.certificate_path, second.key_path);
  ContextSource source;
  ASSERT_TRUE(source.start(*config_with(pair)).has_value());
  EXPECT_THAT(source.first()->hosts, ElementsAre("a.example", "a.example"));
  const auto certificates = source.first()->contexts->certificates();
  ASSERT_EQ(certificates.size(), 2u);
  EXPECT_EQ(certificates[0].key_type, "EC P-256");
  EXPECT_EQ(certificates[1].key_type, "RSA 2048");

  const std::string response = pki.write("no.ocsp", "no response");
  const auto prepared =
      source.prepare(*config_with(pair + fmt::format("ocsp_response = \"{}\"\n", response)));
  ASSERT_FALSE(prepared.has_value());
  EXPECT_THAT(prepared.error().message,
              testing::AllOf(HasSubstr(response), HasSubstr("holds no OCSP response")));
}

TEST(ContextSource, HasNothingWhereNoInterfaceUsesTls) {
  const auto config = config_of({{"a.example", "/nowhere.crt", "/nowhere.key"}}, "off");
  ContextSource source;
  ASSERT_TRUE(source.start(*config).has_value());
  EXPECT_EQ(source.first(), nullptr);
}

TEST(ContextSource, NamesTheFileThatItCannotRead) {
  const auto config = config_of({{"a.example", "/nowhere.crt", "/nowhere.key"}}, "direct");
  ContextSource source;
  const auto started = source.start(*config);
  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error().message, HasSubstr("/nowhere.crt"));
}

TEST(ContextSource, TakesAnExpiredCertificateAtTheStartAndNotOnReload) {
  tls::TestPki pki;
  const auto config = config_of(
      {pki.issue("a", {.names = {"a.example"}, .valid_from_days = -9, .valid_until_days = -1})},
      "required");
  ContextSource source;
  EXPECT_TRUE(source.start(*config).has_value());
  EXPECT_THAT(source.first()->contexts->warnings(), testing::Contains(HasSubstr("expired")));
  const auto prepared = source.prepare(*config);
  ASSERT_FALSE(prepared.has_value());
  EXPECT_THAT(prepared.error().message, HasSubstr("expired"));
}

TEST(ContextSource, GivesAShardWhatWasPreparedFromItsConfigurationOnly) {
  tls::TestPki pki;
  const tls::HostCertificate certificate = pki.issue("a", {.names = {"a.example"}});
  const auto started = config_of({certificate}, "required");
  const auto taken = config_of({certificate}, "required");
  const auto objected = config_of({certificate}, "required");
  ContextSource source;
  ASSERT_TRUE(source.start(*started).has_value());
  ASSERT_TRUE(source.prepare(*taken).has_value());
  const HostContextsPointer fresh = source.prepared_from(*taken);
  ASSERT_TRUE(source.prepare(*objected).has_value());
  EXPECT_NE(fresh, nullptr);
  EXPECT_NE(fresh, source.first());
  EXPECT_EQ(source.prepared_from(*taken), fresh);
  EXPECT_NE(source.prepared_from(*objected), fresh);
  EXPECT_EQ(source.prepared_from(*started), nullptr);
}

TEST(ContextSource, KeepsTheTicketKeysOverAReload) {
  tls::TestPki pki;
  const auto config = config_of({pki.issue("a", {.names = {"a.example"}})}, "required");
  ContextSource source;
  ASSERT_TRUE(source.start(*config).has_value());
  ASSERT_TRUE(source.prepare(*config).has_value());
  EXPECT_EQ(&source.first()->contexts->ticket_keys(),
            &source.prepared_from(*config)->contexts->ticket_keys());
}

TEST(ContextSource, SaysWhichListIsWrong) {
  tls::TestPki pki;
  const auto config = config_of({pki.issue("a", {.names = {"a.example"}})}, "required",
                                "[module.layer-tls]\nciphers_tls13 = \"NO-SUCH-CIPHER\"\n");
  ContextSource source;
  const auto started = source.start(*config);
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().message, "");
}

TEST(ContextSource, TrustsClientsByInterfaceAndKeepsTheOldTrustOverABadReload) {
  tls::TestPki pki;
  const tls::HostCertificate certificate = pki.issue("a", {.names = {"a.example"}});
  const std::string authorities = fmt::format("client_ca = \"{}\"\n", pki.root_file());
  const auto with_list = [&](const std::string& path) {
    return config_of({certificate}, "required",
                     authorities + fmt::format("client_crl = \"{}\"\n", path));
  };
  ContextSource source;
  ASSERT_TRUE(source.start(*config_of({certificate}, "required")).has_value());
  EXPECT_TRUE(source.first()->client_trusts.empty());
  const auto good = with_list(pki.revoke("list.pem", {}));
  ASSERT_TRUE(source.prepare(*good).has_value());
  const HostContextsPointer taken = source.prepared_from(*good);
  ASSERT_EQ(taken->client_trusts.size(), 1u);
  EXPECT_NE(taken->client_trusts.at("clients"), nullptr);
  const auto ended = with_list(pki.revoke("ended.pem", {}, -1));
  const auto missing = with_list(pki.path("none.pem"));
  const auto swapped = with_list(pki.root_file());
  for (const auto& bad : {ended, missing, swapped}) {
    const auto prepared = source.prepare(*bad);
    ASSERT_FALSE(prepared.has_value());
    EXPECT_THAT(prepared.error().message, HasSubstr(pki.path("")));
    EXPECT_EQ(source.prepared_from(*bad), nullptr);
  }
  EXPECT_EQ(source.prepared_from(*good), taken);
  // At the start a list that has ended is better than no server: it opens nothing.
  ContextSource fresh;
  EXPECT_TRUE(fresh.start(*ended).has_value());
  EXPECT_FALSE(fresh.start(*missing).has_value());
}

}  // namespace
}  // namespace rondel::modules::layer_tls
