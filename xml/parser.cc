#include "xml/parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"
#include "xml/push_context.h"

namespace rondel::xml {

struct ThreadParser::State {
  static constexpr std::size_t kContextsMax = 8;

  /// The context for these namespaces, moved to the front; the last one makes room for a new one.
  PushContext& context_for(const StreamNamespaces& namespaces) {
    std::size_t index = 0;
    while (index < count && !(contexts[index]->namespaces() == namespaces)) {
      ++index;
    }
    if (index == count) {
      if (count < kContextsMax) {
        ++count;
      }
      index = count - 1;
      contexts[index] = std::make_unique<PushContext>(namespaces);
      ++counters.contexts_created;
    }
    std::rotate(contexts.begin(), contexts.begin() + index, contexts.begin() + index + 1);
    return *contexts.front();
  }

  void drop_front() {
    std::rotate(contexts.begin(), contexts.begin() + 1, contexts.begin() + count);
    contexts[--count].reset();
  }

  std::array<std::unique_ptr<PushContext>, kContextsMax> contexts;  // most recently used first
  std::size_t count = 0;
  Counters counters;
};

ThreadParser::ThreadParser() : state_(std::make_unique<State>()) {
}
ThreadParser::~ThreadParser() = default;

base::Result<Document, XmlError> ThreadParser::parse(std::string_view element_bytes,
                                                     const StreamNamespaces& namespaces) {
  PushContext& context = state_->context_for(namespaces);
  auto parsed = context.parse(element_bytes);
  if (!parsed) {
    state_->drop_front();
    ++state_->counters.contexts_discarded;
    // libxml2 has several names for it, and none where it stops at something else first.
    if (parsed.error() == XmlError::not_well_formed && !base::is_valid_utf8(element_bytes)) {
      return base::Unexpected(XmlError::unsupported_encoding);  // RFC 6120 §4.9.3.22, §11.6
    }
  } else if (context.is_worn_out()) {
    state_->drop_front();
    ++state_->counters.contexts_recycled;
  }
  return parsed;
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
