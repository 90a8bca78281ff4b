#include "xml/parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"
#include "xml/push_context.h"
#include "xml/shape_cache.h"

namespace rondel::xml {

struct ThreadParser::State {
  static constexpr std::size_t kEntriesMax = 8;

  /// What there is for one set of namespaces.
  struct Entry {
    explicit Entry(StreamNamespaces of) : namespaces(std::move(of)) {}
    StreamNamespaces namespaces;
    std::unique_ptr<PushContext> context;  // made when it is needed
    ShapeCache shapes;                     // outlives contexts: bad input unlearns nothing
  };

  /// The entry for these namespaces, moved to the front; the last one makes room for a new one.
  Entry& entry_for(const StreamNamespaces& namespaces) {
    std::size_t index = 0;
    while (index < count && !(entries[index]->namespaces == namespaces)) {
      ++index;
    }
    if (index == count) {
      if (count < kEntriesMax) {
        ++count;
      }
      index = count - 1;
      entries[index] = std::make_unique<Entry>(namespaces);
    }
    std::rotate(entries.begin(), entries.begin() + index, entries.begin() + index + 1);
    return *entries.front();
  }

  /// By libxml2.
  base::Result<Document, XmlError> parse(Entry& entry, std::string_view bytes) {
    if (!entry.context) {
      entry.context = std::make_unique<PushContext>(entry.namespaces);
      ++counters.contexts_created;
    }
    auto parsed = entry.context->parse(bytes);
    if (!parsed) {
      entry.context.reset();
      ++counters.contexts_discarded;
    } else if (entry.context->is_worn_out()) {
      entry.context.reset();
      ++counters.contexts_recycled;
    }
    return parsed;
  }

  std::array<std::unique_ptr<Entry>, kEntriesMax> entries;  // most recently used first
  std::size_t count = 0;
  Counters counters;
};

ThreadParser::ThreadParser() : state_(std::make_unique<State>()) {
}
ThreadParser::~ThreadParser() = default;

base::Result<Document, XmlError> ThreadParser::parse(std::string_view element_bytes,
                                                     const StreamNamespaces& namespaces) {
  State::Entry& entry = state_->entry_for(namespaces);
  if (Document known = entry.shapes.try_parse(element_bytes); !known.empty()) {
    ++state_->counters.shapes_met;
    return known;
  }
  auto parsed = state_->parse(entry, element_bytes);
  if (parsed) {
    state_->counters.shapes_learned += entry.shapes.learn(element_bytes, parsed->root()) ? 1 : 0;
  } else if (parsed.error() == XmlError::not_well_formed && !base::is_valid_utf8(element_bytes)) {
    // libxml2 has several names for it, and none where it stops at something else first.
    return base::Unexpected(XmlError::unsupported_encoding);  // RFC 6120 §4.9.3.22, §11.6
  }
  return parsed;
}

ThreadParser::Taken ThreadParser::try_take(std::string_view bytes,
                                           const StreamNamespaces& namespaces,
                                           const base::StanzaLimits& limits) {
  auto [stanza, size] = state_->entry_for(namespaces).shapes.try_take(bytes, limits);
  state_->counters.shapes_met += stanza.empty() ? 0 : 1;
  return {std::move(stanza), size};
}

const ThreadParser::Counters& ThreadParser::counters() const {
  return state_->counters;
}

ThreadParser& ThreadParser::of_this_thread() {
  thread_local ThreadParser parser;
  return parser;
}

base::Result<Document, XmlError> parse_standalone(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) {
    return base::Unexpected(XmlError::not_well_formed);
  }
  text = text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
  return ThreadParser::of_this_thread().parse(text, StreamNamespaces::none());
}

}  // namespace rondel::xml
