// One connection to an LDAP server, without libldap's types.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_function.h"
#include "modules/store-ldap/ldap_options.h"

namespace rondel::modules::store_ldap {

/// What a server has of one object.
struct Entry {
  std::string dn;
  std::vector<std::pair<std::string, std::vector<std::string>>> attributes;

  /// Its values; names compare without regard to case and to options such as ";binary".
  [[nodiscard]] const std::vector<std::string>& values(std::string_view attribute) const;
  /// The first value, or "".
  [[nodiscard]] const std::string& value(std::string_view attribute) const;
};

struct Search {
  std::string base;
  enum class Where : std::uint8_t { base, one_level, subtree } where = Where::subtree;
  std::string filter;
  std::vector<std::string> attributes;
};

struct LdapError {
  LdapError(bool lost, bool late, std::string text)
      : is_lost(lost), is_late(late), message(std::move(text)) {}

  bool is_lost;  ///< The connection is of no use any more.
  bool is_late;  ///< The time limit passed; asking another time would only cost it again.
  std::string message;
};

template <class T>
using LdapResult = base::Result<T, LdapError>;

/// Thread: one. Owner: a Directory.
class Connection {
 public:
  /// Connects, and has TLS up, unless the options and the URI say that there is none; not bound.
  [[nodiscard]] static LdapResult<std::unique_ptr<Connection>> open_blocking(
      const std::string& uri, const ConnectionOptions& options);
  ~Connection();

  /// False: the server says that this isn't the password. `password` must not be empty: that would
  /// be an anonymous bind, which succeeds. Source: RFC 4513 §5.1.2.
  [[nodiscard]] LdapResult<bool> bind_blocking(const std::string& dn, const std::string& password);

  /// At most `entries_max`; `is_more` says that there are others. References are not followed.
  struct Found {
    std::vector<Entry> entries;
    bool is_more = false;
  };
  [[nodiscard]] LdapResult<Found> search_blocking(const Search& search, int entries_max);

  /// All, page by page. Source: RFC 2696.
  [[nodiscard]] LdapResult<void> search_all_blocking(const Search& search,
                                                     base::UniqueFunction<void(Entry)>& take);

  [[nodiscard]] const std::string& uri() const { return uri_; }

 private:
  struct Handle;
  Connection(std::string uri, std::unique_ptr<Handle> handle, const ConnectionOptions& options);
  [[nodiscard]] LdapError error_of(int outcome, std::string_view what) const;
  void limit_reads_and_writes();

  const std::string uri_;
  const std::unique_ptr<Handle> handle_;
  const ConnectionOptions& options_;
};

}  // namespace rondel::modules::store_ldap
