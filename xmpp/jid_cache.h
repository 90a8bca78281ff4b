// What the address libraries have prepared lately; internal to the address parser.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace rondel::xmpp {

enum class JidPart : unsigned char { local, domain, resource };

/// A few prepared parts by what they were read from. Preparing "bücher.example" costs some 50 µs,
/// and on the host of that name every stanza names it twice. Thread: each has its own. Limits:
/// kEntries of at most kBytesMax, the newer one in each place.
class JidCache {
 public:
  static constexpr std::size_t kEntries = 128;
  static constexpr std::size_t kBytesMax = 128;

  [[nodiscard]] static JidCache& of_this_thread();

  /// Valid until the next store().
  [[nodiscard]] std::optional<std::string_view> find(JidPart part, std::string_view text) const;
  void store(JidPart part, std::string_view text, std::string_view prepared);

 private:
  struct Entry {
    JidPart part = JidPart::local;
    std::string text;
    std::string prepared;
  };

  std::array<Entry, kEntries> entries_;
};

}  // namespace rondel::xmpp
