// Charts as inline SVG; colours come from the page's style sheet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rondel::load {

enum class Unit : std::uint8_t { plain, per_second, microseconds, bytes, percent };

/// "1.2 ms", "3.4 KiB", "56 k/s".
[[nodiscard]] std::string with_unit(double value, Unit unit);
/// Fit for HTML, also in an attribute.
[[nodiscard]] std::string html(std::string_view text);

struct Line {
  std::string name;
  int colour = 0;  ///< Index of a colour of the page.
  bool is_dashed = false;
  std::vector<std::pair<double, double>> points;
};

struct LineChart {
  std::string title;
  std::string note;  ///< What the axes are, in words.
  Unit unit = Unit::plain;
  std::vector<Line> lines;
  bool is_logarithmic = false;
  /// Places along the bottom with their texts; none: numbers of seconds.
  std::vector<std::pair<double, std::string>> ticks{};
  double shade_from = 0;  ///< A part that is shaded; none if both are equal.
  double shade_to = 0;
};

struct Bar {
  std::string name;
  int colour = 0;
  double value = 0;
};

/// Horizontal bars, the smallest being the best; a single one would say nothing.
struct BarChart {
  std::string title;
  std::string note;
  Unit unit = Unit::plain;
  std::vector<Bar> bars;
};

/// A <figure>; empty if there is nothing to show.
[[nodiscard]] std::string figure_of(const LineChart& chart);
[[nodiscard]] std::string figure_of(const BarChart& chart);

}  // namespace rondel::load
