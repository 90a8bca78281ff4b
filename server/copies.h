// One stanza for many receivers.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/byte_buffer.h"
#include "xml/document.h"

namespace rondel::server {

/// A stanza written once, with a gap where each receiver's address goes.
///
/// Immutable once made: shards share it. Source: RFC 6121 §4.2.2, §4.4.2: the copies of a presence
/// differ in their `to` alone.
class CopiedStanza {
 public:
  explicit CopiedStanza(xml::Document stanza);

  /// For who has to look into it.
  [[nodiscard]] const xml::Document& document() const { return document_; }
  /// Appends the copy for `to`.
  void write(std::string_view to, base::ByteBuffer& out) const;

 private:
  xml::Document document_;
  base::ByteBuffer text_;
  std::size_t gap_ = 0;  ///< Where in text_ the address goes.
};

}  // namespace rondel::server
