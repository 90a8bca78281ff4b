// One libxml2 push parser, primed with a stream's namespaces.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "xml/stream_namespaces.h"
#include "xml/tree_builder.h"

namespace rondel::xml {

/// A context that has read a root element of our own making and now reads element after element.
///
/// Owner: ThreadParser; dies at the first error. Thread: its owner's.
class PushContext {
 public:
  explicit PushContext(StreamNamespaces namespaces);
  ~PushContext();
  PushContext(const PushContext&) = delete;
  PushContext& operator=(const PushContext&) = delete;

  /// After an error the context must not be used again.
  [[nodiscard]] base::Result<Document, XmlError> parse(std::string_view bytes);

  /// Whether it remembers so much that a new one would be cheaper.
  [[nodiscard]] bool is_worn_out() const;
  [[nodiscard]] const StreamNamespaces& namespaces() const { return namespaces_; }

 private:
  struct Callbacks;
  /// A well-known namespace by the address of libxml2's own copy of its name.
  struct KnownNamespace {
    const unsigned char* name = nullptr;
    std::string_view ns;
  };
  static constexpr std::size_t kKnownNamespaces = 32;

  [[nodiscard]] std::int64_t bytes_read() const;
  /// The namespace that libxml2 names; a view of static text if it is well known.
  [[nodiscard]] std::string_view resolve_namespace(const unsigned char* name);

  StreamNamespaces namespaces_;
  TreeBuilder builder_;
  void* context_ = nullptr;  // xmlParserCtxt
  std::string scratch_;      // of resolve_ampersands()
  std::array<KnownNamespace, kKnownNamespaces> known_{};
  bool is_primed_ = false;
  int names_at_start_ = 0;
  std::size_t bytes_fed_ = 0;
  std::size_t largest_bytes_ = 0;
};

}  // namespace rondel::xml
