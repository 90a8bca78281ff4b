// What a reload finds changed, and what takes a restart.
#include "config/diff.h"

#include <gmock/gmock.h>
#include <string>
#include <vector>

#include "tests/config/sample.h"

namespace rondel::config::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> changes(const std::string& before,
                                 const std::string& after,
                                 const Overrides& overrides = {}) {
  std::vector<std::string> lines;
  for (const Change& change :
       diff(*expect_fine(before, overrides), *expect_fine(after, overrides))) {
    lines.push_back(change.where + ": " + change.before + " -> " + change.after +
                    (change.on_change == OnChange::reload ? " (reload)" : " (restart)"));
  }
  return lines;
}

TEST(Diff, OfTheSameFileIsEmpty) {
  EXPECT_THAT(changes(kSmall, kSmall), IsEmpty());
}

TEST(Diff, IgnoresPlacesCommentsAndDefaultsThatAreWrittenOut) {
  EXPECT_THAT(
      changes(kSmall, "# a comment\n\n" + kSmall + "kind = \"c2s\"\n[server]\nthreads = 0\n"),
      IsEmpty());
}

TEST(Diff, NamesEachOptionAndWhatItTakes) {
  EXPECT_THAT(changes(kSmall, kSmall + "resources_max = 3\n[server]\nthreads = 2\n[log]\n"
                                       "level = \"debug\"\n"),
              ElementsAre("[server] threads: 0 -> 2 (restart)",
                          "[log] level: \"info\" -> \"debug\" (reload)",
                          "[[interface]] clients resources_max: 10 -> 3 (reload)"));
}

TEST(Diff, AValueThatIsNoLongerInheritedIsAChange) {
  EXPECT_THAT(changes(kSmall, kSmall + "log_level = \"debug\"\n"),
              ElementsAre("[[interface]] clients log_level: \"info\" -> \"debug\" (reload)"));
}

TEST(Diff, AFlagHidesAChangeOfTheFile) {
  EXPECT_THAT(changes(kSmall, kSmall + "[server]\nthreads = 2\n", {.threads = 1}), IsEmpty());
}

TEST(Diff, AHostThatComesOrGoesIsOneChange) {
  const std::string two =
      kSmall + "[[host]]\nname = \"b.example\"\n[host.module.sample]\non = false\n";
  EXPECT_THAT(changes(kSmall, two), ElementsAre("[[host]] b.example:  -> \"b.example\" (restart)"));
  EXPECT_THAT(changes(two, kSmall), ElementsAre("[[host]] b.example: \"b.example\" ->  (restart)"));
}

TEST(Diff, AnInterfaceThatComesIsOneChange) {
  EXPECT_THAT(changes(kSmall, kSmall + "[[interface]]\nname = \"b\"\nlisten = [\"[::]:1\"]\n"
                                       "hosts = [\"example.org\"]\nauth = [\"internal\"]\n"
                                       "[interface.module.sample]\non = false\n"),
              ElementsAre("[[interface]] b:  -> \"b\" (restart)"));
}

TEST(Diff, AModulesOptionIsNamedWithItsPlace) {
  const std::string own = kSmall + "[interface.module.sample]\nrounds = 5000\n";
  EXPECT_THAT(changes(kSmall, own),
              ElementsAre("[interface.module.sample] of clients rounds:  -> 5000 (reload)"));
  EXPECT_THAT(changes(own, kSmall),
              ElementsAre("[interface.module.sample] of clients rounds: 5000 ->  (reload)"));
  EXPECT_THAT(changes(kSmall, kSmall + "[module.sample]\nsize = 1\nwait = \"2s\"\n"),
              ElementsAre("[module.sample] size: 2048 -> 1 (restart)",
                          "[module.sample] wait: \"90s\" -> \"2s\" (restart)"));
}

TEST(Diff, ASecretIsComparedButNotShown) {
  const std::string module = kSmall + "[module.sample]\npassword = ";
  EXPECT_THAT(changes(module + "\"a\"\n", module + "\"b\"\n"),
              ElementsAre("[module.sample] password: \"***\" -> \"***\" (restart)"));
}

TEST(Diff, AModuleThatIsLoadedAnewIsAChangeOfTheList) {
  const ModuleOptions more[] = {kSampleModules[0], kSampleModules[1], {"extra", kEveryType}};
  const auto before = create(kSmall);
  const auto after = create(kSmall, {}, more);
  ASSERT_TRUE(before.has_value());
  ASSERT_TRUE(after.has_value());
  EXPECT_THAT(diff(**before, **after), IsEmpty());
  EXPECT_THAT(changes(kSmall, "modules.load = [\"ping\"]\n" + kSmall.substr(kSmall.find("[[host"))),
              ElementsAre("[modules] load: [\"sample\", \"ping\"] -> [\"ping\"] (restart)"));
}

}  // namespace
}  // namespace rondel::config::test
