// EXTERNAL against the user storage: which account a certificate opens, and what each wish gets.
#include "modules/auth-external/external_exchange.h"

#include <algorithm>
#include <gmock/gmock.h>

#include "modules/auth-external/certificate_login.h"
#include "store/memory_storage.h"
#include "tests/store/test_executor.h"

namespace rondel::modules::auth_external {
namespace {

using store::Binding;
using store::BindingKind;
using xmpp::SaslFailure;

const std::string kPrint(64, 'a');

class Exchange : public testing::Test {
 protected:
  Exchange()
      : storage_({false, [this](std::string_view operation) -> std::optional<store::StoreError> {
                    operations_.emplace_back(operation);
                    if (operation == outage_) {
                      return store::StoreError(store::Failure::unavailable, "an outage");
                    }
                    return std::nullopt;
                  }}) {
    EXPECT_TRUE(storage_.open_blocking().has_value());
    session_ = storage_.attach(executor_);
    stores_.users = session_->users();
    for (const char* name : {"romeo", "juliet", "nurse"}) {
      EXPECT_TRUE(executor_.get_blocking(stores_.users->create(key(name), store::CredentialSet()))
                      .has_value());
    }
    certificate_.trust = api::CertificateTrust::verified;
    certificate_.fingerprint = kPrint;
    settings_.kinds = {NameKind::xmpp, NameKind::email, NameKind::common_name};
    operations_.clear();
  }
  ~Exchange() override {
    storage_.close_blocking();
    executor_.run_ready();
  }

  static store::UserKey key(const std::string& local) { return {local, "example.org"}; }
  void bind(const std::string& local, BindingKind kind, const std::string& value) {
    EXPECT_TRUE(
        executor_.get_blocking(stores_.users->bind(key(local), Binding(kind, value))).has_value());
    operations_.clear();
  }
  api::AuthStep run(const std::string& authzid = {}, bool has_input = true) {
    ExternalExchange exchange(stores_, "example.org", certificate_, settings_, 3);
    return executor_.get_blocking(exchange.step(authzid, has_input));
  }
  /// The account's local part, or the failure's name.
  std::string outcome(const std::string& authzid = {}) {
    const api::AuthStep step = run(authzid);
    if (const auto* identity = std::get_if<api::AuthIdentity>(&step)) {
      EXPECT_EQ(identity->authzid, authzid);
      EXPECT_FALSE(identity->is_temporary);
      EXPECT_EQ(identity->session_slot, 3);
      const auto* login = static_cast<const CertificateLogin*>(identity->session_state.get());
      EXPECT_EQ(login->fingerprint(), kPrint);
      return identity->local;
    }
    const auto* failure = std::get_if<SaslFailure>(&step);
    return failure != nullptr ? std::string(xmpp::element_name(*failure)) : "challenge";
  }

  std::vector<std::string> operations_;
  std::string outage_;
  store::test::TestExecutor executor_;
  store::MemoryStorage storage_;
  std::unique_ptr<store::StorageSession> session_;
  api::HostStores stores_;
  api::ClientCertificate certificate_;
  Settings settings_;
};

TEST_F(Exchange, WithoutAnInitialResponseTheClientIsAskedForItsWish) {
  certificate_.xmpp_addresses = {"romeo@example.org"};
  const api::AuthStep step = run({}, false);
  ASSERT_TRUE(std::holds_alternative<api::AuthChallenge>(step));
  EXPECT_EQ(std::get<api::AuthChallenge>(step).data, "");
}

TEST_F(Exchange, AnAddressOfTheHostStandsForTheAccountOfThatName) {
  certificate_.xmpp_addresses = {"romeo@example.org"};
  EXPECT_EQ(outcome(), "romeo");
  EXPECT_EQ(outcome("romeo@example.org"), "romeo");
  EXPECT_EQ(outcome("Romeo@EXAMPLE.org"), "romeo");
  certificate_.xmpp_addresses = {"ROMEO@Example.Org"};
  EXPECT_EQ(outcome(), "romeo");
}

TEST_F(Exchange, WhereTheHostWantsItAnAddressHasToBeBound) {
  settings_.is_address_account = false;
  certificate_.xmpp_addresses = {"romeo@example.org"};
  EXPECT_EQ(outcome(), "not-authorized");
  bind("romeo", BindingKind::certificate_name, "xmpp:romeo@example.org");
  EXPECT_EQ(outcome(), "romeo");
}

TEST_F(Exchange, AnAddressOfAnotherHostIsNobodysUnlessItIsBound) {
  certificate_.xmpp_addresses = {"romeo@elsewhere.example"};
  EXPECT_EQ(outcome(), "not-authorized");
  bind("nurse", BindingKind::certificate_name, "xmpp:romeo@elsewhere.example");
  EXPECT_EQ(outcome(), "nurse");
}

TEST_F(Exchange, AddressesThatAreNoAccountsAreNobodys) {
  for (const char* address : {"example.org", "romeo@example.org/orchard", "@example.org", "romeo@",
                              "romeo@example.org@example.org", "ro meo@example.org", ""}) {
    certificate_.xmpp_addresses = {address};
    EXPECT_EQ(outcome(), "not-authorized") << address;
  }
}

TEST_F(Exchange, AnAccountThatIsNotThereAndAnAuthzidThatIsNotOnesOwnLookTheSameToTheAsker) {
  certificate_.xmpp_addresses = {"romeo@example.org"};
  static_cast<void>(outcome("romeo@example.org"));
  const std::vector<std::string> own = operations_;
  for (const char* authzid : {"juliet@example.org", "nobody@example.org", "romeo@elsewhere.example",
                              "juliet@elsewhere.example"}) {
    operations_.clear();
    EXPECT_EQ(outcome(authzid), "invalid-authzid") << authzid;
    EXPECT_EQ(operations_, own) << authzid;
  }
  certificate_.xmpp_addresses = {"nobody@example.org"};
  operations_.clear();
  EXPECT_EQ(outcome("juliet@example.org"), "not-authorized");
  const std::vector<std::string> existing = operations_;
  operations_.clear();
  EXPECT_EQ(outcome("nobody@example.org"), "not-authorized");
  EXPECT_EQ(operations_, existing);
}

TEST_F(Exchange, AnAuthzidMustBeABareAddressWithALocalPart) {
  certificate_.xmpp_addresses = {"romeo@example.org"};
  for (const std::string& authzid :
       {std::string("romeo"), std::string("example.org"), std::string("romeo@example.org/orchard"),
        std::string("romeo@example.org\0", 18), std::string("\0", 1),
        std::string("\xff@example.org"), std::string("@"),
        std::string(5000, 'a') + "@example.org"}) {
    EXPECT_EQ(outcome(authzid), "invalid-authzid") << authzid;
  }
}

TEST_F(Exchange, OfSeveralAccountsTheClientMustChooseOne) {
  certificate_.xmpp_addresses = {"romeo@example.org", "juliet@example.org", "nobody@example.org"};
  EXPECT_EQ(outcome(), "invalid-authzid");
  EXPECT_EQ(outcome("juliet@example.org"), "juliet");
  EXPECT_EQ(outcome("romeo@example.org"), "romeo");
  EXPECT_EQ(outcome("nurse@example.org"), "invalid-authzid");
  EXPECT_EQ(outcome("nobody@example.org"), "invalid-authzid");
}

TEST_F(Exchange, AddressesComeBeforeEmailsAndThoseBeforeTheCommonName) {
  certificate_.emails = {"romeo@Mail.Example"};
  certificate_.common_name = "Romeo Montague";
  EXPECT_EQ(outcome(), "not-authorized");
  bind("juliet", BindingKind::certificate_name, "cn:Romeo Montague");
  EXPECT_EQ(outcome(), "juliet");
  bind("nurse", BindingKind::certificate_name, "email:romeo@mail.example");
  EXPECT_EQ(outcome(), "nurse");
  certificate_.xmpp_addresses = {"romeo@example.org"};
  EXPECT_EQ(outcome(), "romeo");
  settings_.kinds = {NameKind::common_name, NameKind::xmpp};
  EXPECT_EQ(outcome(), "juliet");
  settings_.kinds = {};
  EXPECT_EQ(outcome(), "not-authorized");
}

TEST_F(Exchange, ABoundFingerprintComesBeforeAllNames) {
  certificate_.xmpp_addresses = {"romeo@example.org"};
  bind("juliet", BindingKind::certificate_fingerprint, kPrint);
  EXPECT_EQ(outcome(), "juliet");
  EXPECT_EQ(outcome("romeo@example.org"), "invalid-authzid");
}

TEST_F(Exchange, OfACertificateThatNobodyVouchesForOnlyTheFingerprintCounts) {
  certificate_.trust = api::CertificateTrust::unknown_issuer;
  certificate_.xmpp_addresses = {"romeo@example.org"};
  certificate_.common_name = "romeo";
  bind("romeo", BindingKind::certificate_name, "cn:romeo");
  EXPECT_EQ(outcome(), "not-authorized");
  bind("juliet", BindingKind::certificate_fingerprint, kPrint);
  EXPECT_EQ(outcome(), "juliet");
}

TEST_F(Exchange, AStorageThatIsAwayIsATemporaryFailureAtEveryQuestion) {
  certificate_.xmpp_addresses = {"romeo@example.org"};
  for (const char* operation : {"users.find_bound", "users.lookup"}) {
    outage_ = operation;
    EXPECT_EQ(outcome(), "temporary-auth-failure") << operation;
  }
  outage_.clear();
  EXPECT_EQ(outcome(), "romeo");
  stores_.users = nullptr;
  EXPECT_EQ(outcome(), "temporary-auth-failure");
}

TEST_F(Exchange, ADisabledAccountIsFoundForTheCoreSaysWhatItGets) {
  certificate_.xmpp_addresses = {"romeo@example.org"};
  EXPECT_TRUE(
      executor_.get_blocking(stores_.users->set_state(key("romeo"), store::AccountState::disabled))
          .has_value());
  EXPECT_EQ(outcome(), "romeo");
}

TEST(BindingValue, SpellsNamesAsBindingsDo) {
  EXPECT_EQ(binding_value(NameKind::xmpp, "Romeo@Example.ORG"), "xmpp:romeo@example.org");
  EXPECT_EQ(binding_value(NameKind::xmpp, "romeo@example.org/x"), "");
  EXPECT_EQ(binding_value(NameKind::email, "Romeo.M@Mail.EXAMPLE"), "email:Romeo.M@mail.example");
  EXPECT_EQ(binding_value(NameKind::common_name, "Romeo, CN=juliet"), "cn:Romeo, CN=juliet");
  EXPECT_EQ(binding_value(NameKind::common_name, ""), "");
  EXPECT_EQ(binding_value(NameKind::common_name, std::string(store::kBindingBytesMax - 2, 'a')),
            "");
}

TEST(MayAuthenticate, OnlyWhatIsVerifiedUnlessAnyIssuerIsTaken) {
  Settings trusted;
  Settings any;
  any.takes_any_issuer = true;
  api::ClientCertificate certificate;
  certificate.trust = api::CertificateTrust::verified;
  EXPECT_TRUE(may_authenticate(certificate, trusted));
  EXPECT_TRUE(may_authenticate(certificate, any));
  certificate.trust = api::CertificateTrust::unknown_issuer;
  EXPECT_FALSE(may_authenticate(certificate, trusted));
  EXPECT_TRUE(may_authenticate(certificate, any));
  certificate.trust = api::CertificateTrust::unusable;
  EXPECT_FALSE(may_authenticate(certificate, trusted));
  EXPECT_FALSE(may_authenticate(certificate, any));
}

}  // namespace
}  // namespace rondel::modules::auth_external
