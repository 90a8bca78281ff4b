#include "perf/load/page.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

#include "perf/load/charts.h"
#include "perf/load/page_style.h"
#include "perf/load/scenario.h"

namespace rondel::load {
namespace {

using Json = nlohmann::ordered_json;

/// Results of one scenario, in the order that they were given.
struct Section {
  std::string scenario;
  std::vector<const Json*> results;
};

struct Page {
  std::vector<Json> results;
  std::vector<Section> sections;
  std::vector<std::string> labels;  ///< The index is the colour.

  [[nodiscard]] int colour_of(const Json& result) const {
    const auto found = std::find(labels.begin(), labels.end(), result["label"]);
    return static_cast<int>(found - labels.begin()) % kColours;
  }
};

/// `path` as "work/rate"; nothing where there is no number.
std::optional<double> number_at(const Json& result, const char* path) {
  const Json::json_pointer pointer(fmt::format("/{}", path));
  if (!result.contains(pointer) || !result[pointer].is_number()) {
    return std::nullopt;
  }
  return result[pointer].get<double>();
}

std::string text_at(const Json& result, const char* path) {
  const Json::json_pointer pointer(fmt::format("/{}", path));
  return result.contains(pointer) && result[pointer].is_string()
             ? result[pointer].get<std::string>()
             : std::string();
}

/// "1,234,567".
std::string grouped(double value) {
  std::string text = fmt::format("{:.0f}", std::abs(value));
  for (std::size_t at = text.size(); at > 3; at -= 3) {
    text.insert(at - 3, ",");
  }
  return (value < 0 ? "-" : "") + text;
}

std::string conditions_of(const Json& result) {
  const std::string tls = text_at(result, "options/tls");
  std::string text =
      fmt::format("{} accounts, {}, {}", grouped(number_at(result, "options/users").value_or(0)),
                  tls == "none" ? "plain"
                                : fmt::format("TLS {}{}", text_at(result, "options/tls_version"),
                                              tls == "direct" ? "" : " by STARTTLS"),
                  text_at(result, "options/mechanism"));
  const double rate = number_at(result, "options/rate").value_or(0);
  if (rate > 0) {
    text += fmt::format(", {} events a second due at fixed times", grouped(rate));
  } else if (result["scenario"] != "idle" && result["scenario"] != "mixed") {
    text += fmt::format(", window {}", number_at(result, "options/window").value_or(1));
  }
  if (const double pipeline = number_at(result, "options/pipeline").value_or(1); pipeline > 1) {
    text += fmt::format(", {} messages in a write", pipeline);
  }
  return text + fmt::format(", {:.0f} s", number_at(result, "measured_s").value_or(0));
}

/// Points of a series, with 0 at the beginning of the measured time.
Line series_of(const Page& page, const Json& result, const char* name, const std::string& text) {
  Line line{text, page.colour_of(result), false, {}};
  const double zero = number_at(result, "measured_from_s").value_or(0);
  const Json& times = result["series"]["t_s"];
  const Json& values = result["series"][name];
  for (std::size_t i = 0; i < times.size() && i < values.size(); ++i) {
    if (values[i].is_number()) {
      line.points.emplace_back(times[i].get<double>() - zero, values[i].get<double>());
    }
  }
  return line;
}

LineChart over_time(const Section& section, std::string title, std::string note, Unit unit) {
  LineChart chart{std::move(title), std::move(note), unit, {}};
  for (const Json* result : section.results) {
    chart.shade_to = std::max(chart.shade_to, number_at(*result, "measured_s").value_or(0));
  }
  return chart;
}

BarChart bars_at(const Page& page,
                 const Section& section,
                 const char* path,
                 std::string title,
                 std::string note,
                 Unit unit) {
  BarChart chart{std::move(title), std::move(note), unit, {}};
  for (const Json* result : section.results) {
    if (const auto value = number_at(*result, path)) {
      chart.bars.push_back({(*result)["label"], page.colour_of(*result), *value});
    }
  }
  return chart;
}

std::string latency_curve(const Page& page, const Section& section) {
  LineChart chart{"Latency by percentile",
                  "the slowest part of all, to the right; logarithmic",
                  Unit::microseconds,
                  {},
                  true};
  for (const auto& [percent, text] : {std::pair(0.0, "0 %"),
                                      {50.0, "50 %"},
                                      {90.0, "90 %"},
                                      {99.0, "99 %"},
                                      {99.9, "99.9 %"},
                                      {99.99, "99.99 %"},
                                      {99.999, "99.999 %"}}) {
    chart.ticks.emplace_back(-std::log10(1 - percent / 100), text);
  }
  for (const Json* result : section.results) {
    const Json& latency = (*result)["latency_us"];
    Line line{(*result)["label"], page.colour_of(*result), false, {}};
    for (const Json& point : latency.is_null() ? Json::array() : latency["curve"]) {
      if (const double percent = point[0]; percent < 100) {
        line.points.emplace_back(-std::log10(1 - percent / 100), point[1].get<double>());
      }
    }
    chart.lines.push_back(std::move(line));
  }
  return figure_of(chart);
}

std::string cpu_over_time(const Page& page, const Section& section) {
  LineChart chart = over_time(section, "CPU over time", "100 % is one core; dotted: the generator",
                              Unit::percent);
  for (const Json* result : section.results) {
    const std::string label = (*result)["label"];
    chart.lines.push_back(series_of(page, *result, "server_cpu_percent", label));
    Line own = series_of(page, *result, "generator_cpu_percent", label + ": generator");
    own.is_dashed = true;
    chart.lines.push_back(std::move(own));
  }
  return figure_of(chart);
}

std::string latency_over_time(const Page& page, const Section& section) {
  LineChart chart =
      over_time(section, "Latency over time", "99 of 100 are faster; dotted: half are; logarithmic",
                Unit::microseconds);
  chart.is_logarithmic = true;
  for (const Json* result : section.results) {
    const std::string label = (*result)["label"];
    chart.lines.push_back(series_of(page, *result, "p99_us", label + " p99"));
    Line half = series_of(page, *result, "p50_us", label + " p50");
    half.is_dashed = true;
    chart.lines.push_back(std::move(half));
  }
  return figure_of(chart);
}

std::string one_over_time(const Page& page,
                          const Section& section,
                          const char* name,
                          std::string title,
                          std::string note,
                          Unit unit) {
  LineChart chart = over_time(section, std::move(title), std::move(note), unit);
  bool is_any = false;
  for (const Json* result : section.results) {
    chart.lines.push_back(series_of(page, *result, name, (*result)["label"]));
    for (const auto& point : chart.lines.back().points) {
      is_any = is_any || point.second > 0;
    }
  }
  return is_any ? figure_of(chart) : std::string();
}

/// A column of the table of results.
struct Column {
  const char* title;
  const char* path;
  Unit unit;
  bool is_less_better;
};

std::string table_of(const Page& page, const Section& section, const std::string& unit) {
  const std::string each = fmt::format("CPU per {}", unit);
  const std::string own = fmt::format("generator CPU per {}", unit);
  const std::vector<Column> columns{
      {each.c_str(), "work/server_cpu_us_each", Unit::microseconds, true},
      {"rate", "work/rate", Unit::per_second, false},
      {"p50", "latency_us/p50", Unit::microseconds, true},
      {"p99", "latency_us/p99", Unit::microseconds, true},
      {"p99.9", "latency_us/p99_9", Unit::microseconds, true},
      {"p99 undisturbed", "undisturbed/latency_us/p99", Unit::microseconds, true},
      {"memory per session", "memory_per_session/private_dirty", Unit::bytes, true},
      {own.c_str(), "work/generator_cpu_us_each", Unit::microseconds, true}};
  std::string head = "<thead><tr><th>server</th>";
  std::vector<std::string> rows(section.results.size());
  for (const Column& column : columns) {
    std::vector<std::optional<double>> values;
    std::optional<double> best;
    std::optional<double> worst;
    const auto is_better = [&column](double left, double right) {
      return column.is_less_better ? left < right : left > right;
    };
    for (const Json* result : section.results) {
      values.push_back(number_at(*result, column.path));
      const std::optional<double> value = values.back();
      best = value && (!best || is_better(*value, *best)) ? value : best;
      worst = value && (!worst || is_better(*worst, *value)) ? value : worst;
    }
    if (!best) {
      continue;
    }
    head += fmt::format("<th>{}</th>", html(column.title));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      // Nobody is best at what is the same but for noise, nor at what the generator costs.
      const bool is_best = values[i] == best && std::abs(*worst - *best) > 0.02 * std::abs(*best) &&
                           column.path != columns.back().path;
      rows[i] += fmt::format("<td{}>{}</td>", is_best ? " class='best'" : "",
                             values[i] ? html(with_unit(*values[i], column.unit)) : "–");
    }
  }
  std::string body;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Json& result = *section.results[i];
    body += fmt::format("<tr><td><i class='b{}'></i>{}</td>{}</tr>", page.colour_of(result),
                        html(text_at(result, "label")), rows[i]);
  }
  return fmt::format("<div class='table'><table>{}</tr></thead><tbody>{}</tbody></table></div>\n",
                     head, body);
}

std::string verdict_of(const Json& result) {
  const std::string label = html(text_at(result, "label"));
  const Json& counts = result["messages"];
  std::string out;
  if (result["ok"].get<bool>()) {
    out =
        counts.is_null()
            ? fmt::format("<li><b>{}</b>: <span class='good'>nothing went wrong</span></li>", label)
            : fmt::format(
                  "<li><b>{}</b>: <span class='good'>{} sent, each delivered once, in order"
                  "</span></li>",
                  label, grouped(counts["sent"].get<double>()));
  } else {
    std::string what;
    for (const char* kind : {"lost", "repeated", "reordered", "misrouted", "altered", "bounced"}) {
      if (!counts.is_null() && counts[kind].get<std::uint64_t>() > 0) {
        what += fmt::format("{}{} {}", what.empty() ? "" : ", ",
                            grouped(counts[kind].get<double>()), kind);
      }
    }
    for (const Json& problem : result["problems"]) {
      what += fmt::format("{}{} ({} ×)", what.empty() ? "" : ", ",
                          html(problem["what"].get<std::string>()),
                          grouped(problem["count"].get<double>()));
    }
    out = fmt::format("<li><b>{}</b>: <span class='bad'>{}</span></li>", label, what);
  }
  for (const Json& why : result["generator"]["why"]) {
    out += fmt::format("<li class='warn'>{}: the generator may have been the limit: {}</li>", label,
                       html(why.get<std::string>()));
  }
  return out;
}

std::string options_table(const Json& result) {
  std::string rows;
  for (const auto& [name, value] : result["options"].items()) {
    rows += fmt::format("<tr><td>{}</td><td>{}</td></tr>", html(name),
                        html(value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return fmt::format("<details><summary>{}: all options</summary><table>{}</table></details>\n",
                     html(text_at(result, "label")), rows);
}

std::string tile(const std::string& value, const std::string& text) {
  return fmt::format("<div class='tile'><b>{}</b><span>{}</span></div>", html(value), html(text));
}

/// Of a page with one result: what is most looked for.
std::string tiles_of(const Json& result, const std::string& unit) {
  std::string tiles;
  const auto add = [&](const char* path, Unit kind, const std::string& text) {
    if (const auto value = number_at(result, path)) {
      tiles += tile(with_unit(*value, kind), text);
    }
  };
  add("work/server_cpu_us_each", Unit::microseconds, "server CPU per " + unit);
  add("work/rate", Unit::per_second, plural(text_at(result, "work/unit")));
  add("latency_us/p50", Unit::microseconds, "latency, half are faster");
  add("latency_us/p99", Unit::microseconds, "latency, 99 of 100 are faster");
  add("memory_per_session/private_dirty", Unit::bytes, "memory per session");
  return tiles.empty() ? tiles : fmt::format("<div class='tiles'>{}</div>\n", tiles);
}

std::string capital(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

/// What the results have in common, or what holds for each.
std::string lead_of(const Section& section) {
  const std::string first = conditions_of(*section.results.front());
  const bool is_common =
      std::all_of(section.results.begin(), section.results.end(),
                  [&first](const Json* result) { return conditions_of(*result) == first; });
  if (is_common) {
    return html(first);
  }
  std::string out;
  for (const Json* result : section.results) {
    out += fmt::format("{}<b>{}</b>: {}", out.empty() ? "" : "<br>",
                       html(text_at(*result, "label")), html(conditions_of(*result)));
  }
  return out;
}

/// In an open loop nobody looks at the proportional size, which takes too long.
bool has_pss(const Section& section) {
  return std::all_of(section.results.begin(), section.results.end(), [](const Json* result) {
    const Json& sizes = (*result)["series"]["server_pss"];
    return std::any_of(sizes.begin(), sizes.end(),
                       [](const Json& size) { return !size.is_null(); });
  });
}

std::string section_of(const Page& page, const Section& section) {
  const Json& first = *section.results.front();
  const std::string unit = text_at(first, "work/unit") == "idle session"
                               ? "session and second"
                               : text_at(first, "work/unit");
  std::string out =
      fmt::format("<section id='{0}'><h2>{1}</h2><p class='lead'>{2}</p>\n", html(section.scenario),
                  html(capital(section.scenario)), lead_of(section));
  out += section.results.size() == 1 ? tiles_of(first, unit) : "";
  out += table_of(page, section, unit) + "<ul>";
  for (const Json* result : section.results) {
    out += verdict_of(*result);
  }
  out += "</ul>\n<div class='charts'>";
  out += figure_of(bars_at(page, section, "work/server_cpu_us_each", "Server CPU per " + unit,
                           "user and system time of all its processes; less is better",
                           Unit::microseconds));
  out += figure_of(bars_at(page, section, "memory_per_session/private_dirty", "Memory per session",
                           "growth of private memory; less is better", Unit::bytes));
  out += latency_curve(page, section);
  out += one_over_time(page, section, "rate",
                       capital(plural(text_at(first, "work/unit"))) + " over time",
                       "shaded: the measured time", Unit::per_second);
  out += latency_over_time(page, section) + cpu_over_time(page, section);
  const bool is_proportional = has_pss(section);
  out += one_over_time(page, section, is_proportional ? "server_pss" : "server_rss",
                       "Server memory over time",
                       is_proportional ? "proportional size of all its processes"
                                       : "resident size of all its processes",
                       Unit::bytes);
  out += one_over_time(page, section, "sessions", "Sessions over time", "logged in", Unit::plain);
  out += "</div>\n";
  for (const Json* result : section.results) {
    out += options_table(*result);
  }
  return out + "</section>\n";
}

base::Result<Page> read_results(const std::vector<std::string>& texts) {
  Page page;
  for (const std::string& text : texts) {
    Json result = Json::parse(text, nullptr, false);
    if (result.is_discarded() || !result.is_object() ||
        text_at(result, "schema") != "rondel-load/1") {
      return base::Unexpected(base::Error("this is no result of rondel-load"));
    }
    page.results.push_back(std::move(result));
  }
  for (const Json& result : page.results) {
    const std::string label = result["label"];
    if (std::find(page.labels.begin(), page.labels.end(), label) == page.labels.end()) {
      page.labels.push_back(label);
    }
    const auto found = std::find_if(
        page.sections.begin(), page.sections.end(),
        [&result](const Section& section) { return section.scenario == result["scenario"]; });
    if (found == page.sections.end()) {
      page.sections.push_back({result["scenario"], {&result}});
    } else {
      found->results.push_back(&result);
    }
  }
  return page;
}

}  // namespace

base::Result<std::string> make_page(const std::vector<std::string>& results) {
  RONDEL_TRY(const Page page, read_results(results));
  const Json& first = page.results.front();
  std::string labels;
  for (const std::string& label : page.labels) {
    labels += labels.empty() ? label : ", " + label;
  }
  std::string out = fmt::format(
      "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
      "<meta name='viewport' content='width=device-width,initial-scale=1'>"
      "<link rel='icon' href='data:,'><title>{0}: load test</title><style>{1}</style></head>\n"
      "<body><main><h1>{0}</h1><p class='lead'>XMPP under load, measured by rondel-load on {2}; "
      "{3}, "
      "{4} cores, Linux {5}</p>\n",
      html(labels), kPageStyle, html(text_at(first, "started").substr(0, 10)),
      html(text_at(first, "machine/cpu")), number_at(first, "machine/cpus").value_or(0),
      html(text_at(first, "machine/kernel")));
  for (const Section& section : page.sections) {
    out += section_of(page, section);
  }
  return out +
         "<footer>Both ends of each connection were on the same machine. A latency in an open loop "
         "counts from when an event was due. CPU is that of the server's processes as the kernel "
         "accounts for it.</footer></main></body></html>\n";
}

}  // namespace rondel::load
