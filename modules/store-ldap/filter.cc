#include "modules/store-ldap/filter.h"

#include <algorithm>
#include <fmt/format.h>
#include <ldap.h>

namespace rondel::modules::store_ldap {
namespace {

constexpr std::string_view kUserFilterIs =
    "a search filter (RFC 4515) with %u (local part) or %j (bare JID), such as (uid=%u)";
constexpr std::string_view kFilterIs = "a search filter (RFC 4515), such as (loginDisabled=TRUE)";
constexpr std::string_view kGroupFilterIs =
    "a search filter (RFC 4515), such as (objectClass=posixGroup)";
constexpr std::string_view kAttributeIs =
    "the name of an attribute, such as userCertificate;binary";

bool is_plain(char c) {
  return c > ' ' && c < '\x7f' && c != '(' && c != ')' && c != '*' && c != '\\';
}

/// `local` and `host` are escaped already.
std::string fill(std::string_view pattern, std::string_view local, std::string_view host) {
  std::string filter;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 == pattern.size()) {
      filter += pattern[i];
      continue;
    }
    switch (pattern[++i]) {
      case 'u':
        filter += local;
        break;
      case 'h':
        filter += host;
        break;
      case 'j':
        filter.append(local).append("@").append(host);
        break;
      default:  // "%%"; check_filter() lets nothing else through.
        filter += pattern[i];
    }
  }
  return filter;
}

bool has_known_percents(std::string_view pattern) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '%' &&
        (++i == pattern.size() || std::string_view("uhj%").find(pattern[i]) == pattern.npos)) {
      return false;
    }
  }
  return true;
}

/// Lets libldap encode it for a server that isn't there: it looks at the filter first.
bool is_filter(const std::string& filter) {
  LDAP* handle = nullptr;
  if (ldap_initialize(&handle, "ldapi://%2Fnowhere%2Fldapi") != LDAP_SUCCESS) {
    return false;
  }
  int id = 0;
  const int outcome = ldap_search_ext(handle, "", LDAP_SCOPE_BASE, filter.c_str(), nullptr, 0,
                                      nullptr, nullptr, nullptr, 0, &id);
  ldap_unbind_ext(handle, nullptr, nullptr);
  return outcome != LDAP_FILTER_ERROR && outcome != LDAP_PARAM_ERROR;
}

bool looks_like_filter(std::string_view text) {
  // libldap takes much that is no filter ("uid=x" without parentheses) for one.
  return text.starts_with('(') && text.ends_with(')') &&
         std::ranges::count(text, '(') == std::ranges::count(text, ')') &&
         text.find('\0') == text.npos;
}

bool is_filter_pattern(std::string_view pattern) {
  return looks_like_filter(pattern) && has_known_percents(pattern) &&
         is_filter(fill(pattern, "u", "h"));
}

}  // namespace

std::string escape_filter_value(std::string_view value) {
  std::string escaped;
  escaped.reserve(value.size());
  for (const char c : value) {
    if (is_plain(c)) {
      escaped += c;
    } else {
      fmt::format_to(std::back_inserter(escaped), "\\{:02x}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::string filter_of_user(std::string_view pattern, const store::UserKey& user) {
  return fill(pattern, escape_filter_value(user.local), escape_filter_value(user.host));
}

std::string filter_of_all(std::string_view pattern, const std::string& host) {
  return fill(pattern, "*", escape_filter_value(host));
}

std::string filter_equal(std::string_view attribute, std::string_view value) {
  return fmt::format("({}={})", attribute, escape_filter_value(value));
}

std::string filter_present(std::string_view attribute) {
  return fmt::format("({}=*)", attribute);
}

std::string filter_and(std::string_view a, std::string_view b) {
  return fmt::format("(&{}{})", a, b);
}

std::string_view check_user_filter(std::string_view pattern) {
  const bool names_user = pattern.find("%u") != pattern.npos || pattern.find("%j") != pattern.npos;
  return names_user && is_filter_pattern(pattern) ? std::string_view() : kUserFilterIs;
}

std::string_view check_optional_filter(std::string_view pattern) {
  return is_filter_pattern(pattern) ? std::string_view() : kFilterIs;
}

std::string_view check_plain_filter(std::string_view filter) {
  return looks_like_filter(filter) && is_filter(std::string(filter)) ? std::string_view()
                                                                     : kGroupFilterIs;
}

std::string_view check_attribute(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const bool is_name =
      !name.empty() && is_letter(name.front()) && std::ranges::all_of(name, [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == ';';
      });
  return is_name ? std::string_view() : kAttributeIs;
}

}  // namespace rondel::modules::store_ldap
