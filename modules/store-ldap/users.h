// Users as a directory has them: they are read, never written.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "modules/store-ldap/directory.h"
#include "modules/store-ldap/ldap_options.h"
#include "store/blocking.h"

namespace rondel::modules::store_ldap {

/// What all threads of a storage share.
struct Shared {
  explicit Shared(const LdapOptions& all) : options(all), reporter(all.connection.servers) {}

  const LdapOptions options;
  Reporter reporter;
  /// How long the directory takes to refuse a password, in the middle: names of nobody take as
  /// long.
  std::atomic<std::uint32_t> refusal_us{0};
};

/// Two entries for one user are unavailable, and said in the log: never the first of them.
///
/// Thread: one. Owner: an Engine.
class Users final : public store::ReadOnlyUsers {
 public:
  Users(Directory& directory, Shared& shared) : directory_(directory), shared_(shared) {}

  StoreResult<store::Account> lookup(const store::UserKey& user) override;
  /// Bindings only: a directory gives no keys.
  StoreResult<store::AccountWithCredentials> credentials(const store::UserKey& user) override;
  StoreResult<std::vector<store::Account>> list(const std::string& host,
                                                const std::string& after_local,
                                                std::size_t limit) override;
  StoreResult<std::uint64_t> count(const std::string& host) override;
  StoreResult<std::vector<store::UserKey>> find_bound(const std::string& host,
                                                      const store::Binding& binding) override;
  StoreResult<bool> check_password(const store::UserKey& user,
                                   const std::string& password) override;

 private:
  using Host = HostDirectory;
  /// All users of a host, which the next pages of a listing are cut from.
  struct Listing {
    std::vector<store::Account> accounts;  ///< By local part.
    std::uint64_t read_ms = 0;
  };
  /// Whose certificates are whose, as of some time ago.
  struct Certificates {
    std::unordered_multimap<std::string, std::string> locals;  ///< By fingerprint.
    std::uint64_t read_ms = 0;
  };

  [[nodiscard]] StoreResult<const Host*> host_of(const std::string& name) const;
  /// Errors: not_found; unavailable, also if there are two.
  [[nodiscard]] StoreResult<Entry> find(const Host& host, const store::UserKey& user);
  [[nodiscard]] StoreResult<store::Account> account_of(const Host& host,
                                                       const store::UserKey& user,
                                                       const Entry& entry);
  [[nodiscard]] StoreResult<const Listing*> listing(const Host& host, bool may_be_old);
  [[nodiscard]] StoreResult<void> read_listing(const Host& host, Listing& listing);
  [[nodiscard]] StoreResult<std::vector<store::UserKey>> find_by_fingerprint(
      const Host& host, const store::Binding& binding);
  [[nodiscard]] StoreResult<std::vector<store::UserKey>> find_by_value(
      const Host& host, const store::Binding& binding);
  [[nodiscard]] StoreResult<const Certificates*> certificates(const Host& host,
                                                              const std::string& wanted);
  [[nodiscard]] StoreResult<bool> refuse_like_others(const Host& host, const std::string& password);
  void note_refusal(std::uint64_t took_us);

  Directory& directory_;
  Shared& shared_;
  std::unordered_map<std::string, Listing> listings_;  ///< By host, as the next.
  std::unordered_map<std::string, Certificates> certificates_;
};

}  // namespace rondel::modules::store_ldap
