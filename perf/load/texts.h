// What people write to each other: texts of messages, as they are and as XML.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rondel::load {

/// A fixed choice of texts, drawn once from a seed: short answers, sentences, a few long ones, with
/// apostrophes, quotes, ampersands and letters outside ASCII.
class Texts {
 public:
  /// `bytes`: the length of every text; 0: lengths as people write, 20 to 300 bytes.
  Texts(unsigned bytes, std::uint64_t seed);

  /// The text that belongs to a number, escaped for XML.
  [[nodiscard]] std::string_view wire(std::uint64_t number) const {
    return texts_[number % texts_.size()].wire;
  }
  /// Whether `received`, as it stood in XML, means the text that belongs to a number.
  [[nodiscard]] bool is_same(std::uint64_t number, std::string_view received) const;

 private:
  struct Text {
    std::string plain;
    std::string wire;    ///< & < > escaped.
    std::string quoted;  ///< And both quotes, as some servers write it.
  };
  std::vector<Text> texts_;
};

/// The meaning of character data; an unknown reference stays as it is.
[[nodiscard]] std::string unescaped(std::string_view text);

}  // namespace rondel::load
