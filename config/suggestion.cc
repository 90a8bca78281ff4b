#include "config/suggestion.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace rondel::config {
namespace {

constexpr std::size_t kLengthMax = 64;
using Row = std::array<std::size_t, kLengthMax + 1>;

}  // namespace

std::size_t edit_distance(std::string_view from, std::string_view to) {
  if (from.size() > kLengthMax || to.size() > kLengthMax) {
    return std::max(from.size(), to.size()) - std::min(from.size(), to.size()) + 1;
  }
  Row before_last{};
  Row last{};
  Row row{};
  for (std::size_t j = 0; j <= to.size(); ++j) {
    last[j] = j;
  }
  for (std::size_t i = 1; i <= from.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = row;
  }
  return last[to.size()];
}

std::string nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string_view best;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return std::string(best);
}

}  // namespace rondel::config
