#include "perf/load/charts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace rondel::load {
namespace {

constexpr double kWidth = 640;
constexpr double kHeight = 300;
constexpr double kLeft = 64;
constexpr double kRight = 14;
constexpr double kTop = 12;
constexpr double kBottom = 30;
constexpr std::size_t kPointsMax = 400;  ///< More are joined: a screen has no more columns.
constexpr double kBarHeight = 22;
constexpr double kBarStep = 38;

struct Scale {
  double from = 0;
  double to = 1;
  double at_from = 0;
  double at_to = 1;
  bool is_logarithmic = false;

  [[nodiscard]] double at(double value) const {
    const double low = is_logarithmic ? std::log10(from) : from;
    const double high = is_logarithmic ? std::log10(to) : to;
    const double here = is_logarithmic ? std::log10(std::max(value, from)) : value;
    const double part = high > low ? (here - low) / (high - low) : 0.5;
    return at_from + std::clamp(part, 0.0, 1.0) * (at_to - at_from);
  }
};

std::string digits(double value) {
  const double size = std::abs(value);
  return size >= 100 || value == std::round(value) ? fmt::format("{:.0f}", value)
         : size >= 10                              ? fmt::format("{:.1f}", value)
                                                   : fmt::format("{:.3g}", value);
}

/// Divided until it is below `step`; with the prefix that says how often.
std::string with_prefix(double value, double step, const std::array<const char*, 5>& names) {
  std::size_t i = 0;
  while (std::abs(value) >= step * 0.9995 && i + 1 < names.size()) {
    value /= step;
    ++i;
  }
  return digits(value) + names[i];
}

/// 1, 2 or 5 times a power of ten: the largest of which there are at most `count` in the range.
double step_for(double range, int count) {
  const double rough = std::max(range, 1e-12) / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      return factor * power;
    }
  }
  return 10 * power;
}

std::vector<double> ticks_of(const Scale& scale, Unit unit) {
  std::vector<double> ticks;
  if (scale.is_logarithmic) {
    for (double tick = scale.from; tick <= scale.to * 1.001; tick *= 10) {
      ticks.push_back(tick);
    }
    return ticks;
  }
  double step = step_for(scale.to - scale.from, 5);
  if (unit == Unit::bytes) {  // In steps of powers of two.
    step = std::pow(2, std::ceil(std::log2(std::max(1.0, (scale.to - scale.from) / 5))));
  }
  for (double tick = std::ceil(scale.from / step) * step; tick <= scale.to + step / 1000;
       tick += step) {
    ticks.push_back(tick);
  }
  return ticks;
}

std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& all) {
  if (all.size() <= kPointsMax) {
    return all;
  }
  std::vector<std::pair<double, double>> few;
  for (std::size_t i = 0; i < kPointsMax; ++i) {
    const std::size_t begin = i * all.size() / kPointsMax;
    const std::size_t end = (i + 1) * all.size() / kPointsMax;
    double sum = 0;
    for (std::size_t k = begin; k < end; ++k) {
      sum += all[k].second;
    }
    few.emplace_back(all[begin].first, sum / static_cast<double>(end - begin));
  }
  return few;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool is_empty() const { return low > high; }
};

Scale value_scale(const LineChart& chart, Range values) {
  Scale scale{0, 1, kHeight - kBottom, kTop, chart.is_logarithmic};
  if (chart.is_logarithmic) {
    scale.from = std::pow(10, std::floor(std::log10(std::max(values.low, 1e-3))));
    scale.to = std::pow(10, std::ceil(std::log10(std::max(values.high, scale.from * 1.01))));
    return scale;
  }
  scale.to = values.high > 0 ? values.high * 1.08 : 1;
  return scale;
}

std::string legend_of(const LineChart& chart) {
  std::string out = "<p class='legend'>";
  for (const Line& line : chart.lines) {
    if (!line.points.empty()) {
      out += fmt::format("<span><i class='{} b{}'></i>{}</span>", line.is_dashed ? "dash" : "solid",
                         line.colour, html(line.name));
    }
  }
  return out + "</p>";
}

std::string axes_of(const LineChart& chart, const Scale& x, const Scale& y) {
  std::string out;
  if (chart.shade_to > chart.shade_from) {
    const double from = x.at(chart.shade_from);
    out += fmt::format("<rect class='shade' x='{:.1f}' y='{}' width='{:.1f}' height='{}'/>", from,
                       kTop, std::max(0.0, x.at(chart.shade_to) - from), kHeight - kTop - kBottom);
  }
  for (const double tick : ticks_of(y, chart.unit)) {
    const double at = y.at(tick);
    out += fmt::format("<line class='grid' x1='{}' x2='{}' y1='{:.1f}' y2='{:.1f}'/>", kLeft,
                       kWidth - kRight, at, at);
    out += fmt::format("<text class='tick' x='{}' y='{:.1f}' text-anchor='end'>{}</text>",
                       kLeft - 8, at + 4, html(with_unit(tick, chart.unit)));
  }
  std::vector<std::pair<double, std::string>> ticks = chart.ticks;
  if (ticks.empty()) {
    const double step = std::max(1.0, step_for(x.to - x.from, 8));
    // Plus zero: ceil() gives a negative zero.
    for (double tick = std::ceil(x.from / step) * step; tick <= x.to + 1e-9; tick += step) {
      ticks.emplace_back(tick, fmt::format("{:.0f} s", tick + 0.0));
    }
  }
  for (const auto& [place, text] : ticks) {
    if (place < x.from - 1e-9 || place > x.to + 1e-9) {
      continue;
    }
    const double at = x.at(place);
    out += fmt::format("<line class='mark' x1='{0:.1f}' x2='{0:.1f}' y1='{1}' y2='{2}'/>", at,
                       kHeight - kBottom, kHeight - kBottom + 5);
    out += fmt::format("<text class='tick' x='{:.1f}' y='{}' text-anchor='middle'>{}</text>", at,
                       kHeight - 8, html(text));
  }
  return out + fmt::format("<line class='axis' x1='{}' x2='{}' y1='{}' y2='{}'/>", kLeft,
                           kWidth - kRight, kHeight - kBottom, kHeight - kBottom);
}

std::string path_of(const LineChart& chart, const Line& line, const Scale& x, const Scale& y) {
  std::string path;
  std::string points;
  for (const auto& [place, value] : thinned(line.points)) {
    const double at_x = x.at(place);
    const double at_y = y.at(value);
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", at_x, at_y);
    std::string where = fmt::format("{:.1f} s", place);
    if (!chart.ticks.empty()) {
      where = fmt::format("{:.4g} %", 100 * (1 - std::pow(10, -place)));
    }
    points += fmt::format(
        "<circle class='hit b{}' cx='{:.1f}' cy='{:.1f}' r='5'><title>{}, {}: {}"
        "</title></circle>",
        line.colour, at_x, at_y, html(line.name), where, html(with_unit(value, chart.unit)));
  }
  return fmt::format("<path class='line c{}{}' d='{}'/>{}", line.colour,
                     line.is_dashed ? " dashed" : "", path, points);
}

std::string figure(const std::string& title, const std::string& note, const std::string& inside) {
  return fmt::format("<figure><figcaption>{}<small>{}</small></figcaption>{}</figure>\n",
                     html(title), html(note), inside);
}

}  // namespace

std::string with_unit(double value, Unit unit) {
  static constexpr std::array<const char*, 5> kThousands{"", " k", " M", " G", " T"};
  static constexpr std::array<const char*, 5> kBytes{" B", " KiB", " MiB", " GiB", " TiB"};
  static constexpr std::array<const char*, 5> kTimes{" µs", " ms", " s", "000 s", "000000 s"};
  switch (unit) {
    case Unit::per_second:
      return with_prefix(value, 1000, kThousands) + "/s";
    case Unit::microseconds:
      return with_prefix(value, 1000, kTimes);
    case Unit::bytes:
      return with_prefix(value, 1024, kBytes);
    case Unit::percent:
      return digits(value) + " %";
    case Unit::plain:
      break;
  }
  return with_prefix(value, 1000, kThousands);
}

std::string html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string figure_of(const LineChart& chart) {
  Range places;
  Range values;
  for (const Line& line : chart.lines) {
    for (const auto& [place, value] : line.points) {
      places.include(place);
      values.include(value);
    }
  }
  if (places.is_empty()) {
    return {};
  }
  const Scale x{places.low, places.high, kLeft, kWidth - kRight};
  const Scale y = value_scale(chart, values);
  std::string svg =
      fmt::format("<svg class='lines' viewBox='0 0 {} {}' role='img' aria-label='{}'>", kWidth,
                  kHeight, html(chart.title));
  svg += axes_of(chart, x, y);
  for (const Line& line : chart.lines) {
    svg += path_of(chart, line, x, y);
  }
  return figure(chart.title, chart.note, legend_of(chart) + svg + "</svg>");
}

std::string figure_of(const BarChart& chart) {
  if (chart.bars.size() < 2) {
    return {};
  }
  Range values;
  Range good;  // A growth that noise made negative is no yardstick.
  for (const Bar& bar : chart.bars) {
    values.include(bar.value);
    if (bar.value > 0) {
      good.include(bar.value);
    }
  }
  const double height = kBarStep * static_cast<double>(chart.bars.size()) + 6;
  constexpr double kNames = 132;
  constexpr double kTexts = 150;
  std::string svg = fmt::format("<svg class='bars' viewBox='0 0 {} {}' role='img' aria-label='{}'>",
                                kWidth, height, html(chart.title));
  double top = 6;
  for (const Bar& bar : chart.bars) {
    const double part = values.high > 0 ? std::max(0.0, bar.value / values.high) : 0;
    const double width = std::max(2.0, part * (kWidth - kNames - kTexts));
    std::string text = with_unit(bar.value, chart.unit);
    if (chart.bars.size() > 1 && bar.value > 0) {
      const double ratio = bar.value / good.low;
      text += ratio < 1.005 ? "  · best"
                            : fmt::format("  · {} ×", digits(std::round(ratio * 100) / 100));
    }
    svg += fmt::format("<text class='name' x='{}' y='{:.1f}' text-anchor='end'>{}</text>",
                       kNames - 10, top + kBarHeight / 2 + 5, html(bar.name));
    svg += fmt::format(
        "<rect class='bar b{}' x='{}' y='{:.1f}' width='{:.1f}' height='{}' rx='4'><title>{}: {}"
        "</title></rect>",
        bar.colour, kNames, top, width, kBarHeight, html(bar.name), html(text));
    svg += fmt::format("<text class='value' x='{:.1f}' y='{:.1f}'>{}</text>", kNames + width + 8,
                       top + kBarHeight / 2 + 5, html(text));
    top += kBarStep;
  }
  return figure(chart.title, chart.note, svg + "</svg>");
}

}  // namespace rondel::load
