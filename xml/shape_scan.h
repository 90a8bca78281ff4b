// Takes a stanza's bytes apart into what is the same in all stanzas of its shape and what differs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "xml/plain_value.h"

namespace rondel::xml {

/// Markup and values of one element, told apart without a judgement of the markup.
///
/// Markup is every byte outside the slots, which are the places of plain values; it falls into
/// pieces, one before each slot and one behind the last. So two elements with the same pieces are
/// both well-formed or both not, and their trees differ in these values only. Values of attributes
/// whose names begin with "xml" belong to the markup, for they bind namespaces or have rules of
/// their own.
class ShapeScan {
 public:
  static constexpr std::size_t kBytesMax = 4096;
  static constexpr std::size_t kSlotsMax = 64;

  /// Reads a whole element. False if it is too long, has too many slots, or anything in it is not
  /// plain: CDATA, references to characters, bytes that are no UTF-8 or no XML characters, or what
  /// no XML has.
  [[nodiscard]] bool read(std::string_view bytes);

  [[nodiscard]] std::size_t slot_count() const { return count_; }
  [[nodiscard]] const PlainValue& slot(std::size_t index) const { return slots_[index]; }
  [[nodiscard]] std::size_t piece_count() const { return count_ + 1; }
  [[nodiscard]] std::uint32_t piece_begin(std::size_t index) const {
    return index == 0 ? 0 : slots_[index - 1].end;
  }
  [[nodiscard]] std::uint32_t piece_end(std::size_t index) const {
    return index == count_ ? size_ : slots_[index].begin;
  }
  [[nodiscard]] std::string_view piece(std::size_t index) const {
    return {bytes_ + piece_begin(index), piece_end(index) - piece_begin(index)};
  }

 private:
  [[nodiscard]] bool read_tag(std::uint32_t& at);
  [[nodiscard]] bool read_attribute(std::uint32_t& at, std::uint32_t opening_quote);
  [[nodiscard]] bool read_slot(std::uint32_t& at, ValueKind kind);

  const char* bytes_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t count_ = 0;
  std::array<PlainValue, kSlotsMax> slots_;
};

}  // namespace rondel::xml
