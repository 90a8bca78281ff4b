// What processes cost, seen from outside, by /proc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rondel::load {

/// Units: bytes.
struct ProcessMemory {
  std::uint64_t rss = 0;
  std::uint64_t pss = 0;
  std::uint64_t private_dirty = 0;
  std::uint64_t anonymous = 0;
};

/// Since the processes began. Units: seconds.
struct ProcessTime {
  double total_s = 0;
  double user_s = 0;
  double system_s = 0;
};

/// Of the machine, all processes. Units: bytes.
struct KernelMemory {
  std::uint64_t tcp_sockets = 0;
  std::uint64_t tcp_memory = 0;
  std::uint64_t slab = 0;
};

/// Some processes with their descendants, threads and all.
class ProcessWatch {
 public:
  ProcessWatch(std::vector<int> pids, std::vector<std::string> names)
      : roots_(std::move(pids)), names_(std::move(names)) {}

  /// Looks for the processes again; those that are gone keep what they had used.
  void refresh();
  [[nodiscard]] bool is_asked() const { return !roots_.empty() || !names_.empty(); }
  [[nodiscard]] std::size_t processes() const { return watched_.size(); }
  [[nodiscard]] std::uint64_t threads() const;

  [[nodiscard]] ProcessTime time();
  /// time().total_s, without a look at a file.
  [[nodiscard]] double cpu_seconds();
  /// Absent if it may not be read.
  [[nodiscard]] std::optional<ProcessMemory> memory() const;
  /// Only the resident size, which is quick.
  [[nodiscard]] std::uint64_t rss() const;

 private:
  struct Watched {
    int pid;
    ProcessTime last;
  };
  std::vector<int> roots_;
  std::vector<std::string> names_;
  std::vector<Watched> watched_;
};

[[nodiscard]] KernelMemory kernel_memory();
[[nodiscard]] std::string kernel_release();
[[nodiscard]] std::string cpu_model();
[[nodiscard]] unsigned cpu_count();

}  // namespace rondel::load
