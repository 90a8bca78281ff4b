// Records of the operations of a ring: found by index from a completion, by tag from a cancel.
#pragma once

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/prefetch.h"
#include "ring/ring.h"

namespace rondel::ring {

enum class OperationKind : std::uint8_t {
  accept,
  receive_multishot,
  receive_one_shot,
  send,
  send_last,
  send_vector,
  read,
  write,
  sync,
  poll,
  connect,
  cancel,
  close,
  shut_down_kept,
  close_kept,
  wake_read
};

/// Who has an operation now.
enum class OperationPlace : std::uint8_t { free, kernel, parked, starved, paused, cancelled };

/// What is needed to submit an operation, and to submit it again.
struct Operation {
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  Tag tag;
  int fd = -1;
  const void* memory = nullptr;  ///< The caller's bytes, parts or address.
  std::uint64_t argument =
      0;  ///< A length, poll events, a cancelled operation's key, or a deadline.
  std::uint32_t generation = 1;
  std::uint32_t next = kNone;
  std::uint32_t previous = kNone;
  std::uint32_t next_in_bucket = kNone;
  std::uint32_t message = kNone;  ///< The message header of a send_vector.
  OperationKind kind = OperationKind::close;
  OperationPlace place = OperationPlace::free;
  bool is_cancel_requested = false;
  bool is_poll_first = false;
};

/// Operations in one place, oldest first; the links are in the records.
struct OperationList {
  OperationPlace place;
  std::uint32_t first = Operation::kNone;
  std::uint32_t last = Operation::kNone;
  std::uint32_t size = 0;
};

/// The key of cancel and close in the kernel, whose completions tell nothing.
constexpr std::uint64_t kUnreportedKey = Operation::kNone;

/// Holds operation records; allocates only when there are more of them than ever before.
///
/// Thread: the ring's.
class OperationTable {
 public:
  static constexpr std::uint32_t kNone = Operation::kNone;

  /// The index of a new record. References to records do not survive this call.
  std::uint32_t add(
      OperationKind kind, int fd, const void* memory, std::uint64_t argument, Tag tag);
  /// Forgets a record that stands in no list.
  void remove(std::uint32_t index);

  /// Begins to load the record of a key, if it has one.
  void prefetch(std::uint64_t key) const {
    if (const auto index = static_cast<std::uint32_t>(key); index < records_.size()) {
      base::prefetch_to_write(&records_[index], sizeof(Operation));
    }
  }

  [[nodiscard]] Operation& operator[](std::uint32_t index) { return records_[index]; }
  [[nodiscard]] const Operation& operator[](std::uint32_t index) const { return records_[index]; }
  [[nodiscard]] std::size_t size() const { return size_; }

  /// What the kernel gives back with each completion.
  [[nodiscard]] std::uint64_t key(std::uint32_t index) const {
    return std::uint64_t{records_[index].generation} << 32 | index;
  }
  /// The index that belongs to a key, or kNone for a stale one.
  [[nodiscard]] std::uint32_t find(std::uint64_t key) const {
    const auto index = static_cast<std::uint32_t>(key);
    const bool is_live = index < records_.size() && records_[index].place != OperationPlace::free &&
                         records_[index].generation == key >> 32;
    return is_live ? index : kNone;
  }

  /// The first record with this tag, and those after `index`; kNone at the end.
  [[nodiscard]] std::uint32_t first_with(Tag tag) const;
  [[nodiscard]] std::uint32_t next_with(Tag tag, std::uint32_t index) const;

  void push_back(OperationList& list, std::uint32_t index);
  void unlink(OperationList& list, std::uint32_t index);
  std::uint32_t pop_front(OperationList& list) {
    const std::uint32_t index = list.first;
    unlink(list, index);
    return index;
  }

 private:
  [[nodiscard]] std::size_t bucket_of(Tag tag) const;
  [[nodiscard]] std::uint32_t matching(Tag tag, std::uint32_t index) const;
  void link_tag(std::uint32_t index);
  void unlink_tag(std::uint32_t index);
  void grow_buckets();

  std::vector<Operation> records_;
  std::vector<std::uint32_t> buckets_ = std::vector<std::uint32_t>(64, kNone);
  std::uint32_t first_free_ = kNone;
  std::size_t size_ = 0;
};

}  // namespace rondel::ring
