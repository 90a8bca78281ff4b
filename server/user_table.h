// The users of a shard that are in use, by bare JID.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "server/user_entry.h"

namespace rondel::server {

/// One array that is probed place after place: a look-up waits for one place and for the user,
/// where a table of nodes has it wait for a bucket and two nodes before.
///
/// Owner: the router. Thread: the shard's. Limits: grows when it is three quarters full, and
/// stays as large as it was.
class UserTable {
 public:
  UserTable();
  ~UserTable();

  /// Null if there is none.
  [[nodiscard]] UserEntry* find(std::string_view bare_jid) const;
  /// Finds several at once: their memory comes together, where one after the other would wait for
  /// each. `found` has room for all.
  void find(std::span<const std::string_view> bare_jids, std::span<UserEntry*> found) const;
  /// Takes in one whose address is not there yet.
  UserEntry& insert(std::unique_ptr<UserEntry> user);
  /// Frees one that is there.
  void erase(const UserEntry& user);
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Where the search for one begins, to be loaded ahead.
  [[nodiscard]] const void* place_of(const UserEntry& user) const;
  /// Calls f(user) for each; f must not let any come or go.
  template <class F>
  void for_each(F&& f) {
    for (const Place& place : places_) {
      if (place.user) {
        f(*place.user);
      }
    }
  }

 private:
  struct Place {
    std::uint64_t hash = 0;
    std::unique_ptr<UserEntry> user;  ///< Null: nobody is here.
  };
  static constexpr std::size_t kPlacesMin = 16;  ///< A power of two, as all later sizes.

  /// Where the search for it begins. The lower bits choose the shard: they are the same for many.
  [[nodiscard]] std::size_t home_of(std::uint64_t hash) const {
    return static_cast<std::size_t>(hash >> 32) & (places_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t place) const {
    return (place + 1) & (places_.size() - 1);
  }
  [[nodiscard]] UserEntry* find(std::string_view bare_jid, std::uint64_t hash) const;
  [[nodiscard]] std::size_t first_free(std::uint64_t hash) const;
  void grow();

  std::vector<Place> places_;
  std::size_t size_ = 0;
};

}  // namespace rondel::server
