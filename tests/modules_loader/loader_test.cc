// Real shared objects from the build, opened by the loader and by rondeld.
#include "modules/loader/loader.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "modules/api/header_hash.h"

namespace rondel::modules {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kFolder = LOADER_FIXTURES;

struct Wrong {
  std::vector<std::string> load;
  std::vector<std::string> says;   ///< Each is part of the sentence.
  bool is_found_by_loader = true;  ///< Else by the start: load() ran.
};

const std::vector<Wrong> kWrongs{
    {{"no-symbol"}, {kFolder + "/no-symbol.so", "is no module of Rondel", "rondel_module"}},
    {{"old-api"}, {kFolder + "/old-api.so", "version 999", "this server has", "module API"}},
    {{"other-build"}, {kFolder + "/other-build.so", "another compiler", "same compiler"}},
    {{"other-options"}, {kFolder + "/other-options.so", "\"another compiler\"", "same compiler"}},
    {{"other-headers"},
     {kFolder + "/other-headers.so was built against other headers", "hash is 0123456789abcdef",
      "this server's is " RONDEL_HEADER_HASH, "build it anew against the headers of this server"}},
    {{"no-signature"}, {kFolder + "/no-signature.so", "older module API", "build it anew"}},
    {{"wrong-name"}, {kFolder + "/wrong-name.so", "right-name", "named after the module"}},
    {{"hen", "egg"}, {"circle", "\"hen\"", "\"egg\""}},
    {{"needs-good"}, {"\"needs-good\"", "needs module \"good\"", "[modules] load"}},
    {{"ghost"}, {"\"ghost\"", kFolder + "/ghost.so", "directory"}},
    {{"no-elf"}, {"\"no-elf\"", "can't be loaded", "no-elf.so"}},
    {{"good", "failing"}, {"\"failing\"", "did not start", "the stars stand wrong"}, false},
};

TEST(Loader, OpensModulesInTheOrderInWhichTheyCanStart) {
  const std::vector<std::string> names{"needs-good", "good"};
  const auto modules = load_modules(kFolder, names);
  ASSERT_TRUE(modules) << modules.error().message;
  ASSERT_EQ(modules->size(), 2U);
  EXPECT_EQ((*modules)[0].info().name, "good");
  EXPECT_EQ((*modules)[0].file(), kFolder + "/good.so");
  EXPECT_EQ((*modules)[1].info().name, "needs-good");
  EXPECT_EQ(options_of(*modules)[1].module, "needs-good");
  EXPECT_NE((*modules)[0].info().create(), nullptr);
}

TEST(Loader, OpensNothingWhenNothingIsAskedFor) {
  const auto modules = load_modules("/nowhere", {});
  ASSERT_TRUE(modules);
  EXPECT_TRUE(modules->empty());
}

TEST(Loader, SaysInOneSentenceWhatIsWrongWithAModule) {
  for (const Wrong& wrong : kWrongs) {
    const auto modules = load_modules(kFolder, wrong.load);
    if (!wrong.is_found_by_loader) {
      EXPECT_TRUE(modules) << modules.error().message;
      continue;
    }
    ASSERT_FALSE(modules) << wrong.load.back();
    for (const std::string& part : wrong.says) {
      EXPECT_THAT(modules.error().message, HasSubstr(part));
    }
    EXPECT_EQ(modules.error().message.find('\n'), std::string::npos) << modules.error().message;
  }
}

#ifdef RONDELD

/// What a program said, and how it ended.
struct Ending {
  int code = -1;
  std::string errors;
};

class Rondeld : public testing::Test {
 protected:
  Rondeld() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "rondel-loader-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~Rondeld() override { std::filesystem::remove_all(folder_); }

  Ending check(const std::vector<std::string>& load) {
    std::string list;
    for (const std::string& name : load) {
      list += (list.empty() ? "\"" : ", \"") + name + "\"";
    }
    const std::string config = folder_ / "rondel.toml";
    std::ofstream(config) << "[modules]\ndirectory = \"" << kFolder << "\"\nload = [" << list
                          << "]\n[[host]]\nname = \"localhost\"\n"
                          << "[[interface]]\nname = \"clients\"\nlisten = [\"127.0.0.1:0\"]\n"
                          << "tls = \"off\"\nhosts = [\"localhost\"]\nauth = [\"good\"]\n";
    const std::string command =
        std::string(RONDELD) + " --check --config " + config + " 2>&1 >/dev/null";
    Ending ending;
    FILE* pipe = popen(command.c_str(), "r");
    std::array<char, 4096> buffer{};
    while (const std::size_t bytes = fread(buffer.data(), 1, buffer.size(), pipe)) {
      ending.errors.append(buffer.data(), bytes);
    }
    const int status = pclose(pipe);
    ending.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ending;
  }

  std::filesystem::path folder_;
};

TEST_F(Rondeld, AcceptsGoodModules) {
  const Ending ending = check({"needs-good", "good"});
  EXPECT_EQ(ending.code, 0) << ending.errors;
  EXPECT_EQ(ending.errors, "");
}

TEST_F(Rondeld, DoesNotStartWithAWrongModuleAndSaysWhy) {
  for (const Wrong& wrong : kWrongs) {
    const Ending ending = check(wrong.load);
    EXPECT_EQ(ending.code, 78) << wrong.load.back() << ": " << ending.errors;
    EXPECT_THAT(ending.errors, HasSubstr("rondeld: "));
    for (const std::string& part : wrong.says) {
      EXPECT_THAT(ending.errors, HasSubstr(part));
    }
  }
}

#endif

}  // namespace
}  // namespace rondel::modules
