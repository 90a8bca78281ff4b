// docs/configuration.md is what the schema says.
#include "config/reference.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sstream>
#include <string>

#include "tests/config/sample.h"

namespace rondel::config::test {
namespace {

using ::testing::HasSubstr;

std::string up_to_modules(const std::string& page) {
  return page.substr(0, page.find(kModulesMarker));
}

TEST(ConfigurationPage, OfTheCoreIsUpToDate) {
  const char* root = std::getenv("RONDEL_SOURCE_DIR");
  ASSERT_NE(root, nullptr) << "ctest sets RONDEL_SOURCE_DIR to the checkout";
  std::ifstream file(std::filesystem::path(root) / "docs" / "configuration.md");
  ASSERT_TRUE(file) << "docs/configuration.md cannot be read";
  std::ostringstream page;
  page << file.rdbuf();
  EXPECT_EQ(up_to_modules(page.str()), up_to_modules(configuration_reference({})))
      << "write it anew: rondeld --print-config-reference > docs/configuration.md";
  EXPECT_THAT(page.str(), HasSubstr(kModulesMarker));
}

TEST(ConfigurationPage, NamesEveryOptionOfTheCore) {
  const std::string page = configuration_reference({});
  for (const SectionSpec& section : core_sections()) {
    EXPECT_THAT(page, HasSubstr("\n## " + std::string(section.header) + "\n"));
    for (const OptionSpec& option : section.options) {
      EXPECT_THAT(page, HasSubstr("\n| `" + std::string(option.name) + "` | "));
    }
  }
}

TEST(ConfigurationPage, ShowsModulesByNameBelowTheMarker) {
  const std::string page = configuration_reference(kSampleModules);
  EXPECT_EQ(up_to_modules(page), up_to_modules(configuration_reference({})));
  const std::string modules = page.substr(page.find(kModulesMarker));
  EXPECT_LT(modules.find("\n### ping\n\nAnswers pings.\n\nIt has no options.\n"),
            modules.find("\n### sample\n\nA module with an option of each type.\n"));
  for (const std::string row :
       {"| `on` | A switch. | true or false | `true` | restart |",
        "| `rounds` | How many. | a whole number from 4096 to 1000000 (rounds) | `10000` | reload "
        "|",
        "| `wait` | How long. | a time such as \"30s\", from 1s to 1h | `\"90s\"` | restart |",
        "| `title` | A title. | text | `\"none \\| any\"` | restart |",
        "| `colour` | Which. | \"red\" or \"green\" | `\"red\"` | restart |",
        "| `deny` | Ranges. | a list, each an address range | `[]` | restart |",
        "| `mood` | A mood. Not in `[interface.module.NAME]`. | text | not set | restart |",
        "| `password` | A secret. Secret: printed as `***`. | text | not set | restart |"}) {
    EXPECT_THAT(modules, HasSubstr("\n" + row + "\n"));
  }
}

}  // namespace
}  // namespace rondel::config::test
