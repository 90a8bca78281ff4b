#include "server/user_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/prefetch.h"

namespace rondel::server {

UserTable::UserTable() : places_(kPlacesMin) {
}
UserTable::~UserTable() = default;

UserEntry* UserTable::find(std::string_view bare_jid) const {
  return find(bare_jid, base::hash_text(bare_jid));
}

void UserTable::find(std::span<const std::string_view> bare_jids,
                     std::span<UserEntry*> found) const {
  constexpr std::size_t kTogether = 16;
  std::array<std::uint64_t, kTogether> hashes;
  for (std::size_t begin = 0; begin < bare_jids.size(); begin += kTogether) {
    const auto some = bare_jids.subspan(begin, std::min(kTogether, bare_jids.size() - begin));
    for (std::size_t i = 0; i < some.size(); ++i) {
      hashes[i] = base::hash_text(some[i]);
      base::prefetch_to_read(&places_[home_of(hashes[i])], sizeof(Place));
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
      found[begin + i] = find(some[i], hashes[i]);
    }
  }
}

UserEntry* UserTable::find(std::string_view bare_jid, std::uint64_t hash) const {
  for (std::size_t at = home_of(hash); places_[at].user; at = next(at)) {
    if (places_[at].hash == hash && places_[at].user->jid().full() == bare_jid) {
      return places_[at].user.get();
    }
  }
  return nullptr;
}

UserEntry& UserTable::insert(std::unique_ptr<UserEntry> user) {
  if ((size_ + 1) * 4 > places_.size() * 3) {
    grow();
  }
  const std::uint64_t hash = base::hash_text(user->jid().full());
  Place& place = places_[first_free(hash)];
  place = {hash, std::move(user)};
  ++size_;
  return *place.user;
}

void UserTable::erase(const UserEntry& user) {
  std::size_t hole = home_of(base::hash_text(user.jid().full()));
  while (places_[hole].user.get() != &user) {
    RONDEL_ASSERT(places_[hole].user != nullptr);
    hole = next(hole);
  }
  // Freed when the table is whole again.
  const std::unique_ptr<UserEntry> gone = std::move(places_[hole].user);
  --size_;
  // Whoever stands behind closes up, unless that would be in front of where their search begins.
  for (std::size_t at = next(hole); places_[at].user; at = next(at)) {
    const std::size_t from_hole = (at - hole) & (places_.size() - 1);
    const std::size_t from_home = (at - home_of(places_[at].hash)) & (places_.size() - 1);
    if (from_home >= from_hole) {
      places_[hole] = std::move(places_[at]);
      hole = at;
    }
  }
}

const void* UserTable::place_of(const UserEntry& user) const {
  return &places_[home_of(base::hash_text(user.jid().full()))];
}

std::size_t UserTable::first_free(std::uint64_t hash) const {
  std::size_t at = home_of(hash);
  while (places_[at].user) {
    at = next(at);
  }
  return at;
}

void UserTable::grow() {
  std::vector<Place> old(places_.size() * 2);
  std::swap(old, places_);
  for (Place& place : old) {
    if (place.user) {
      places_[first_free(place.hash)] = std::move(place);
    }
  }
}

}  // namespace rondel::server
