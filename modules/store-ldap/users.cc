#include "modules/store-ldap/users.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <thread>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/random.h"
#include "modules/store-ldap/entry_reader.h"
#include "modules/store-ldap/filter.h"

namespace rondel::modules::store_ldap {
namespace {

using store::Account;
using store::AccountState;
using store::Binding;
using store::fail;
using store::Failure;
using store::UserKey;

/// A filter may find names that are the same to the directory and not to us; more is a mistake.
constexpr int kEntriesMax = 8;
constexpr std::uint64_t kListingAgeMaxMs = 30'000;
constexpr std::uint64_t kRefusalUsMax = 2'000'000;

bool stands_for(const Entry& entry, const HostDirectory& host, const std::string& local) {
  const std::vector<std::string> locals = locals_of(entry, host);
  return std::ranges::find(locals, local) != locals.end();
}

Account plain_account(const UserKey& user, const Entry& entry) {
  Account account;
  account.user = user;
  account.created = parse_generalized_time(entry.value("createTimestamp"));
  account.password_changed = parse_generalized_time(entry.value("pwdChangedTime"));
  account.password_changed = std::max(account.password_changed, account.created);
  return account;
}

}  // namespace

StoreResult<const HostDirectory*> Users::host_of(const std::string& name) const {
  const auto& hosts = shared_.options.hosts;
  const auto found = std::ranges::find(hosts, name, &HostDirectory::host);
  if (found == hosts.end()) {
    return fail(Failure::unavailable,
                fmt::format("[module.store-ldap] has no base for the host {}", name));
  }
  return &*found;
}

StoreResult<Entry> Users::find(const Host& host, const UserKey& user) {
  Search search{host.base, where_of(host), filter_of_user(host.filter, user), attributes_of(host)};
  RONDEL_TRY(Directory::Found found, directory_.search_blocking(search, kEntriesMax));
  std::erase_if(found.entries,
                [&](const Entry& entry) { return !stands_for(entry, host, user.local); });
  if (found.is_more || found.entries.size() > 1) {
    std::string message =
        fmt::format("the directory has several entries for {}, so that nobody can be that user: {}",
                    to_text(user),
                    fmt::join(
                        [&] {
                          std::vector<std::string> names;
                          for (const Entry& entry : found.entries) {
                            names.push_back(entry.dn);
                          }
                          return names;
                        }(),
                        "; "));
    shared_.reporter.complain(message);
    return fail(Failure::unavailable, std::move(message));
  }
  if (found.entries.empty()) {
    return fail(Failure::not_found, fmt::format("the directory has no {}", to_text(user)));
  }
  return std::move(found.entries.front());
}

StoreResult<Account> Users::account_of(const Host& host, const UserKey& user, const Entry& entry) {
  Account account = plain_account(user, entry);
  if (!host.disabled_filter.empty()) {
    const Search search{
        entry.dn, Search::Where::base, filter_of_user(host.disabled_filter, user), {"1.1"}};
    RONDEL_TRY(const Directory::Found found, directory_.search_blocking(search, 1));
    account.state = found.entries.empty() ? AccountState::active : AccountState::disabled;
  }
  return account;
}

StoreResult<Account> Users::lookup(const UserKey& user) {
  RONDEL_TRY(const Host* host, host_of(user.host));
  RONDEL_TRY(const Entry entry, find(*host, user));
  return account_of(*host, user, entry);
}

StoreResult<store::AccountWithCredentials> Users::credentials(const UserKey& user) {
  RONDEL_TRY(const Host* host, host_of(user.host));
  RONDEL_TRY(const Entry entry, find(*host, user));
  store::AccountWithCredentials all;
  RONDEL_TRY(all.account, account_of(*host, user, entry));
  all.credentials.bindings = bindings_of(entry, *host);
  return all;
}

StoreResult<void> Users::read_listing(const Host& host, Listing& listing) {
  Search search{host.base,
                where_of(host),
                filter_of_all(host.filter, host.host),
                {host.user_attribute, "createTimestamp", "pwdChangedTime"}};
  std::vector<Account> accounts;
  RONDEL_TRY_VOID(directory_.search_all_blocking(
      search, [&] { accounts.clear(); },
      [&](Entry entry) {
        for (std::string& local : locals_of(entry, host)) {
          accounts.push_back(plain_account(UserKey(std::move(local), host.host), entry));
        }
      }));
  std::ranges::sort(accounts, {}, [](const Account& account) { return account.user.local; });
  const auto repeated = std::ranges::unique(accounts, {}, &Account::user);
  accounts.erase(repeated.begin(), repeated.end());
  if (!host.disabled_filter.empty()) {
    search.filter = filter_and(search.filter, filter_of_all(host.disabled_filter, host.host));
    RONDEL_TRY_VOID(directory_.search_all_blocking(
        search, [] {},
        [&](Entry entry) {
          for (const std::string& local : locals_of(entry, host)) {
            const auto at = std::ranges::lower_bound(
                accounts, local, {}, [](const Account& account) { return account.user.local; });
            if (at != accounts.end() && at->user.local == local) {
              at->state = AccountState::disabled;
            }
          }
        }));
  }
  listing = {std::move(accounts), base::monotonic_ms()};
  return {};
}

StoreResult<const Users::Listing*> Users::listing(const Host& host, bool may_be_old) {
  Listing& kept = listings_[host.host];
  const bool is_fresh = kept.read_ms != 0 && base::monotonic_ms() - kept.read_ms < kListingAgeMaxMs;
  if (!may_be_old || !is_fresh) {
    RONDEL_TRY_VOID(read_listing(host, kept));
  }
  return &kept;
}

StoreResult<std::vector<Account>> Users::list(const std::string& host,
                                              const std::string& after_local,
                                              std::size_t limit) {
  RONDEL_TRY(const Host* directory, host_of(host));
  RONDEL_TRY(const Listing* all, listing(*directory, !after_local.empty()));
  const auto begin = std::ranges::upper_bound(
      all->accounts, after_local, {}, [](const Account& account) { return account.user.local; });
  const auto left = static_cast<std::size_t>(all->accounts.end() - begin);
  std::vector<Account> page(begin, begin + static_cast<std::ptrdiff_t>(std::min(left, limit)));
  if (left <= limit) {
    listings_.erase(host);  // The last page: nobody asks for more of it.
  }
  return page;
}

StoreResult<std::uint64_t> Users::count(const std::string& host) {
  RONDEL_TRY(const Host* directory, host_of(host));
  Listing all;
  RONDEL_TRY_VOID(read_listing(*directory, all));
  return all.accounts.size();
}

StoreResult<std::vector<UserKey>> Users::find_bound(const std::string& host,
                                                    const Binding& binding) {
  RONDEL_TRY(const Host* directory, host_of(host));
  return binding.kind == store::BindingKind::certificate_fingerprint
             ? find_by_fingerprint(*directory, binding)
             : find_by_value(*directory, binding);
}

StoreResult<std::vector<UserKey>> Users::find_by_value(const Host& host, const Binding& binding) {
  const std::string has_binding = filter_of_binding(host, binding);
  if (has_binding.empty()) {
    return std::vector<UserKey>();
  }
  const Search search{host.base, where_of(host),
                      filter_and(filter_of_all(host.filter, host.host), has_binding),
                      attributes_of(host)};
  RONDEL_TRY(const Directory::Found found, directory_.search_blocking(search, kEntriesMax));
  if (found.is_more) {
    std::string message = fmt::format(
        "the directory has too many entries with {}, so that it is nobody's", binding.value);
    shared_.reporter.complain(message);
    return fail(Failure::unavailable, std::move(message));
  }
  std::vector<UserKey> owners;
  for (const Entry& entry : found.entries) {
    // The directory may compare without regard to case or space; who authenticates may not.
    const std::vector<Binding> bindings = bindings_of(entry, host);
    if (std::ranges::binary_search(bindings, binding)) {
      for (std::string& local : locals_of(entry, host)) {
        owners.emplace_back(std::move(local), host.host);
      }
    }
  }
  std::ranges::sort(owners);
  return owners;
}

StoreResult<const Users::Certificates*> Users::certificates(const Host& host,
                                                            const std::string& wanted) {
  Certificates& kept = certificates_[host.host];
  const auto age_max = static_cast<std::uint64_t>(host.certificate_refresh.count());
  if (kept.locals.contains(wanted) ||
      (kept.read_ms != 0 && base::monotonic_ms() - kept.read_ms < age_max)) {
    return &kept;
  }
  const Search search{
      host.base,
      where_of(host),
      filter_and(filter_of_all(host.filter, host.host), filter_present(host.certificate_attribute)),
      {host.user_attribute, host.certificate_attribute}};
  Certificates fresh;
  RONDEL_TRY_VOID(directory_.search_all_blocking(
      search, [&] { fresh.locals.clear(); },
      [&](Entry entry) {
        const std::vector<std::string> locals = locals_of(entry, host);
        for (const std::string& der : entry.values(host.certificate_attribute)) {
          for (const std::string& local : locals) {
            fresh.locals.emplace(fingerprint_of(der), local);
          }
        }
      }));
  fresh.read_ms = base::monotonic_ms();
  kept = std::move(fresh);
  return &kept;
}

StoreResult<std::vector<UserKey>> Users::find_by_fingerprint(const Host& host,
                                                             const Binding& binding) {
  std::vector<UserKey> owners;
  if (host.certificate_attribute.empty()) {
    return owners;
  }
  RONDEL_TRY(const Certificates* known, certificates(host, binding.value));
  const auto [begin, end] = known->locals.equal_range(binding.value);
  for (auto at = begin; at != end; ++at) {
    // It was so when all were read; now the entry itself decides.
    UserKey user(at->second, host.host);
    auto entry = find(host, user);
    if (!entry) {
      if (entry.error().failure == Failure::not_found) {
        continue;
      }
      return base::Unexpected(std::move(entry).error());
    }
    const std::vector<Binding> bindings = bindings_of(*entry, host);
    if (std::ranges::binary_search(bindings, binding)) {
      owners.push_back(std::move(user));
    }
  }
  std::ranges::sort(owners);
  return owners;
}

void Users::note_refusal(std::uint64_t took_us) {
  // Follows the median, which a few slow ones don't move.
  const auto took = static_cast<std::uint32_t>(std::min(took_us, kRefusalUsMax));
  const std::uint32_t before = shared_.refusal_us.load(std::memory_order_relaxed);
  const std::uint32_t step = before / 16 + 1;
  const std::uint32_t after = took > before ? before + step : before - std::min(before, step);
  shared_.refusal_us.store(before == 0 ? took : after, std::memory_order_relaxed);
}

/// As long as the directory takes to compare a wrong password, after the same questions.
StoreResult<bool> Users::refuse_like_others(const Host& host, const std::string& password) {
  const auto began = std::chrono::steady_clock::now();
  std::string name(16, '\0');
  base::random_bytes(std::as_writable_bytes(std::span(name)));
  std::string nobody = fmt::format("cn={}", base::hex_encode(name));
  if (!host.base.empty()) {
    nobody.append(",").append(host.base);
  }
  RONDEL_TRY_VOID(directory_.try_password_blocking(nobody, password));
  std::this_thread::sleep_until(
      began + std::chrono::microseconds(shared_.refusal_us.load(std::memory_order_relaxed)));
  return false;
}

StoreResult<bool> Users::check_password(const UserKey& user, const std::string& password) {
  if (password.empty()) {
    return false;  // A bind without a password is anonymous, and succeeds. RFC 4513 §5.1.2.
  }
  RONDEL_TRY(const Host* host, host_of(user.host));
  const auto entry = find(*host, user);
  if (!entry && entry.error().failure == Failure::not_found) {
    return refuse_like_others(*host, password);
  }
  if (!entry) {
    return base::Unexpected(entry.error());
  }
  if (entry->dn.empty()) {
    return fail(Failure::unavailable, "the directory gave an entry without a name");
  }
  const auto began = std::chrono::steady_clock::now();
  RONDEL_TRY(const bool is_right, directory_.try_password_blocking(entry->dn, password));
  if (!is_right) {
    note_refusal(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                                std::chrono::steady_clock::now() - began)
                                                .count()));
  }
  return is_right;
}

}  // namespace rondel::modules::store_ldap
