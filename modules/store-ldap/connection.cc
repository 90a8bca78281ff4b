#include "modules/store-ldap/connection.h"

#include <algorithm>
#include <fmt/format.h>
#include <ldap.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/check.h"

namespace rondel::modules::store_ldap {
namespace {

constexpr const char* kMachineAuthorities = "/etc/ssl/certs/ca-certificates.crt";

timeval timeval_of(std::chrono::milliseconds time) {
  return {.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
}

bool is_same_attribute(std::string_view a, std::string_view b) {
  const auto name = [](std::string_view text) { return text.substr(0, text.find(';')); };
  return std::ranges::equal(name(a), name(b), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

struct MessageFree {
  void operator()(LDAPMessage* message) const { ldap_msgfree(message); }
};
using Message = std::unique_ptr<LDAPMessage, MessageFree>;

Entry entry_of(LDAP* handle, LDAPMessage* message) {
  Entry entry;
  if (char* dn = ldap_get_dn(handle, message)) {
    entry.dn = dn;
    ldap_memfree(dn);
  }
  BerElement* position = nullptr;
  for (char* name = ldap_first_attribute(handle, message, &position); name != nullptr;
       name = ldap_next_attribute(handle, message, position)) {
    std::vector<std::string> values;
    if (berval** all = ldap_get_values_len(handle, message, name)) {
      for (berval** value = all; *value != nullptr; ++value) {
        values.emplace_back((*value)->bv_val, (*value)->bv_len);
      }
      ldap_value_free_len(all);
    }
    entry.attributes.emplace_back(name, std::move(values));
    ldap_memfree(name);
  }
  ber_free(position, 0);
  return entry;
}

int scope_of(Search::Where where) {
  switch (where) {
    case Search::Where::base:
      return LDAP_SCOPE_BASE;
    case Search::Where::one_level:
      return LDAP_SCOPE_ONELEVEL;
    case Search::Where::subtree:
      return LDAP_SCOPE_SUBTREE;
  }
  return LDAP_SCOPE_BASE;
}

/// The names as libldap wants them, which lives as long as `search`.
std::vector<char*> names_of(const Search& search) {
  std::vector<char*> names;
  for (const std::string& name : search.attributes) {
    names.push_back(const_cast<char*>(name.c_str()));
  }
  names.push_back(nullptr);
  return names;
}

/// The first thing that could not be set, or nullptr.
const char* set_options(LDAP* handle, const ConnectionOptions& options) {
  const int version = LDAP_VERSION3;
  const int demand = LDAP_OPT_X_TLS_DEMAND;
  const int tls_1_2 = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
  const int is_server = 0;
  const timeval connect = timeval_of(options.connect_timeout);
  const timeval operation = timeval_of(options.operation_timeout);
  const char* authorities = options.tls_ca.empty() ? kMachineAuthorities : options.tls_ca.c_str();
  // Everything that a user's or the machine's ldap.conf could have changed is said here.
  const auto set = [handle](int option, const void* value) {
    return ldap_set_option(handle, option, value) == LDAP_OPT_SUCCESS;
  };
  if (!set(LDAP_OPT_PROTOCOL_VERSION, &version) || !set(LDAP_OPT_REFERRALS, LDAP_OPT_OFF) ||
      !set(LDAP_OPT_RESTART, LDAP_OPT_ON)) {
    return "the protocol";
  }
  if (!set(LDAP_OPT_NETWORK_TIMEOUT, &connect) || !set(LDAP_OPT_TIMEOUT, &operation)) {
    return "the time limits";
  }
  if (!set(LDAP_OPT_X_TLS_CACERTFILE, authorities) || !set(LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) ||
      !set(LDAP_OPT_X_TLS_PROTOCOL_MIN, &tls_1_2) || !set(LDAP_OPT_X_TLS_NEWCTX, &is_server)) {
    return authorities;
  }
  return nullptr;
}

}  // namespace

struct Connection::Handle {
  explicit Handle(LDAP* made) : ldap(made) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { ldap_unbind_ext(ldap, nullptr, nullptr); }

  LDAP* const ldap;
};

const std::vector<std::string>& Entry::values(std::string_view attribute) const {
  static const std::vector<std::string> kNone;
  const auto found = std::ranges::find_if(
      attributes, [&](const auto& held) { return is_same_attribute(held.first, attribute); });
  return found == attributes.end() ? kNone : found->second;
}

const std::string& Entry::value(std::string_view attribute) const {
  static const std::string kNone;
  const std::vector<std::string>& all = values(attribute);
  return all.empty() ? kNone : all.front();
}

Connection::Connection(std::string uri,
                       std::unique_ptr<Handle> handle,
                       const ConnectionOptions& options)
    : uri_(std::move(uri)), handle_(std::move(handle)), options_(options) {
}

Connection::~Connection() = default;

LdapError Connection::error_of(int outcome, std::string_view what) const {
  char* detail = nullptr;
  ldap_get_option(handle_->ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail);
  std::string message = fmt::format("{} at {}: {}", what, uri_, ldap_err2string(outcome));
  if (detail != nullptr) {
    if (*detail != '\0') {
      fmt::format_to(std::back_inserter(message), " ({})", detail);
    }
    ldap_memfree(detail);
  }
  const bool is_of_library = outcome < 0 && outcome != LDAP_FILTER_ERROR;
  const bool is_lost = is_of_library || outcome == LDAP_BUSY || outcome == LDAP_UNAVAILABLE;
  return {is_lost, outcome == LDAP_TIMEOUT || outcome == LDAP_TIMELIMIT_EXCEEDED,
          std::move(message)};
}

void Connection::limit_reads_and_writes() {
  // libldap waits with a limit for the first byte; half a TLS record could keep it for ever.
  int fd = -1;
  if (ldap_get_option(handle_->ldap, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS && fd >= 0) {
    const timeval limit = timeval_of(options_.operation_timeout);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
}

LdapResult<std::unique_ptr<Connection>> Connection::open_blocking(
    const std::string& uri, const ConnectionOptions& options) {
  LDAP* made = nullptr;
  if (const int outcome = ldap_initialize(&made, uri.c_str()); outcome != LDAP_SUCCESS) {
    return base::Unexpected(
        LdapError(true, false, fmt::format("{}: {}", uri, ldap_err2string(outcome))));
  }
  std::unique_ptr<Connection> connection(
      new Connection(uri, std::make_unique<Handle>(made), options));
  if (const char* refused = set_options(made, options)) {
    return base::Unexpected(
        LdapError(true, false,
                  fmt::format("cannot prepare a connection to {}: {} does not fit", uri, refused)));
  }
  if (const int outcome = ldap_connect(made); outcome != LDAP_SUCCESS) {
    return base::Unexpected(connection->error_of(outcome, "connecting"));
  }
  connection->limit_reads_and_writes();
  if (options.has_starttls && uri.starts_with("ldap://")) {
    if (const int outcome = ldap_start_tls_s(made, nullptr, nullptr); outcome != LDAP_SUCCESS) {
      LdapError error = connection->error_of(outcome, "StartTLS");
      error.is_lost = true;
      return base::Unexpected(std::move(error));
    }
  }
  return connection;
}

LdapResult<bool> Connection::bind_blocking(const std::string& dn, const std::string& password) {
  RONDEL_CHECK(!password.empty());
  berval secret{.bv_len = password.size(), .bv_val = const_cast<char*>(password.data())};
  const int outcome = ldap_sasl_bind_s(handle_->ldap, dn.c_str(), LDAP_SASL_SIMPLE, &secret,
                                       nullptr, nullptr, nullptr);
  switch (outcome) {
    case LDAP_SUCCESS:
      return true;
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_NO_SUCH_OBJECT:        // The entry has gone since it was found.
    case LDAP_INAPPROPRIATE_AUTH:    // It has no password.
    case LDAP_UNWILLING_TO_PERFORM:  // Locked, in some directories …
    case LDAP_CONSTRAINT_VIOLATION:  // … and in others.
    case LDAP_INVALID_DN_SYNTAX:
      return false;
    default:
      return base::Unexpected(error_of(outcome, "binding"));
  }
}

LdapResult<Connection::Found> Connection::search_blocking(const Search& search, int entries_max) {
  std::vector<char*> names = names_of(search);
  timeval limit = timeval_of(options_.operation_timeout);
  LDAPMessage* received = nullptr;
  const int outcome = ldap_search_ext_s(handle_->ldap, search.base.c_str(), scope_of(search.where),
                                        search.filter.c_str(), names.data(), 0, nullptr, nullptr,
                                        &limit, entries_max, &received);
  const Message message(received);
  if (outcome != LDAP_SUCCESS && outcome != LDAP_SIZELIMIT_EXCEEDED) {
    return base::Unexpected(error_of(outcome, "searching"));
  }
  Found found;
  found.is_more = outcome == LDAP_SIZELIMIT_EXCEEDED;
  for (LDAPMessage* at = ldap_first_entry(handle_->ldap, received); at != nullptr;
       at = ldap_next_entry(handle_->ldap, at)) {
    found.entries.push_back(entry_of(handle_->ldap, at));
  }
  return found;
}

namespace {

/// The control that asks for a page, and what stands for the next one.
class Page {
 public:
  Page() = default;
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  ~Page() { ber_memfree(cookie_.bv_val); }

  LDAPControl* ask(LDAP* handle, int size) {
    LDAPControl* control = nullptr;
    return ldap_create_page_control(handle, size, &cookie_, 1, &control) == LDAP_SUCCESS ? control
                                                                                         : nullptr;
  }

  /// The outcome of the search that gave `message`.
  int take(LDAP* handle, LDAPMessage* message) {
    ber_memfree(cookie_.bv_val);
    cookie_ = {};
    int outcome = LDAP_OTHER;
    LDAPControl** controls = nullptr;
    const int parsed =
        ldap_parse_result(handle, message, &outcome, nullptr, nullptr, nullptr, &controls, 0);
    if (parsed != LDAP_SUCCESS) {
      return parsed;
    }
    if (LDAPControl* answer = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, nullptr)) {
      ber_int_t estimate = 0;
      ldap_parse_pageresponse_control(handle, answer, &estimate, &cookie_);
    }
    ldap_controls_free(controls);
    return outcome;
  }

  [[nodiscard]] bool is_last() const { return cookie_.bv_len == 0; }

 private:
  berval cookie_{};
};

}  // namespace

LdapResult<void> Connection::search_all_blocking(const Search& search,
                                                 base::UniqueFunction<void(Entry)>& take) {
  std::vector<char*> names = names_of(search);
  Page page;
  do {
    LDAPControl* control = page.ask(handle_->ldap, options_.page_size);
    if (control == nullptr) {
      return base::Unexpected(error_of(LDAP_NO_MEMORY, "searching"));
    }
    LDAPControl* controls[] = {control, nullptr};
    timeval limit = timeval_of(options_.operation_timeout);
    LDAPMessage* received = nullptr;
    int outcome = ldap_search_ext_s(handle_->ldap, search.base.c_str(), scope_of(search.where),
                                    search.filter.c_str(), names.data(), 0, controls, nullptr,
                                    &limit, LDAP_NO_LIMIT, &received);
    ldap_control_free(control);
    const Message message(received);
    if (outcome == LDAP_SUCCESS) {
      outcome = page.take(handle_->ldap, received);
    }
    if (outcome != LDAP_SUCCESS) {
      return base::Unexpected(error_of(outcome, "searching"));
    }
    for (LDAPMessage* at = ldap_first_entry(handle_->ldap, received); at != nullptr;
         at = ldap_next_entry(handle_->ldap, at)) {
      take(entry_of(handle_->ldap, at));
    }
  } while (!page.is_last());
  return {};
}

}  // namespace rondel::modules::store_ldap
