#include "perf/load/texts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "perf/load/clock.h"

namespace rondel::load {
namespace {

constexpr std::size_t kTexts = 61;  // A prime: texts and numbers do not go in step.
constexpr unsigned kShortest = 20;
constexpr unsigned kLongest = 300;

constexpr auto kWords = std::to_array<std::string_view>(
    {"I",       "you",   "the",     "a",          "to",       "it's",   "don't",  "tomorrow",
     "today",   "meet",  "at",      "station",    "train",    "late",   "coffee", "&",
     "tea",     "maybe", "can't",   "\"really\"", "tonight",  "see",    "there",  "send",
     "picture", "of",    "the",     "cat",        "garden",   "with",   "mother", "says",
     "hello",   "ok",    "thanks!", "für",        "Grüße",    "café",   "naïve",  "😀",
     "👍",      "n < 5", "x > y",   "call",       "me",       "when",   "home",   "I'll",
     "be",      "late,", "sorry.",  "What",       "about",    "lunch?", "Have",   "a",
     "good",    "week",  "end!",    "привет",     "спасибо,", "そう",   "работа", "and"});

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

/// Cut at a character, and filled up.
std::string exactly(std::string text, std::size_t bytes) {
  std::size_t size = std::min(bytes, text.size());
  while (size > 0 && size < text.size() && is_continuation(text[size])) {
    --size;
  }
  text.resize(size);
  text.append(bytes - size, '.');
  return text;
}

std::string escaped(std::string_view text, bool has_quotes) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += has_quotes ? "&apos;" : "'";
        break;
      case '"':
        out += has_quotes ? "&quot;" : "\"";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void append_utf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static constexpr std::array<unsigned, 4> kLeads{0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(kLeads[static_cast<std::size_t>(more)] | code >> (6 * more));
  for (int i = more - 1; i >= 0; --i) {
    out += static_cast<char>(0x80 | (code >> (6 * i) & 0x3f));
  }
}

/// What `&name;` means, appended; false if it is unknown.
bool append_reference(std::string_view name, std::string& out) {
  static constexpr std::array<std::pair<std::string_view, char>, 5> kKnown{
      {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"apos", '\''}, {"quot", '"'}}};
  for (const auto& [known, meaning] : kKnown) {
    if (name == known) {
      out += meaning;
      return true;
    }
  }
  if (!name.starts_with('#')) {
    return false;
  }
  const bool is_hex = name.starts_with("#x");
  const char* const begin = name.data() + (is_hex ? 2 : 1);
  const char* const end = name.data() + name.size();
  std::uint32_t code = 0;
  if (std::from_chars(begin, end, code, is_hex ? 16 : 10).ptr != end || code > 0x10ffff) {
    return false;
  }
  append_utf8(code, out);
  return true;
}

}  // namespace

Texts::Texts(unsigned bytes, std::uint64_t seed) {
  Dice dice(seed);
  for (std::size_t i = 0; i < kTexts; ++i) {
    // Most are short, a few are long: the square of an even draw.
    const double part = dice.part();
    const auto wanted =
        bytes != 0 ? std::size_t{bytes}
                   : static_cast<std::size_t>(kShortest + (kLongest - kShortest) * part * part);
    std::string text;
    while (text.size() < wanted) {
      text += text.empty() ? "" : " ";
      text += kWords[dice.below(static_cast<std::uint32_t>(kWords.size()))];
    }
    text = exactly(std::move(text), wanted);
    texts_.push_back({text, escaped(text, false), escaped(text, true)});
  }
}

bool Texts::is_same(std::uint64_t number, std::string_view received) const {
  const Text& text = texts_[number % texts_.size()];
  return received == text.wire || received == text.quoted || unescaped(received) == text.plain;
}

std::string unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('&'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    const std::size_t end = text.find(';');
    if (text.empty() || end == std::string_view::npos ||
        !append_reference(text.substr(1, end - 1), out)) {
      const std::size_t one = std::min<std::size_t>(1, text.size());
      out += text.substr(0, one);
      text.remove_prefix(one);
    } else {
      text.remove_prefix(end + 1);
    }
  }
  return out;
}

}  // namespace rondel::load
