// Turns the bytes of whole elements into trees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "xml/document.h"
#include "xml/stream_namespaces.h"
#include "xml/xml_error.h"

namespace rondel::xml {

/// The parser of a thread, fed by all of its connections.
///
/// Keeps up to eight libxml2 contexts, one for each set of stream namespaces, the least recently
/// used going first. After every element the context is checked, and thrown away on any doubt, so
/// nothing of one connection's input ever reaches another's. Contexts are also renewed before what
/// they remember (names) costs time. An element that differs only in its plain values from one that
/// came before is made from that one's shape (ShapeScan) and does not meet libxml2.
///
/// Thread: the one that made it. Source: RFC 6120 §11; the traps are told in README.md.
class ThreadParser {
 public:
  struct Counters {
    std::uint64_t contexts_created = 0;
    std::uint64_t contexts_discarded = 0;  ///< After an error.
    std::uint64_t contexts_recycled = 0;   ///< For their size or age.
    std::uint64_t shapes_learned = 0;
    std::uint64_t shapes_met = 0;  ///< Stanzas whose markup libxml2 had judged before.
  };

  ThreadParser();
  ~ThreadParser();
  ThreadParser(const ThreadParser&) = delete;
  ThreadParser& operator=(const ThreadParser&) = delete;

  /// Makes a tree of exactly one element, as Framer reported it.
  ///
  /// Errors: not_well_formed, restricted_xml, unsupported_encoding for what is not UTF-8;
  /// policy_violation for a nesting that no limit of Framer admits. All of them end the stream.
  [[nodiscard]] base::Result<Document, XmlError> parse(std::string_view element_bytes,
                                                       const StreamNamespaces& namespaces);

  struct Taken {
    Document stanza;        ///< Empty if nothing could be taken.
    std::size_t bytes = 0;  ///< That it took.
  };
  /// Takes the stanza that begins `bytes` at once, as Framer and parse() would have done together,
  /// if its shape is known, all of it is there, and it is within the limits. For bytes that begin
  /// between two stanzas.
  [[nodiscard]] Taken try_take(std::string_view bytes,
                               const StreamNamespaces& namespaces,
                               const base::StanzaLimits& limits);

  [[nodiscard]] const Counters& counters() const;

  /// The calling thread's own, made at first use.
  [[nodiscard]] static ThreadParser& of_this_thread();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Reads back a stanza that was stored with to_text(): every namespace declared in it.
///
/// White space around it is dropped. Thread: any; uses the parser of the calling one.
[[nodiscard]] base::Result<Document, XmlError> parse_standalone(std::string_view text);

}  // namespace rondel::xml
