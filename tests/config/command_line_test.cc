// The flags of rondeld.
#include "config/command_line.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <string>
#include <vector>

#include "config/document.h"

namespace rondel::config {
namespace {

using ::testing::HasSubstr;

base::Result<CommandLine, Exit> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "rondeld");
  return CommandLine::parse(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
}

TEST(CommandLine, WithoutFlagsServesTheDefaultFile) {
  const auto line = parse({});
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->action, Action::serve);
  EXPECT_EQ(line->config_path, "/etc/rondel/rondel.toml");
  EXPECT_FALSE(line->overrides.data_dir || line->overrides.modules_directory ||
               line->overrides.log_destination || line->overrides.log_level ||
               line->overrides.threads);
}

TEST(CommandLine, TakesEveryFlag) {
  const auto line = parse({"--config", "my.toml", "--modules-dir", "/m", "--data-dir=/d", "--log",
                           "journal", "--log-level", "debug", "--threads", "3", "--check"});
  ASSERT_TRUE(line.has_value()) << line.error().text;
  EXPECT_EQ(line->action, Action::check);
  EXPECT_EQ(line->config_path, "my.toml");
  EXPECT_EQ(line->overrides.modules_directory, "/m");
  EXPECT_EQ(line->overrides.data_dir, "/d");
  EXPECT_EQ(line->overrides.log_destination, "journal");
  EXPECT_EQ(line->overrides.log_level, "debug");
  EXPECT_EQ(line->overrides.threads, 3);
}

TEST(CommandLine, NumbersAreDecimal) {
  const auto line = parse({"--threads", "010"});
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->overrides.threads, 10);
}

TEST(CommandLine, TakesOneAction) {
  const std::pair<const char*, Action> actions[] = {
      {"--check", Action::check},
      {"--print-config", Action::print_config},
      {"--print-hooks", Action::print_hooks},
      {"--print-config-reference", Action::print_config_reference}};
  for (const auto& [flag, action] : actions) {
    const auto line = parse({flag});
    ASSERT_TRUE(line.has_value());
    EXPECT_EQ(line->action, action);
  }
  const auto both = parse({"--check", "--print-hooks"});
  ASSERT_FALSE(both.has_value());
  EXPECT_EQ(both.error().code, kExitUsage);
  EXPECT_EQ(both.error().text,
            "rondeld: --check and --print-hooks cannot both be done; rondeld --help lists the "
            "flags\n");
}

TEST(CommandLine, FoldersStartFromTheWorkingFolder) {
  const auto here = std::filesystem::current_path();
  const auto line = parse({"--data-dir", "data/../d", "--modules-dir", "m", "--log", "file:l.txt"});
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->overrides.data_dir, (here / "d").string());
  EXPECT_EQ(line->overrides.modules_directory, (here / "m").string());
  EXPECT_EQ(line->overrides.log_destination, "file:" + (here / "l.txt").string());
}

TEST(CommandLine, HelpAndVersionEndWell) {
  const auto version = parse({"--version"});
  ASSERT_FALSE(version.has_value());
  EXPECT_EQ(version.error().code, 0);
  EXPECT_EQ(version.error().text, "rondeld 1.2.3\n");
  const auto help = parse({"--help"});
  ASSERT_FALSE(help.has_value());
  EXPECT_EQ(help.error().code, 0);
  for (const char* flag : {"--config FILE", "--check", "--print-config", "--print-hooks",
                           "--modules-dir DIR", "--data-dir DIR", "--log DEST", "--log-level LEVEL",
                           "--threads N", "--version", "--help", "/etc/rondel/rondel.toml"}) {
    EXPECT_THAT(help.error().text, HasSubstr(flag));
  }
}

TEST(CommandLine, WrongFlagsEndWithASentence) {
  struct Wrong {
    std::vector<const char*> arguments;
    const char* text;
  };
  const Wrong all[] = {
      {{"--thraeds", "3"}, "rondeld: unknown argument \"--thraeds\"; did you mean \"--threads\"?"},
      {{"--colour"}, "rondeld: unknown argument \"--colour\"; rondeld --help"},
      {{"start"}, "rondeld: unknown argument \"start\"; rondeld --help"},
      {{"--threads", "many"}, "rondeld: --threads is \"many\", and must be a whole number; "},
      {{"--threads", "4x"}, "rondeld: --threads is \"4x\", and must be a whole number; "},
      {{"--threads", "99999999999999999999"}, "rondeld: --threads is "},
      {{"--config"}, "--config"},
      {{"--config", "a", "--config", "b"}, "--config"},
  };
  for (const Wrong& wrong : all) {
    const auto line = parse(wrong.arguments);
    ASSERT_FALSE(line.has_value()) << wrong.text;
    EXPECT_EQ(line.error().code, kExitUsage);
    EXPECT_THAT(line.error().text, HasSubstr(wrong.text));
    EXPECT_THAT(line.error().text, ::testing::EndsWith("rondeld --help lists the flags\n"));
  }
}

}  // namespace
}  // namespace rondel::config
