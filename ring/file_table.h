// The ring's own table of sockets ("fixed files"), beside the process's table of open files.
#pragma once

#include <cstdint>
#include <vector>

namespace rondel::ring {

class KernelRing;

/// Places for sockets that belong to one ring: no entry in the table of open files of the process
/// stands for them, so the limit of open files does not count them.
///
/// The kernel's table is made when the first socket is kept. Thread: the ring's. Limits: as many
/// places as asked for; the kernel gives a table at most as many as a process may open files.
class FileTable {
 public:
  /// Descriptors from here on are places of a table: no process has so many open files.
  static constexpr int kFirst = 1 << 30;

  explicit FileTable(unsigned places_max) : places_max_(places_max) {}

  [[nodiscard]] static constexpr bool is_kept(int fd) { return fd >= kFirst; }
  /// The kernel's number of a kept socket.
  [[nodiscard]] static constexpr unsigned place_of(int fd) {
    return static_cast<unsigned>(fd - kFirst);
  }

  /// Moves a socket in and closes its descriptor. Returns what stands for it, or `fd`, still open,
  /// where there is no place or the kernel has no such table. Blocks for two system calls.
  int keep(KernelRing& kernel, int fd);

  // An operation that the kernel may look up late must not meet the next socket of its place.
  void begin(int fd) { ++uses_[place_of(fd)]; }
  /// True if the place is now to be closed, as was asked for meanwhile.
  [[nodiscard]] bool end(int fd);
  /// True if the place is to be closed at once; else when its last operation ends.
  [[nodiscard]] bool try_close(int fd);
  /// The kernel has emptied the place.
  void closed(int fd) { free_.push_back(place_of(fd)); }

  [[nodiscard]] std::size_t size() const { return uses_.size() - free_.size(); }

 private:
  static constexpr std::uint8_t kCloseWanted = 0x80;

  unsigned places_max_;
  bool is_made_ = false;
  std::vector<std::uint8_t> uses_;  ///< For each place that was ever used.
  std::vector<unsigned> free_;
};

}  // namespace rondel::ring
