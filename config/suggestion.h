// What somebody may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rondel::config {

/// How many letters have to be put in, left out, replaced or swapped with their neighbour.
///
/// Limits: of texts beyond 64 bytes, the difference of lengths plus one is answered.
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);

/// The candidate nearest to `word`, or nothing where none is near enough to be a slip: a third of
/// the word's length. The first of equally near ones.
[[nodiscard]] std::string nearest(std::string_view word,
                                  std::span<const std::string_view> candidates);

}  // namespace rondel::config
