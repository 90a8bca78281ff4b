// The suite for users that are written elsewhere, on a real slapd.
#include <map>

#include "modules/store-ldap/ldap_storage.h"
#include "tests/modules_store_ldap/test_directory.h"
#include "tests/store/read_only_conformance.h"

namespace rondel::modules::store_ldap {
namespace {

class WrittenLdap final : public store::test::WrittenStorage {
 public:
  explicit WrittenLdap(std::unique_ptr<TestDirectory> directory)
      : directory_(std::move(directory)), storage_(directory_->options()) {
    EXPECT_TRUE(storage_.open_blocking().has_value());
  }
  store::Storage& storage() override { return storage_; }

  void write(const std::vector<store::test::WrittenUser>& users) override {
    directory_->add(ldif_of(users));
  }
  void fill(const std::vector<store::test::WrittenUser>& users) override {
    directory_->load(ldif_of(users));
  }
  void remove(const store::UserKey& user) override {
    directory_->tell("delete cn=" + names_[user] + ",ou=" + user.host + ",dc=example,dc=org");
  }
  void set_outage(bool is_out) override { directory_->tell(is_out ? "stop" : "start"); }

 private:
  std::string ldif_of(const std::vector<store::test::WrittenUser>& users) {
    std::string ldif;
    for (const store::test::WrittenUser& one : users) {
      std::vector<std::pair<std::string, std::string>> attributes{{"uid", one.user.local}};
      if (!one.password.empty()) {
        attributes.emplace_back("userPassword", one.password);
      }
      if (one.state == store::AccountState::disabled) {
        attributes.emplace_back("loginDisabled", "TRUE");
      }
      for (const store::Binding& binding : one.bindings) {
        attributes.emplace_back("krbPrincipalName", binding.value);
      }
      const std::string name = "number " + std::to_string(++count_);
      names_[one.user] = name;
      ldif += person(name, one.user.host, attributes);
    }
    return ldif;
  }

  std::unique_ptr<TestDirectory> directory_;
  LdapStorage storage_;
  std::map<store::UserKey, std::string> names_;
  int count_ = 0;
};

std::unique_ptr<store::test::WrittenStorage> make() {
  auto directory = TestDirectory::start_blocking();
  return directory ? std::make_unique<WrittenLdap>(std::move(directory)) : nullptr;
}

}  // namespace
}  // namespace rondel::modules::store_ldap

namespace rondel::store::test {

INSTANTIATE_TEST_SUITE_P(Ldap,
                         ReadOnlyUserConformance,
                         testing::Values(WrittenStorageKind{"Slapd", &modules::store_ldap::make}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace rondel::store::test
