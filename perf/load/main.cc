// rondel-load: see README.md.
#include <fstream>
#include <iostream>
#include <sstream>

#include "perf/load/options.h"
#include "perf/load/page.h"
#include "perf/load/report.h"
#include "perf/load/run.h"

namespace {

using namespace rondel::load;

bool write_file(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::cout << text << std::flush;
    return true;
  }
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (!file) {
    std::cerr << path << ": can't be written\n";
  }
  return static_cast<bool>(file);
}

int write_page(const PageRequest& request) {
  std::vector<std::string> results;
  for (const std::string& path : request.results) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    results.push_back(text.str());
  }
  const auto page = make_page(results);
  if (!page) {
    std::cerr << page.error().message << '\n';
    return kExitUsage;
  }
  return write_file(request.out, *page) ? kExitClean : kExitUsage;
}

int run(const Options& options) {
  auto run = Run::create(options);
  if (!run) {
    std::cerr << run.error().message << '\n';
    return kExitUsage;
  }
  const auto executed = (*run)->execute();
  if (!options.is_quiet) {
    std::cerr << '\n';
  }
  if (!options.scram_cache.empty()) {
    if (const auto saved = (*run)->crowd().keys().save(options.scram_cache); !saved) {
      std::cerr << saved.error().message << '\n';
    }
  }
  if (!executed) {
    std::cerr << executed.error().message << '\n';
    return kExitProblems;
  }
  const std::string json = report_json(**run, options);
  bool is_written = options.json.empty() || write_file(options.json, json);
  if (!options.html.empty()) {
    const auto page = make_page({json});
    is_written = page.has_value() && write_file(options.html, *page) && is_written;
  }
  (options.json == "-" ? std::cerr : std::cout) << report_text(json);
  return is_written && (*run)->is_clean() ? kExitClean : kExitProblems;
}

}  // namespace

int main(int argc, char** argv) {
  const auto line = parse_command_line(argc, argv);
  if (!line) {
    (line.error().code == kExitClean ? std::cout : std::cerr) << line.error().text;
    return line.error().code;
  }
  return line->is_page ? write_page(line->page) : run(line->options);
}
