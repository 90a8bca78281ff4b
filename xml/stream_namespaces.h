// The namespaces that a stream header binds for everything inside the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rondel::xml {

/// An immutable set of bindings, one pointer wide; the usual ones share static data.
///
/// Thread: any; travels with its connection. Limits: a header's own (attributes_max).
class StreamNamespaces {
 public:
  struct Bindings {
    std::string content;  ///< The default namespace; may be "".
    std::vector<std::pair<std::string, std::string>> prefixes;  ///< Sorted by prefix, unique.
    std::uint64_t hash = 0;
    bool operator==(const Bindings& other) const {
      return hash == other.hash && content == other.content && prefixes == other.prefixes;
    }
  };

  /// No bindings at all: stored stanzas, WebSocket frames.
  [[nodiscard]] static StreamNamespaces none();
  /// xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'.
  [[nodiscard]] static StreamNamespaces client();
  /// The same with jabber:server, and db for jabber:server:dialback.
  [[nodiscard]] static StreamNamespaces server();
  [[nodiscard]] static StreamNamespaces of(
      std::string content, std::vector<std::pair<std::string, std::string>> prefixes);

  [[nodiscard]] std::string_view content() const { return bindings_->content; }
  [[nodiscard]] const Bindings& bindings() const { return *bindings_; }
  bool operator==(const StreamNamespaces& other) const {
    return bindings_ == other.bindings_ || *bindings_ == *other.bindings_;
  }

 private:
  explicit StreamNamespaces(std::shared_ptr<const Bindings> bindings)
      : bindings_(std::move(bindings)) {}

  // Shared by count, but touched only when a stream opens or moves, not per stanza.
  std::shared_ptr<const Bindings> bindings_;
};

}  // namespace rondel::xml
