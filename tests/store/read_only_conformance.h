// The tests that every storage passes whose users are written elsewhere; a storage that can be
// written passes them too.
//
//   INSTANTIATE_TEST_SUITE_P(Ldap, ReadOnlyUserConformance, testing::Values(kind), ...);
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/storage.h"
#include "tests/store/test_executor.h"

namespace rondel::store::test {

/// A user as whoever writes the storage puts it there.
struct WrittenUser {
  WrittenUser(std::string local, std::string host, std::string secret = {})
      : user(std::move(local), std::move(host)), password(std::move(secret)) {}

  UserKey user;
  std::string password;  ///< Empty: none.
  AccountState state = AccountState::active;
  std::vector<Binding> bindings;  ///< Principals only.
};

/// An opened, empty storage for the hosts example.org and example.net.
class WrittenStorage {
 public:
  virtual ~WrittenStorage() = default;
  virtual Storage& storage() = 0;
  virtual void write(const std::vector<WrittenUser>& users) = 0;
  /// The fastest way there is to get very many there; may be out of reach meanwhile.
  virtual void fill(const std::vector<WrittenUser>& users) { write(users); }
  virtual void remove(const UserKey& user) = 0;
  /// From true to false every operation is unavailable.
  virtual void set_outage(bool is_out) = 0;
};

struct WrittenStorageKind {
  std::string name;
  std::function<std::unique_ptr<WrittenStorage>()> make;  ///< Null: what it needs is missing here.
};

class ReadOnlyUserConformance : public testing::TestWithParam<WrittenStorageKind> {
 protected:
  void SetUp() override;
  void TearDown() override;

  template <class T>
  T get(base::Task<T> task) {
    return shard_.get_blocking(std::move(task));
  }
  UserStore& users() { return *session_->users(); }

  TestExecutor shard_;
  std::unique_ptr<WrittenStorage> under_test_;
  std::unique_ptr<StorageSession> session_;
};

}  // namespace rondel::store::test
