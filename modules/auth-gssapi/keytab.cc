#include "modules/auth-gssapi/keytab.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <krb5.h>
#include <memory>
#include <set>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace rondel::modules::auth_gssapi {
namespace {

base::Unexpected<base::Error> unusable(const std::string& path, std::string_view why) {
  return base::Unexpected(base::Error(fmt::format("cannot use the keytab {}: {}", path, why)));
}

class Context {
 public:
  Context() { is_made_ = krb5_init_context(&context_) == 0; }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    if (is_made_) {
      krb5_free_context(context_);
    }
  }
  [[nodiscard]] bool is_made() const { return is_made_; }
  [[nodiscard]] krb5_context get() const { return context_; }

  [[nodiscard]] std::string message(krb5_error_code code) const {
    const char* text = krb5_get_error_message(context_, code);
    std::string copy = text;
    krb5_free_error_message(context_, text);
    return copy;
  }

 private:
  krb5_context context_ = nullptr;
  bool is_made_ = false;
};

/// Adds the names that `keytab` has keys of.
krb5_error_code read_names(const Context& context,
                           krb5_keytab keytab,
                           std::set<std::string>& names) {
  krb5_kt_cursor cursor{};
  krb5_error_code code = krb5_kt_start_seq_get(context.get(), keytab, &cursor);
  if (code != 0) {
    return code;
  }
  krb5_keytab_entry entry{};
  while ((code = krb5_kt_next_entry(context.get(), keytab, &entry, &cursor)) == 0) {
    char* name = nullptr;
    if (krb5_unparse_name(context.get(), entry.principal, &name) == 0) {
      names.insert(name);
      krb5_free_unparsed_name(context.get(), name);
    }
    krb5_free_keytab_entry_contents(context.get(), &entry);
  }
  krb5_kt_end_seq_get(context.get(), keytab, &cursor);
  return code == KRB5_KT_END ? 0 : code;
}

/// Whether `name` is `principal`, in any realm unless that names one.
bool is_in_realm(const std::string& name, const std::string& principal) {
  if (principal.find('@') != std::string::npos) {
    return name == principal;
  }
  return name.size() > principal.size() + 1 && name.starts_with(principal) &&
         name[principal.size()] == '@';
}

std::vector<std::string> needed_principals(const Service& service) {
  std::vector<std::string> needed;
  if (!service.domain_based.empty()) {
    needed.push_back(service.domain_based);
  }
  if (service.is_principal_needed) {
    needed.push_back(service.principal);
  }
  return needed;
}

}  // namespace

bool Service::is(const std::string& name) const {
  return is_in_realm(name, principal) || (!domain_based.empty() && is_in_realm(name, domain_based));
}

base::Result<void> check_keytab_blocking(const Service& service) {
  const std::vector<std::string> needed = needed_principals(service);
  if (::access(service.keytab.c_str(), R_OK) != 0) {
    return unusable(service.keytab,
                    fmt::format("{}; `kadmin -q 'ktadd -k {} {}'` makes it, and the server's user "
                                "must be able to read it",
                                std::generic_category().message(errno), service.keytab,
                                fmt::join(needed, " ")));
  }
  const Context context;
  krb5_keytab keytab = nullptr;
  if (!context.is_made() ||
      krb5_kt_resolve(context.get(), ("FILE:" + service.keytab).c_str(), &keytab) != 0) {
    return unusable(service.keytab, "Kerberos cannot be set up; look at /etc/krb5.conf");
  }
  std::set<std::string> names;
  const krb5_error_code code = read_names(context, keytab, names);
  krb5_kt_close(context.get(), keytab);
  if (code != 0) {
    return unusable(service.keytab, context.message(code));
  }
  for (const std::string& principal : needed) {
    if (std::ranges::none_of(names,
                             [&](const auto& name) { return is_in_realm(name, principal); })) {
      return unusable(
          service.keytab,
          fmt::format("it has keys of {}, and none of {}",
                      names.empty() ? "nobody" : fmt::format("{}", fmt::join(names, ", ")),
                      principal));
    }
  }
  return {};
}

}  // namespace rondel::modules::auth_gssapi
