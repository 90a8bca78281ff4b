#include "perf/load/process_watch.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sstream>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

namespace rondel::load {
namespace {

namespace fs = std::filesystem;

struct Stat {
  std::string name;
  int parent = 0;
  double user_s = 0;
  double system_s = 0;
};

/// proc(5): the name in parentheses may hold anything, so what follows the last one counts.
std::optional<Stat> read_stat(int pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  const std::size_t open = line.find('(');
  const std::size_t close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos) {
    return std::nullopt;
  }
  Stat stat;
  stat.name = line.substr(open + 1, close - open - 1);
  std::istringstream rest(line.substr(close + 1));
  std::string skipped;
  rest >> skipped >> stat.parent;
  for (int field = 5; field < 14; ++field) {
    rest >> skipped;
  }
  rest >> stat.user_s >> stat.system_s;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  stat.user_s /= ticks;
  stat.system_s /= ticks;
  return stat;
}

/// Of `name: 123 kB` lines. Units: bytes.
std::map<std::string, std::uint64_t> read_sizes(const std::string& path) {
  std::ifstream file(path);
  std::map<std::string, std::uint64_t> sizes;
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t colon = line.find(':');
    std::uint64_t kibibytes = 0;
    if (colon != std::string::npos && std::istringstream(line.substr(colon + 1)) >> kibibytes) {
      sizes[line.substr(0, colon)] = kibibytes * 1024;
    }
  }
  return sizes;
}

std::vector<int> all_pids() {
  std::vector<int> pids;
  std::error_code error;  // Such as no open file left: then there is nothing to see.
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    int pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr ==
        name.data() + name.size()) {
      pids.push_back(pid);
    }
  }
  return pids;
}

/// Scheduler's own count, exact to the nanosecond, where stat has clock ticks.
std::optional<double> exact_seconds(int pid) {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
    return std::nullopt;
  }
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

}  // namespace

void ProcessWatch::refresh() {
  if (!is_asked()) {
    return;
  }
  std::map<int, std::vector<int>> children;
  std::vector<int> open = roots_;
  for (const int pid : all_pids()) {
    if (const auto stat = read_stat(pid)) {
      children[stat->parent].push_back(pid);
      if (std::find(names_.begin(), names_.end(), stat->name) != names_.end()) {
        open.push_back(pid);
      }
    }
  }
  while (!open.empty()) {
    const int pid = open.back();
    open.pop_back();
    const bool is_known = std::any_of(watched_.begin(), watched_.end(),
                                      [pid](const Watched& watched) { return watched.pid == pid; });
    if (!is_known && read_stat(pid)) {
      watched_.push_back({pid, {}});
    }
    if (const auto found = children.find(pid); found != children.end()) {
      open.insert(open.end(), found->second.begin(), found->second.end());
      children.erase(found);
    }
  }
}

std::uint64_t ProcessWatch::threads() const {
  std::uint64_t count = 0;
  for (const Watched& watched : watched_) {
    std::error_code error;
    const fs::directory_iterator tasks(fmt::format("/proc/{}/task", watched.pid), error);
    count += static_cast<std::uint64_t>(std::distance(begin(tasks), end(tasks)));
  }
  return count;
}

ProcessTime ProcessWatch::time() {
  ProcessTime sum;
  for (Watched& watched : watched_) {
    if (const auto stat = read_stat(watched.pid)) {
      watched.last.user_s = stat->user_s;
      watched.last.system_s = stat->system_s;
      watched.last.total_s = exact_seconds(watched.pid).value_or(stat->user_s + stat->system_s);
    }
    sum.total_s += watched.last.total_s;
    sum.user_s += watched.last.user_s;
    sum.system_s += watched.last.system_s;
  }
  return sum;
}

double ProcessWatch::cpu_seconds() {
  double sum = 0;
  for (Watched& watched : watched_) {
    watched.last.total_s = exact_seconds(watched.pid).value_or(watched.last.total_s);
    sum += watched.last.total_s;
  }
  return sum;
}

std::optional<ProcessMemory> ProcessWatch::memory() const {
  ProcessMemory sum;
  for (const Watched& watched : watched_) {
    if (!fs::exists(fmt::format("/proc/{}", watched.pid))) {
      continue;
    }
    auto sizes = read_sizes(fmt::format("/proc/{}/smaps_rollup", watched.pid));
    if (!sizes.contains("Rss")) {
      return std::nullopt;
    }
    sum.rss += sizes["Rss"];
    sum.pss += sizes["Pss"];
    sum.private_dirty += sizes["Private_Dirty"];
    sum.anonymous += sizes["Anonymous"];
  }
  return watched_.empty() ? std::nullopt : std::optional(sum);
}

std::uint64_t ProcessWatch::rss() const {
  std::uint64_t pages = 0;
  for (const Watched& watched : watched_) {
    std::ifstream file(fmt::format("/proc/{}/statm", watched.pid));
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    if (file >> size >> resident) {
      pages += resident;
    }
  }
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

KernelMemory kernel_memory() {
  KernelMemory memory;
  std::ifstream file("/proc/net/sockstat");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word != "TCP:") {
      continue;
    }
    std::uint64_t value = 0;
    while (words >> word >> value) {
      if (word == "alloc") {
        memory.tcp_sockets = value;
      } else if (word == "mem") {
        memory.tcp_memory = value * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
      }
    }
  }
  memory.slab = read_sizes("/proc/meminfo")["Slab"];
  return memory;
}

std::string kernel_release() {
  utsname names{};
  uname(&names);
  return names.release;
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("model name")) {
      return line.substr(std::min(line.size(), line.find(':') + 2));
    }
  }
  return {};
}

unsigned cpu_count() {
  return std::thread::hardware_concurrency();
}

}  // namespace rondel::load
