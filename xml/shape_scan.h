// Takes a stanza's bytes apart into what is the same in all stanzas of its shape and what differs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rondel::xml {

/// Where a value stands that differs between stanzas of one shape: an attribute's, or a text.
struct ShapeSlot {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool has_references = false;  ///< `&lt;` and its four like; none other.
};

/// Markup and values of one element, told apart without a judgement of the markup.
///
/// Markup is every byte outside the slots; it falls into pieces, one before each slot and one
/// behind the last. Values are *plain*: whatever stands there, XML 1.0 allows it (productions 10
/// and 14, after 2), it ends where the slot ends, and it means itself. So two elements with the
/// same pieces are both well-formed or both not, and their trees differ in these values only.
/// Values of attributes whose names begin with "xml" belong to the markup, for they bind namespaces
/// or have rules of their own.
class ShapeScan {
 public:
  static constexpr std::size_t kBytesMax = 4096;
  static constexpr std::size_t kSlotsMax = 64;
  /// So many bytes behind the element are looked at; every one must be '<'.
  static constexpr std::size_t kPaddingBytes = 16;

  /// Reads an element of `size` bytes. False if anything in it is not plain: CDATA, references to
  /// characters, bytes that are no UTF-8 or no XML characters, or what no XML has.
  [[nodiscard]] bool read(const char* bytes, std::size_t size, std::uint64_t seed);

  [[nodiscard]] std::size_t slot_count() const { return count_; }
  [[nodiscard]] const ShapeSlot& slot(std::size_t index) const { return slots_[index]; }
  [[nodiscard]] std::size_t piece_count() const { return count_ + 1; }
  [[nodiscard]] std::uint32_t piece_begin(std::size_t index) const {
    return index == 0 ? 0 : slots_[index - 1].end;
  }
  [[nodiscard]] std::uint32_t piece_end(std::size_t index) const {
    return index == count_ ? size_ : slots_[index].begin;
  }
  /// Of the pieces' sizes, which tell most shapes apart.
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  [[nodiscard]] bool read_tag(std::uint32_t& at);
  [[nodiscard]] bool read_attribute(std::uint32_t& at, std::uint32_t opening_quote);
  [[nodiscard]] bool read_text(std::uint32_t& at);
  [[nodiscard]] bool add_slot(std::uint32_t begin, std::uint32_t end, bool has_references);
  void hash_cut(std::uint32_t piece_bytes) {
    hash_ = (hash_ ^ piece_bytes) * 0x9e37'79b9'7f4a'7c15ULL;
    hash_ ^= hash_ >> 32;
  }

  const char* bytes_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t count_ = 0;
  std::uint64_t hash_ = 0;
  std::array<ShapeSlot, kSlotsMax> slots_;
};

/// The character that a reference to one of XML's five entities stands for, and the bytes that the
/// reference takes; 0 bytes if none begins `text`, which begins with '&'.
struct PredefinedEntity {
  char character = 0;
  std::uint8_t bytes = 0;
};
[[nodiscard]] PredefinedEntity predefined_entity(std::string_view text);

}  // namespace rondel::xml
