// Search filters: everything that comes from outside is escaped. Source: RFC 4515.
#pragma once

#include <string>
#include <string_view>

#include "store/store_result.h"
#include "store/user_key.h"

namespace rondel::modules::store_ldap {

/// As the value of an assertion; what it returns holds no '(', ')', '*', NUL or byte beyond ASCII.
[[nodiscard]] std::string escape_filter_value(std::string_view value);

/// `pattern` with %u as the local part, %h as the host, %j as "local@host", %% as a percent sign.
[[nodiscard]] std::string filter_of_user(std::string_view pattern, const store::UserKey& user);
/// The same for all users of the host: %u and the local part of %j are anything.
[[nodiscard]] std::string filter_of_all(std::string_view pattern, const std::string& host);

/// "(attribute=value)", the value escaped.
[[nodiscard]] std::string filter_equal(std::string_view attribute, std::string_view value);
/// "(attribute=*)"
[[nodiscard]] std::string filter_present(std::string_view attribute);
/// "(&ab)"
[[nodiscard]] std::string filter_and(std::string_view a, std::string_view b);

// For the configuration. Each says what is allowed, or nothing if the text is fine.
/// A filter that names the user, by %u or %j.
[[nodiscard]] std::string_view check_user_filter(std::string_view pattern);
/// Any filter; it may name the user.
[[nodiscard]] std::string_view check_optional_filter(std::string_view pattern);
/// A filter that names nobody: a percent sign is one.
[[nodiscard]] std::string_view check_plain_filter(std::string_view filter);
/// An attribute's name with options. Source: RFC 4512 §2.5.
[[nodiscard]] std::string_view check_attribute(std::string_view name);

}  // namespace rondel::modules::store_ldap
