// A cheap look at the start tag of a stanza that the framer found; no parser.
#pragma once

#include <cstring>
#include <string_view>

namespace rondel::load {

/// What a stanza's start tag says; views into its bytes, escapes as they are.
struct StanzaHead {
  std::string_view name;
  std::string_view id;
  std::string_view type;
  std::string_view from;
  std::size_t size = 0;  ///< Of the start tag.

  /// Of whole elements only, which the framer has checked for quotes.
  explicit StanzaHead(std::string_view text) {
    const char* at = text.data() + 1;
    const char* const end = text.data() + text.size();
    const char* const begin = at;
    while (at < end && *at != ' ' && *at != '>' && *at != '/' && *at > ' ') {
      ++at;
    }
    name = {begin, static_cast<std::size_t>(at - begin)};
    while (true) {
      while (at < end && *at <= ' ' && *at >= 0) {
        ++at;
      }
      if (at >= end || *at == '>' || *at == '/') {
        break;
      }
      at = read_attribute(at, end);
    }
    size = static_cast<std::size_t>(at - text.data()) + 1;
  }

 private:
  const char* read_attribute(const char* at, const char* end) {
    const char* const begin = at;
    while (at < end && *at != '\'' && *at != '"') {
      ++at;
    }
    if (at == end) {
      return end;
    }
    const char* const value = at + 1;
    const void* found = std::memchr(value, *at, static_cast<std::size_t>(end - value));
    if (found == nullptr) {
      return end;
    }
    const char* const close = static_cast<const char*>(found);
    const std::string_view text(value, static_cast<std::size_t>(close - value));
    const std::string_view attribute(begin, static_cast<std::size_t>(at - begin));
    if (attribute == "id=") {
      id = text;
    } else if (attribute == "type=") {
      type = text;
    } else if (attribute == "from=") {
      from = text;
    }
    return close + 1;
  }
};

}  // namespace rondel::load
