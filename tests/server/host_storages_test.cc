// Which storage holds what of a host, and which choices are refused.
#include "server/host_storages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>

#include "config/document.h"
#include "store/memory_storage.h"

namespace rondel::server {
namespace {

using store::KindSet;
using testing::ElementsAre;
using testing::HasSubstr;

/// Holds what a test says, of each host or of all ("").
class Declared final : public store::Storage {
 public:
  using Kinds = std::map<std::string, KindSet, std::less<>>;
  explicit Declared(Kinds kinds) : kinds_(std::move(kinds)) {}
  KindSet kinds(std::string_view host) const override {
    const auto own = kinds_.find(host);
    const auto found = own == kinds_.end() ? kinds_.find("") : own;
    return found == kinds_.end() ? KindSet{} : found->second;
  }
  store::StoreResult<void> open_blocking() override { return {}; }
  std::unique_ptr<store::StorageSession> attach(base::Executor& shard) override {
    return memory_.attach(shard);
  }
  void close_blocking() override {}
  std::string status() const override { return "declared"; }

 private:
  const Kinds kinds_;
  store::MemoryStorage memory_;
};

class HostStoragesTest : public testing::Test {
 protected:
  /// Modules that are storages, in load order; the module "other" is none.
  void load(std::string name, Declared::Kinds kinds) {
    registry_.storages.push_back(std::make_unique<Declared>(std::move(kinds)));
    registry_.storage_owners.push_back(static_cast<ModuleIndex>(registry_.module_names.size()));
    registry_.module_names.push_back(std::move(name));
  }

  /// The choice for the one host whose entry ends in `lines`, or the problems.
  base::Result<std::vector<HostStorages>, config::Problems> choose(
      const std::string& lines, const std::string& auth = "internal") {
    std::string loaded;
    std::vector<config::ModuleOptions> modules;
    std::vector<std::string> all = registry_.module_names;
    all.emplace_back("other");
    for (const std::string& name : all) {
      loaded += (loaded.empty() ? "\"" : ", \"") + name + "\"";
      modules.push_back({name, {}, "Of a test."});
    }
    const auto document = config::Document::parse(
        "[modules]\nload = [" + loaded + "]\n[[interface]]\nname = \"clients\"\n" +
            "listen = [\"127.0.0.1:0\"]\ntls = \"off\"\nhosts = [\"Example.org\"]\nauth = [\"" +
            auth + "\"]\n[[host]]\nname = \"Example.org\"\n" + lines,
        "/test.toml");
    snapshot_ = *config::Snapshot::create(*document, {}, modules);
    const std::vector<std::string> names{"example.org"};
    return host_storages(*snapshot_, registry_, names);
  }

  std::string refusal(const std::string& lines, const std::string& auth = "internal") {
    const auto chosen = choose(lines, auth);
    return chosen ? "taken" : config::to_string(chosen.error());
  }

  Registry registry_;
  std::shared_ptr<const config::Snapshot> snapshot_;
};

TEST_F(HostStoragesTest, WithoutAChoiceTheFirstThatHoldsAKindHasIt) {
  load("directory", {{"example.org", {.users = true}}});
  load("disk", {{"", KindSet::all()}});
  EXPECT_THAT(*choose(""), ElementsAre(HostStorages{0, 1, 1, 1}));
}

TEST_F(HostStoragesTest, AStorageThatIsNotSetUpForTheHostIsPassedOver) {
  load("directory", {{"elsewhere.example", {.users = true}}});
  load("disk", {{"", KindSet::all()}});
  EXPECT_THAT(*choose(""), ElementsAre(HostStorages{1, 1, 1, 1}));
}

TEST_F(HostStoragesTest, AStorageThatIsTurnedOffForTheHostIsPassedOver) {
  load("first", {{"", KindSet::all()}});
  load("second", {{"", KindSet::all()}});
  EXPECT_THAT(*choose("modules_off = [\"first\"]\n"), ElementsAre(HostStorages{1, 1, 1, 1}));
}

TEST_F(HostStoragesTest, TheOneThatIsNamedHasItsKindOnly) {
  load("first", {{"", KindSet::all()}});
  load("second", {{"", KindSet::all()}});
  EXPECT_THAT(*choose("[host.storage]\nrosters = \"second\"\nvalues = \"second\"\n"),
              ElementsAre(HostStorages{0, 1, 0, 1}));
}

TEST_F(HostStoragesTest, AKindThatNobodyIsNamedForMayBeNobodys) {
  load("directory", {{"", {.users = true}}});
  EXPECT_THAT(*choose(""), ElementsAre(HostStorages{0, std::nullopt, std::nullopt, std::nullopt}));
}

TEST_F(HostStoragesTest, OneThatDoesNotHoldTheKindIsRefusedWithItsPlace) {
  load("directory", {{"example.org", {.users = true}}});
  load("disk", {{"", KindSet::all()}});
  EXPECT_EQ(refusal("[host.storage]\nrosters = \"directory\"\noffline = \"directory\"\n"),
            "/test.toml:12:11: rosters of \"Example.org\" names \"directory\", which holds of this "
            "host only users; name one that holds rosters, or leave the line out: disk\n"
            "/test.toml:13:11: offline of \"Example.org\" names \"directory\", which holds of this "
            "host only users; name one that holds offline, or leave the line out: disk\n");
}

TEST_F(HostStoragesTest, WhyTheOneThatIsNamedHoldsNothingIsSaid) {
  load("directory", {{"elsewhere.example", {.users = true}}});
  EXPECT_THAT(refusal("[host.storage]\nusers = \"directory\"\n"),
              HasSubstr("which holds nothing of this host as it is set up; no loaded storage holds "
                        "users of it: load one that does"));
  EXPECT_THAT(refusal("[host.storage]\nusers = \"other\"\n"),
              HasSubstr("\"other\", which is no storage"));
  load("disk", {{"", KindSet::all()}});
  EXPECT_THAT(refusal("modules_off = [\"disk\"]\n[host.storage]\nusers = \"disk\"\n"),
              HasSubstr("which modules_off turns off for this host"));
}

TEST_F(HostStoragesTest, AHostWhoseUsersNobodyHoldsIsRefused) {
  EXPECT_THAT(refusal(""), HasSubstr("/test.toml:10:8: nobody holds the users of \"Example.org\"; "
                                     "load a storage that does"));
  load("values-only", {{"", {.values = true}}});
  EXPECT_THAT(refusal(""), HasSubstr("nobody holds the users"));
}

TEST_F(HostStoragesTest, AHostOfGuestsAloneNeedsNobody) {
  registry_.accountless_authenticators.insert("guests");
  EXPECT_EQ(refusal("", "guests"), "taken");
  EXPECT_THAT(refusal("", "guests\", \"internal"), HasSubstr("nobody holds the users"));
}

}  // namespace
}  // namespace rondel::server
