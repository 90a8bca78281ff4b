#include "modules/auth-external/own_certificates.h"

#include <gmock/gmock.h>

#include "store/key_value_store.h"

namespace rondel::modules::auth_external {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(OwnCertificates, ComeBackAsTheyWereWhateverTheirNames) {
  const std::vector<OwnCertificate> certificates{
      {"Mobile Client", std::string(64, 'a'), std::string("\x30\x82\x00\n ", 5), true},
      {"a\nb c", std::string(64, 'b'), "der", false},
      {"Gerät", std::string(64, 'c'), "more", true}};
  EXPECT_EQ(parse_own_certificates(to_text(certificates)), certificates);
  EXPECT_THAT(parse_own_certificates(to_text({})), IsEmpty());
}

TEST(OwnCertificates, LinesThatAreNotOursArePassedOver) {
  const OwnCertificate good{"a", std::string(64, 'a'), "der", true};
  const std::string line = to_text({good});
  for (const char* bad : {"\n", "x\n", "a full\n", "a maybe YQ== YQ==\n", "a full !! YQ==\n",
                          "a full YQ== !!\n", "a full YQ==\n"}) {
    EXPECT_THAT(parse_own_certificates(bad + line), ElementsAre(good)) << bad;
  }
}

TEST(OwnCertificates, AsManyAndAsBigAsAreAllowedFitIntoOneValue) {
  std::vector<OwnCertificate> many(
      kOwnCertificatesMax,
      OwnCertificate{std::string(kCertificateLabelBytesMax, 'n'), std::string(64, 'a'),
                     std::string(kCertificateBytesMax, 'd'), true});
  EXPECT_LE(to_text(many).size(), store::kValueBytesMax);
}

}  // namespace
}  // namespace rondel::modules::auth_external
