// Finds where stream header, stanzas and stream end begin and stop in the bytes of a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/limits.h"
#include "xml/xml_error.h"

namespace rondel::xml {

enum class FrameKind : std::uint8_t {
  need_more,     ///< Everything was looked at; what belongs to an element is to be kept.
  whitespace,    ///< The consumed bytes are white space between elements: a keep-alive; drop them.
  stream_open,   ///< Kept bytes plus the consumed ones are the stream header.
  stanza,        ///< Kept bytes plus the consumed ones are one whole element below the root.
  stream_close,  ///< The root's end tag is complete; nothing but white space may follow.
  error,         ///< The stream is beyond repair; every later call says the same.
};

struct FrameEvent {
  FrameKind kind;
  XmlError error;  ///< Only with FrameKind::error.
  std::size_t consumed;
};

/// The state of a connection's input, small enough to keep for every idle one.
///
/// Bytes that an event consumed belong to it, together with those consumed with need_more since the
/// event before; each is passed once. A stanza that lies whole in one buffer is therefore never
/// copied. The framer judges only what decides about boundaries and limits; the rest is the
/// parser's, which may still refuse an element found here.
///
/// Source: RFC 6120 §4.2, §11; Errors: see FrameEvent. Thread: the connection's.
/// Limits: those passed to feed(), which may change between elements.
class Framer {
 public:
  Framer() = default;
  /// A framer that expects elements at once, for transports that carry them without a header.
  [[nodiscard]] static Framer inside_stream();

  /// Looks at the bytes up to the end of the next event.
  [[nodiscard]] FrameEvent feed(std::span<const std::byte> bytes, const base::StanzaLimits& limits);

  /// Expects a new stream header (RFC 6120 §4.3.3: restart after STARTTLS and SASL).
  void reset() { *this = Framer(); }

  /// Whether bytes consumed so far belong to an element that is not complete.
  [[nodiscard]] bool is_partial() const { return stanza_bytes_ != 0; }
  /// Whether the next byte begins a stanza, or what may stand between two.
  [[nodiscard]] bool is_between_stanzas() const {
    return state_ == State::outside && depth_ == 1 && stanza_bytes_ == 0;
  }
  /// Elements in the stanza that feed() has just completed, for rate limits.
  [[nodiscard]] std::uint32_t element_count() const { return elements_; }

 private:
  friend class FramerScan;
  enum class State : std::uint8_t {
    outside,      // between elements, or before the header
    declaration,  // in <?xml ...?>
    less_than,    // behind <
    tag,          // in a start tag, outside quotes
    apostrophe,   // in a value in '
    quote,        // in a value in "
    end_tag,
    text,
    bang,  // behind <!, matching [CDATA[
    cdata,
    closed,
    failed,
  };

  std::uint32_t stanza_bytes_ = 0;
  std::uint32_t elements_ = 0;
  std::uint32_t root_name_hash_ = 0;
  std::uint32_t name_hash_ = 0;
  std::uint32_t depth_ = 0;
  std::uint32_t attributes_ = 0;  // of the tag that is being read
  State state_ = State::outside;
  std::uint8_t progress_ = 0;  // of <?xml, [CDATA[, ]]>, ?>
  std::uint8_t last_ = 0;      // the byte before, where it decides
  bool has_declaration_ = false;
  bool is_naming_ = false;  // the name of the root or of its end tag is being read
  XmlError error_ = XmlError::not_well_formed;
};
static_assert(sizeof(Framer) <= 64);

}  // namespace rondel::xml
