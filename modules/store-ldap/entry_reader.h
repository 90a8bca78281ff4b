// What an entry says of a user.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "modules/store-ldap/connection.h"
#include "modules/store-ldap/ldap_options.h"
#include "store/account.h"

namespace rondel::modules::store_ldap {

/// Where below the base the users of a host are.
[[nodiscard]] inline Search::Where where_of(const HostDirectory& host) {
  return host.scope == Scope::subtree ? Search::Where::subtree : Search::Where::one_level;
}

/// The attributes that a user's entry is asked for.
[[nodiscard]] std::vector<std::string> attributes_of(const HostDirectory& host);

/// The local parts that the entry stands for, prepared; those of other hosts and what can't be a
/// local part are left out.
[[nodiscard]] std::vector<std::string> locals_of(const Entry& entry, const HostDirectory& host);

/// Sorted, each once, at most kBindingsMax; values that no binding can have are left out.
[[nodiscard]] std::vector<store::Binding> bindings_of(const Entry& entry,
                                                      const HostDirectory& host);
/// SHA-256 in hexadecimal, as BindingKind::certificate_fingerprint has it.
[[nodiscard]] std::string fingerprint_of(std::string_view der);

/// A filter for entries that may have `binding`, or "" if the options name no attribute for it.
/// Fingerprints can't be searched for.
[[nodiscard]] std::string filter_of_binding(const HostDirectory& host,
                                            const store::Binding& binding);

/// 1970 for what is no time. Source: RFC 4517 §3.3.13, in UTC.
[[nodiscard]] store::Timestamp parse_generalized_time(std::string_view text);

}  // namespace rondel::modules::store_ldap
