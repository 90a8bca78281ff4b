#include "modules/store-ldap/entry_reader.h"

#include <algorithm>
#include <charconv>
#include <openssl/evp.h>
#include <optional>

#include "base/check.h"
#include "base/encoding.h"
#include "modules/store-ldap/filter.h"
#include "xmpp/jid.h"

namespace rondel::modules::store_ldap {
namespace {

using store::Binding;
using store::BindingKind;

/// Which attribute holds names of which form.
struct NameSource {
  std::string_view prefix;
  const std::string& attribute;
};
std::vector<NameSource> name_sources(const HostDirectory& host) {
  return {{"xmpp:", host.xmpp_attribute},
          {"email:", host.email_attribute},
          {"cn:", host.common_name_attribute}};
}

std::string name_of(std::string_view prefix, const std::string& value) {
  if (prefix == "xmpp:") {
    const auto jid = xmpp::Jid::parse(value);
    return jid ? std::string(prefix).append(jid->full()) : std::string();
  }
  std::string name = std::string(prefix).append(value);
  if (prefix == "email:") {
    // Domains are the same in small letters; what stands before them may not be.
    for (std::size_t i = name.rfind('@') + 1; i < name.size(); ++i) {
      name[i] =
          name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] + ('a' - 'A')) : name[i];
    }
  }
  return name;
}

void add(std::vector<Binding>& bindings, BindingKind kind, std::string value) {
  Binding binding(kind, std::move(value));
  if (store::check_binding(binding)) {
    bindings.push_back(std::move(binding));
  }
}

std::optional<int> number(std::string_view text, std::size_t begin, std::size_t size) {
  int value = 0;
  const std::string_view digits = text.substr(std::min(begin, text.size()), size);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_number = error == std::errc() && digits.size() == size &&
                         end == digits.data() + digits.size() && digits[0] != '-';
  return is_number ? std::optional(value) : std::nullopt;
}

}  // namespace

std::vector<std::string> attributes_of(const HostDirectory& host) {
  std::vector<std::string> names{host.user_attribute, "createTimestamp", "pwdChangedTime"};
  for (const std::string* name :
       {&host.principal_attribute, &host.certificate_attribute, &host.xmpp_attribute,
        &host.email_attribute, &host.common_name_attribute}) {
    if (!name->empty()) {
      names.push_back(*name);
    }
  }
  return names;
}

std::vector<std::string> locals_of(const Entry& entry, const HostDirectory& host) {
  std::vector<std::string> locals;
  for (const std::string& value : entry.values(host.user_attribute)) {
    const bool is_address = value.find('@') != std::string::npos;
    const auto jid = is_address ? xmpp::Jid::parse(value) : xmpp::Jid::from_parts(value, host.host);
    if (jid && jid->has_local() && jid->domain() == host.host && jid->view().is_bare()) {
      locals.emplace_back(jid->local());
    }
  }
  std::ranges::sort(locals);
  const auto repeated = std::ranges::unique(locals);
  locals.erase(repeated.begin(), repeated.end());
  return locals;
}

std::string fingerprint_of(std::string_view der) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  RONDEL_CHECK(EVP_Digest(der.data(), der.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  return base::hex_encode({reinterpret_cast<const char*>(digest), size});
}

std::vector<Binding> bindings_of(const Entry& entry, const HostDirectory& host) {
  std::vector<Binding> bindings;
  if (!host.certificate_attribute.empty()) {
    for (const std::string& der : entry.values(host.certificate_attribute)) {
      add(bindings, BindingKind::certificate_fingerprint, fingerprint_of(der));
    }
  }
  for (const NameSource& source : name_sources(host)) {
    if (!source.attribute.empty()) {
      for (const std::string& value : entry.values(source.attribute)) {
        add(bindings, BindingKind::certificate_name, name_of(source.prefix, value));
      }
    }
  }
  if (!host.principal_attribute.empty()) {
    for (const std::string& value : entry.values(host.principal_attribute)) {
      add(bindings, BindingKind::principal, value);
    }
  }
  std::ranges::sort(bindings);
  const auto repeated = std::ranges::unique(bindings);
  bindings.erase(repeated.begin(), repeated.end());
  bindings.resize(std::min(bindings.size(), store::kBindingsMax));
  return bindings;
}

std::string filter_of_binding(const HostDirectory& host, const Binding& binding) {
  if (binding.kind == BindingKind::principal) {
    return host.principal_attribute.empty() ? std::string()
                                            : filter_equal(host.principal_attribute, binding.value);
  }
  if (binding.kind == BindingKind::certificate_name) {
    for (const NameSource& source : name_sources(host)) {
      if (binding.value.starts_with(source.prefix) && !source.attribute.empty()) {
        return filter_equal(source.attribute, binding.value.substr(source.prefix.size()));
      }
    }
  }
  return std::string();
}

store::Timestamp parse_generalized_time(std::string_view text) {
  namespace time = std::chrono;
  const auto year = number(text, 0, 4);
  const auto month = number(text, 4, 2);
  const auto day = number(text, 6, 2);
  const auto hour = number(text, 8, 2);
  const auto minute = number(text, 10, 2);
  const auto second = number(text, 12, 2);
  if (!year || !month || !day || !hour || !minute || !second || !text.ends_with('Z')) {
    return {};
  }
  const time::year_month_day date{time::year(*year), time::month(static_cast<unsigned>(*month)),
                                  time::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) {
    return {};
  }
  return store::timestamp_of(time::sys_days(date) + time::hours(*hour) + time::minutes(*minute) +
                             time::seconds(*second));
}

}  // namespace rondel::modules::store_ldap
