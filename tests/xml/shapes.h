// What libxml2 alone makes of a stanza, beside what a parser makes that may have learned its shape.
#pragma once

#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "tests/xml/canonical.h"
#include "xml/parser.h"
#include "xml/push_context.h"
#include "xml/writer.h"

namespace rondel::xml {

/// What a tree says, and what is written of it.
inline std::string described(const Element& root) {
  base::ByteBuffer out;
  write(root, out);
  return canonical(root) + " as " + std::string(out.text());
}

/// What libxml2 alone makes of it, or "bad".
inline std::string judged_by_libxml2(
    std::string_view stanza, const StreamNamespaces& namespaces = StreamNamespaces::client()) {
  const auto parsed = PushContext(namespaces).parse(stanza);
  return parsed ? described(parsed->root()) : "bad";
}

inline std::string outcome(ThreadParser& parser,
                           std::string_view stanza,
                           const StreamNamespaces& namespaces = StreamNamespaces::client()) {
  const auto parsed = parser.parse(stanza, namespaces);
  return parsed ? described(parsed->root()) : "bad";
}

/// Has the parser learn the stanza's shape; whether it could.
inline bool teach(ThreadParser& parser, const std::string& stanza) {
  const auto before = parser.counters().shapes_learned;
  outcome(parser, stanza);
  outcome(parser, stanza);
  return parser.counters().shapes_learned == before + 1;
}

inline bool is_met(ThreadParser& parser, std::string_view stanza) {
  const auto before = parser.counters().shapes_met;
  static_cast<void>(parser.parse(stanza, StreamNamespaces::client()));
  return parser.counters().shapes_met == before + 1;
}

}  // namespace rondel::xml
