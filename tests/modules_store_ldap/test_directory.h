// A slapd for one test, started and told what to do through directory.py.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "modules/store-ldap/ldap_options.h"

namespace rondel::modules::store_ldap {

inline constexpr const char* kReader = "cn=rondel,dc=example,dc=org";

/// Owner: the test. It ends with its object.
class TestDirectory {
 public:
  /// Null if slapd isn't installed.
  [[nodiscard]] static std::unique_ptr<TestDirectory> start_blocking();
  ~TestDirectory();
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  /// "start", "stop", "relay late 3", "delete DN"; a command that fails fails the test.
  void tell(const std::string& command);
  void add(const std::string& ldif) { tell_with_file("add", ldif); }
  /// Many at once, by slapadd, while slapd is stopped.
  void load(const std::string& ldif) { tell_with_file("load", ldif); }
  void modify(const std::string& ldif) { tell_with_file("modify", ldif); }

  [[nodiscard]] const std::string& uri() const { return uri_; }
  [[nodiscard]] const std::string& tls_uri() const { return tls_uri_; }
  [[nodiscard]] const std::string& relay_uri() const { return relay_uri_; }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }
  /// For both hosts, with short waits and every attribute; in clear.
  [[nodiscard]] LdapOptions options() const;

 private:
  TestDirectory() = default;
  void tell_with_file(const std::string& command, const std::string& ldif);
  [[nodiscard]] std::string read_line();

  std::FILE* input_ = nullptr;
  std::FILE* output_ = nullptr;
  pid_t child_ = -1;
  std::string uri_, tls_uri_, relay_uri_, folder_;
};

/// A groupOfNames as LDIF; members are DNs.
[[nodiscard]] std::string group(const std::string& name,
                                const std::string& host,
                                const std::vector<std::string>& members);
/// The DN of an entry that person() or group() makes.
[[nodiscard]] std::string dn(const std::string& name, const std::string& host);

/// An entry of inetOrgPerson and "chatter" as LDIF; attributes are "name=value" pairs.
[[nodiscard]] std::string person(
    const std::string& name,
    const std::string& host,
    const std::vector<std::pair<std::string, std::string>>& attributes);

}  // namespace rondel::modules::store_ldap
