// Hashing of peer-chosen text, seeded per process so that collisions can't be prepared.
#pragma once

#include <cstdint>
#include <string_view>

namespace rondel::base {

/// SipHash-1-3 of `text` with a key drawn at start; the same in every thread of this process.
[[nodiscard]] std::uint64_t hash_text(std::string_view text);

/// For unordered containers keyed by std::string that are asked with std::string_view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return hash_text(text); }
};

}  // namespace rondel::base
