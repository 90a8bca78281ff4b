// The tests that every storage passes.
//
// A storage's own tests compile storage_conformance*.cc in and instantiate the suites:
//   INSTANTIATE_TEST_SUITE_P(Memory, StorageConformance, testing::Values(kind), kind_name);
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "store/storage.h"
#include "tests/store/test_executor.h"

namespace rondel::store::test {

/// An opened, empty storage with a way to break it.
class StorageUnderTest {
 public:
  virtual ~StorageUnderTest() = default;
  virtual Storage& storage() = 0;
  /// From true to false every write fails; reads may.
  virtual void set_outage(bool is_out) = 0;
  /// The storage fails in the middle of its work: at step number `steps` from now on (what a step
  /// is, it knows itself), and from then on until heal(). 0: at once.
  virtual void break_after(std::size_t steps) = 0;
  virtual void heal() = 0;
};

struct StorageKind {
  std::string name;
  std::function<std::unique_ptr<StorageUnderTest>()> make;
};

inline std::string kind_name(const testing::TestParamInfo<StorageKind>& info) {
  return info.param.name;
}

class StorageConformance : public testing::TestWithParam<StorageKind> {
 protected:
  void SetUp() override;
  void TearDown() override;

  template <class T>
  T get(base::Task<T> task) {
    return shard_.get_blocking(std::move(task));
  }
  UserStore& users() { return *session_->users(); }
  RosterStore& rosters() { return *session_->rosters(); }
  OfflineStore& offline() { return *session_->offline(); }
  KeyValueStore& key_values() { return *session_->key_values(); }

  TestExecutor shard_;
  std::unique_ptr<StorageUnderTest> under_test_;
  std::unique_ptr<StorageSession> session_;
};
class UserConformance : public StorageConformance {};
class RosterConformance : public StorageConformance {};
class OfflineConformance : public StorageConformance {};
class KeyValueConformance : public StorageConformance {};
class SessionConformance : public StorageConformance {};
class BindingConformance : public StorageConformance {};
class FaultConformance : public StorageConformance {};
class TransferConformance : public StorageConformance {};

#define RONDEL_STORAGE_CONFORMS(Name, ...)                                                      \
  INSTANTIATE_TEST_SUITE_P(Name, UserConformance, testing::Values(__VA_ARGS__), kind_name);     \
  INSTANTIATE_TEST_SUITE_P(Name, RosterConformance, testing::Values(__VA_ARGS__), kind_name);   \
  INSTANTIATE_TEST_SUITE_P(Name, OfflineConformance, testing::Values(__VA_ARGS__), kind_name);  \
  INSTANTIATE_TEST_SUITE_P(Name, KeyValueConformance, testing::Values(__VA_ARGS__), kind_name); \
  INSTANTIATE_TEST_SUITE_P(Name, SessionConformance, testing::Values(__VA_ARGS__), kind_name);  \
  INSTANTIATE_TEST_SUITE_P(Name, BindingConformance, testing::Values(__VA_ARGS__), kind_name);  \
  INSTANTIATE_TEST_SUITE_P(Name, FaultConformance, testing::Values(__VA_ARGS__), kind_name);    \
  INSTANTIATE_TEST_SUITE_P(Name, TransferConformance, testing::Values(__VA_ARGS__), kind_name)

/// Credentials for all three hashes; `seed` makes them differ.
CredentialSet sample_credentials(const std::string& seed);
/// Texts that would break out of a statement of SQL or a filter of LDAP.
std::vector<std::string> hostile_texts();
/// Local parts with every legal character and those that mean something to SQL or LDAP.
std::vector<std::string> odd_local_parts();

/// "ok", or the failure's name.
template <class T>
std::string outcome_of(const StoreResult<T>& result) {
  return result.has_value() ? "ok" : std::string(failure_name(result.error().failure));
}

}  // namespace rondel::store::test
