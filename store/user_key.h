// Whose data an operation is about.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "store/store_result.h"

namespace rondel::store {

/// RFC 7622 §3.1: at most 1023 bytes for each part of an address.
inline constexpr std::size_t kAddressPartBytesMax = 1023;

/// A user by the two parts of the bare JID, both normalised: storages compare bytes.
///
/// An empty local part stands for the host itself, where a face says that this is allowed.
/// (It has a constructor, as all that is passed to a task by value: gcc 12 frees an aggregate twice
/// that is made by braces inside a co_await expression.)
struct UserKey {
  UserKey() = default;
  UserKey(std::string local_part, std::string host_part)
      : local(std::move(local_part)), host(std::move(host_part)) {}

  std::string local;
  std::string host;

  friend bool operator==(const UserKey&, const UserKey&) = default;
  friend auto operator<=>(const UserKey&, const UserKey&) = default;
};

[[nodiscard]] std::uint64_t hash_of(const UserKey& user);
/// "local@host", for messages.
[[nodiscard]] std::string to_text(const UserKey& user);

/// Errors: invalid, if a part is too long or holds NUL, or the host or the local part is empty.
[[nodiscard]] StoreResult<void> check_user(const UserKey& user);
/// As check_user, but the local part may be empty.
[[nodiscard]] StoreResult<void> check_user_or_host(const UserKey& user);

}  // namespace rondel::store
