// The certificate for a first try is one that load() takes.
#include "tls/self_signed.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/tls/test_pki.h"
#include "tests/tls/tls_client.h"
#include "tls/context.h"

namespace rondel::tls {
namespace {

using testing::HasSubstr;

TEST(SelfSigned, ServesEveryHostItWasMadeForWithoutAWarning) {
  TestPki pki;
  const std::vector<std::string> hosts = {"localhost", "Chat.Localhost"};
  ASSERT_TRUE(generate_self_signed(hosts, 30, pki.path("s.crt"), pki.path("s.key")).has_value());
  const auto contexts =
      TlsContexts::load(
          std::vector<HostCertificate>{{"localhost", pki.path("s.crt"), pki.path("s.key")},
                                       {"chat.localhost", pki.path("s.crt"), pki.path("s.key")}},
          {})
          .value();
  EXPECT_THAT(contexts->warnings(), testing::IsEmpty());
  EXPECT_TRUE(contexts->certificates()[0].is_self_signed);
  EXPECT_EQ(contexts->certificates()[0].key_type, "EC P-256");
  ClientOptions options;
  options.sni = "chat.localhost";
  Link link(contexts, options);
  EXPECT_EQ(link.pump(), Status::ok);
}

TEST(SelfSigned, TheKeyIsForItsOwnerOnly) {
  TestPki pki;
  const std::vector<std::string> hosts = {"localhost"};
  ASSERT_TRUE(generate_self_signed(hosts, 30, pki.path("s.crt"), pki.path("s.key")).has_value());
  struct stat file {};
  ASSERT_EQ(::stat(pki.path("s.key").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST(SelfSigned, NothingIsOverwrittenAndNothingHalfIsLeft) {
  TestPki pki;
  const std::vector<std::string> hosts = {"localhost"};
  pki.write("s.crt", "precious");
  const auto result = generate_self_signed(hosts, 30, pki.path("s.crt"), pki.path("s.key"));
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("File exists"));
  EXPECT_EQ(pki.read("s.crt"), "precious");
  EXPECT_FALSE(std::filesystem::exists(pki.path("s.key")));
}

TEST(SelfSigned, NamesThatWouldSmuggleOthersInAreRefused) {
  TestPki pki;
  for (const char* name : {"", "a,DNS:b", "a b", "IP:127.0.0.1", "a\n"}) {
    const std::vector<std::string> hosts = {name};
    EXPECT_FALSE(generate_self_signed(hosts, 30, pki.path("s.crt"), pki.path("s.key")));
  }
  EXPECT_FALSE(generate_self_signed({}, 30, pki.path("s.crt"), pki.path("s.key")));
}

}  // namespace
}  // namespace rondel::tls
