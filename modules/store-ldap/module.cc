// The module store-ldap: users from a directory.
#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/store-ldap/filter.h"
#include "modules/store-ldap/ldap_storage.h"
#include "xmpp/jid.h"

namespace rondel::modules::store_ldap {
namespace {

using config::OptionSpec;
using config::OptionType;
using config::Places;

constexpr std::string_view kName = "store-ldap";
constexpr std::array<std::string_view, 2> kTls{"starttls", "off"};
constexpr std::array<std::string_view, 2> kScopes{"subtree", "one-level"};
constexpr std::array<std::string_view, 2> kMembers{"dn", "name"};

std::string_view check_server(std::string_view uri) {
  const bool is_uri = (uri.starts_with("ldap://") && uri.size() > 7) ||
                      (uri.starts_with("ldaps://") && uri.size() > 8) ||
                      uri.starts_with("ldapi://");
  const bool is_plain = uri.find_first_of(std::string_view(" ?\0", 3)) == uri.npos;
  return is_uri && is_plain ? std::string_view()
                            : "a server such as ldaps://directory.example.org or ldap://[::1]:389";
}

constexpr OptionSpec for_all(OptionSpec spec) {
  spec.places = Places::all_only;
  return spec;
}
constexpr OptionSpec for_hosts(OptionSpec spec) {
  spec.places = Places::all_and_hosts;
  return spec;
}
constexpr OptionSpec attribute(std::string_view name,
                               std::string_view value,
                               std::string_view doc) {
  return for_hosts({.name = name,
                    .type = OptionType::text,
                    .default_text = value,
                    .check = check_attribute,
                    .doc = doc});
}
constexpr OptionSpec time_limit(std::string_view name, std::int64_t ms, std::string_view doc) {
  return for_all({.name = name,
                  .type = OptionType::duration,
                  .default_integer = ms,
                  .minimum = 10,
                  .maximum = 60'000,
                  .doc = doc});
}

constexpr std::array kOptions{
    for_all({.name = "servers",
             .type = OptionType::text_list,
             .check = check_server,
             .doc = "Servers of one directory, the preferred one first; the next is asked while "
                    "one is away."}),
    for_all({.name = "tls",
             .type = OptionType::choice,
             .default_text = "starttls",
             .choices = kTls,
             .doc = "What is done on ldap://: passwords travel on it, so `off` is for the machine "
                    "itself. ldaps:// is TLS in any case."}),
    for_all({.name = "tls_ca",
             .type = OptionType::path,
             .doc = "The authorities, in PEM, that vouch for the servers; else those of the "
                    "machine."}),
    for_all({.name = "bind_dn",
             .type = OptionType::text,
             .doc = "The service account that searches; without one searches are anonymous."}),
    for_all({.name = "password_file",
             .type = OptionType::path,
             .doc = "A file with the service account's password in its first line, which only its "
                    "owner may read."}),
    for_all({.name = "password_credential",
             .type = OptionType::text,
             .doc = "Instead: a credential of the service manager (LoadCredential=), by name."}),
    for_all({.name = "password_environment",
             .type = OptionType::text,
             .doc = "Instead: a variable of the environment, by name."}),
    for_all({.name = "connections",
             .type = OptionType::integer,
             .default_integer = 4,
             .minimum = 1,
             .maximum = 64,
             .unit = "threads",
             .doc = "Threads that ask the directory, each with two connections: one searches, one "
                    "tries users' passwords."}),
    time_limit("connect_timeout", 3000, "How long a server may take for a connection and TLS."),
    time_limit("operation_timeout", 5000, "How long it may take for an answer."),
    time_limit("retry_first", 100, "How long a server that failed is left alone, at first."),
    time_limit("retry_max", 5000, "That time doubles with every failure, up to this."),
    for_all({.name = "page_size",
             .type = OptionType::integer,
             .default_integer = 500,
             .minimum = 1,
             .maximum = 10'000,
             .unit = "entries",
             .doc = "How many entries are asked for at once where all are read."}),
    for_hosts({.name = "base",
               .type = OptionType::text,
               .doc = "Where the users of the host are; a host without it has none here."}),
    for_hosts({.name = "scope",
               .type = OptionType::choice,
               .default_text = "subtree",
               .choices = kScopes,
               .doc = "Whether users are anywhere below the base, or right below it."}),
    for_hosts({.name = "filter",
               .type = OptionType::text,
               .default_text = "(uid=%u)",
               .check = check_user_filter,
               .doc = "Finds a user; %u is the local part, %j the bare JID, %h the host, each "
                      "escaped."}),
    attribute("user_attribute",
              "uid",
              "Holds the local part, or the bare JID; what the filter finds must have the user "
              "here."),
    for_hosts({.name = "disabled_filter",
               .type = OptionType::text,
               .check = check_optional_filter,
               .doc = "Users that it matches as well are disabled, such as "
                      "(pwdAccountLockedTime=*)."}),
    attribute("principal_attribute",
              "krbPrincipalName",
              "The Kerberos principals of a user, as name@REALM."),
    attribute(
        "certificate_attribute", "userCertificate;binary", "The certificates of a user, in DER."),
    attribute(
        "certificate_xmpp_attribute", "", "XMPP addresses that a user's certificates may have."),
    attribute("certificate_email_attribute",
              "",
              "E-mail addresses that a user's certificates may have, such as mail."),
    attribute("certificate_cn_attribute",
              "",
              "Common names that a user's certificates may have; others must not be able to take "
              "them."),
    for_hosts(
        {.name = "certificate_refresh",
         .type = OptionType::duration,
         .default_integer = 60'000,
         .minimum = 100,
         .maximum = 86'400'000,
         .doc = "How often all certificates may be read, when one is shown that nobody has."}),
    for_hosts({.name = "group_base",
               .type = OptionType::text,
               .doc = "Where groups are: with it, the members of each group are in each other's "
                      "rosters; without it, nobody is."}),
    for_hosts({.name = "group_filter",
               .type = OptionType::text,
               .default_text = "(objectClass=groupOfNames)",
               .check = check_plain_filter,
               .doc = "Finds the groups below `group_base`."}),
    attribute("group_name_attribute", "cn", "How a group is called in rosters."),
    attribute("group_member_attribute", "member", "The members of a group."),
    for_hosts({.name = "group_members",
               .type = OptionType::choice,
               .default_text = "dn",
               .choices = kMembers,
               .doc = "Whether that holds the names of users' entries (`member`), or what "
                      "`user_attribute` holds (`memberUid`)."}),
    for_hosts({.name = "group_members_max",
               .type = OptionType::integer,
               .default_integer = 1000,
               .minimum = 2,
               .maximum = 5000,
               .unit = "users",
               .doc = "A group with more members than this counts for nobody."}),
    for_hosts({.name = "group_refresh",
               .type = OptionType::duration,
               .default_integer = 300'000,
               .minimum = 100,
               .maximum = 86'400'000,
               .doc = "How often groups and the users in them are read."}),
    attribute("contact_name_attribute",
              "cn",
              "How a user is called in the rosters of others in its groups; empty: they see the "
              "address.")};

ConnectionOptions connection_of(const config::Options& options) {
  ConnectionOptions connection;
  connection.servers = options.texts("servers");
  connection.has_starttls = options.text("tls") == "starttls";
  connection.tls_ca = options.path("tls_ca");
  connection.bind_dn = options.text("bind_dn");
  connection.password = {options.path("password_file"), options.text("password_credential"),
                         options.text("password_environment")};
  connection.connect_timeout = options.duration("connect_timeout");
  connection.operation_timeout = options.duration("operation_timeout");
  connection.retry_first = options.duration("retry_first");
  connection.retry_max = std::max(connection.retry_first, options.duration("retry_max"));
  connection.page_size = static_cast<int>(options.integer("page_size"));
  return connection;
}

HostDirectory host_of(const config::Options& options, std::string host) {
  HostDirectory directory;
  directory.host = std::move(host);
  directory.base = options.text("base");
  directory.scope = options.text("scope") == "subtree" ? Scope::subtree : Scope::one_level;
  directory.filter = options.text("filter");
  directory.user_attribute = options.text("user_attribute");
  directory.disabled_filter = options.text("disabled_filter");
  directory.principal_attribute = options.text("principal_attribute");
  directory.certificate_attribute = options.text("certificate_attribute");
  directory.xmpp_attribute = options.text("certificate_xmpp_attribute");
  directory.email_attribute = options.text("certificate_email_attribute");
  directory.common_name_attribute = options.text("certificate_cn_attribute");
  directory.certificate_refresh = options.duration("certificate_refresh");
  directory.group_base = options.text("group_base");
  directory.group_filter = options.text("group_filter");
  directory.group_name_attribute = options.text("group_name_attribute");
  directory.group_member_attribute = options.text("group_member_attribute");
  directory.group_members = options.text("group_members") == "dn" ? Members::dn : Members::name;
  directory.group_members_max = static_cast<std::size_t>(options.integer("group_members_max"));
  directory.group_refresh = options.duration("group_refresh");
  directory.contact_name_attribute = options.text("contact_name_attribute");
  return directory;
}

class OnShard final : public api::ShardModule {};

class LdapModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    const config::Snapshot& config = registrar.config();
    const config::Options options = config.options(kName);
    LdapOptions ldap;
    ldap.connection = connection_of(options);
    ldap.connections = static_cast<std::size_t>(options.integer("connections"));
    for (const config::HostOptions& host : config.hosts()) {
      const config::Options here = config.options(kName, host.name);
      const auto address = xmpp::Jid::parse(host.name);
      if (address && config.serves(kName, host.name) && !here.text("base").empty()) {
        ldap.hosts.push_back(host_of(here, std::string(address->domain())));
      }
    }
    auto storage = std::make_unique<LdapStorage>(std::move(ldap));
    storage_ = storage.get();
    registrar.add_storage(std::move(storage));
    return {};
  }

  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard& shard) override {
    storage_->reporter().attach(shard.log());
    return std::make_unique<OnShard>();
  }

 private:
  LdapStorage* storage_ = nullptr;  ///< The server's; it lives as long as its shards.
};

constexpr std::array kProtocols{api::Protocol{"RFC 4511", "2006-06"},
                                api::Protocol{"RFC 4515", "2006-06"},
                                api::Protocol{"RFC 2696", "1999-09"}};

constexpr api::ModuleInfo kInfo{
    .name = kName,
    .description = "Users and their groups from an LDAP directory, which is never written.",
    .options = kOptions,
    .protocols = kProtocols,
    .create = &api::create_module<LdapModule>};

}  // namespace
}  // namespace rondel::modules::store_ldap

RONDEL_MODULE(rondel::modules::store_ldap::kInfo);
