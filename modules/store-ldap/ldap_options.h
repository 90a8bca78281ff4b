// How directories are reached, and what in them is a user of a host.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "store/store_result.h"

namespace rondel::modules::store_ldap {

using store::StoreError;
using store::StoreResult;

/// Where a password stands that must not stand in the configuration; at most one is set.
struct SecretPlace {
  std::string file;
  std::string credential;   ///< A file's name in $CREDENTIALS_DIRECTORY.
  std::string environment;  ///< A variable's name.
};

/// How one directory is reached, by any of its servers.
struct ConnectionOptions {
  std::vector<std::string> servers;  ///< URIs, the preferred one first.
  bool has_starttls = true;          ///< On ldap:// only; ldaps:// and ldapi:// need none.
  std::string tls_ca;                ///< PEM; empty: the authorities of the machine.
  std::string bind_dn;               ///< The service account; empty: searches are anonymous.
  SecretPlace password;              ///< The service account's.
  std::chrono::milliseconds connect_timeout{3000};    ///< For the socket and for TLS.
  std::chrono::milliseconds operation_timeout{5000};  ///< For each question.
  std::chrono::milliseconds retry_first{100};  ///< A server that failed is left alone for so long …
  std::chrono::milliseconds retry_max{5000};  ///< … and twice as long each time, up to this.
  int page_size = 500;                        ///< Entries asked for at once. RFC 2696.
};

enum class Scope : std::uint8_t { subtree, one_level };
/// How a group names its members: by their entries' names, or as users.
enum class Members : std::uint8_t { dn, name };

/// What in the directory is a user of one host. Attributes that are empty are not asked for.
struct HostDirectory {
  std::string host;  ///< Normalised.
  std::string base;
  Scope scope = Scope::subtree;
  std::string filter = "(uid=%u)";     ///< See filter.h for what it may hold.
  std::string user_attribute = "uid";  ///< Holds the local part, or the whole bare JID.
  std::string disabled_filter;         ///< Users that it matches too may not log in.
  std::string principal_attribute;     ///< Kerberos principals.
  std::string certificate_attribute;   ///< Certificates in DER.
  std::string xmpp_attribute;          ///< Names in certificates: addresses of XMPP …
  std::string email_attribute;         ///< … and of e-mail …
  std::string common_name_attribute;   ///< … and common names.
  /// Certificates of all users are read at most so often, when one is shown that nobody has.
  std::chrono::milliseconds certificate_refresh{60'000};

  std::string group_base;  ///< Where groups are; empty: they give nobody contacts.
  std::string group_filter = "(objectClass=groupOfNames)";
  std::string group_name_attribute = "cn";
  std::string group_member_attribute = "member";
  Members group_members = Members::dn;
  std::size_t group_members_max = 1000;  ///< A larger group counts for nobody.
  std::chrono::milliseconds group_refresh{300'000};
  std::string contact_name_attribute = "cn";  ///< Of a user, for others of its groups.
};

struct LdapOptions {
  ConnectionOptions connection;
  std::vector<HostDirectory> hosts;
  std::size_t connections = 4;  ///< Threads, each with connections of its own.
};

/// Reads the password anew; empty if no place is named. Wiping it is the caller's.
///
/// Errors: invalid, with a sentence that names the place: it can't be read, it is empty, several
/// are named, or others than its owner may read the file.
[[nodiscard]] StoreResult<std::string> read_secret_blocking(const SecretPlace& place);

}  // namespace rondel::modules::store_ldap
