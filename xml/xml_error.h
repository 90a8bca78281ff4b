// What can be wrong with XML that a peer sends.
#pragma once

#include <cstdint>
#include <string_view>

namespace rondel::xml {

/// The stream error conditions that reading XML can give rise to. A prefix that is bound nowhere is
/// not_well_formed (RFC 6120 §4.9.3.13); bad-namespace-prefix is for prefixes that a server does
/// not like, and this one likes all.
///
/// Source: RFC 6120 §4.9.3; names map one to one.
enum class XmlError : std::uint8_t {
  bad_format,            ///< Well-formed, but no stanza can be made of it: text between stanzas.
  invalid_namespace,     ///< The stream root is not in the streams namespace.
  not_well_formed,       ///< Not XML, or not namespace-well-formed (RFC 6120 §11.3).
  policy_violation,      ///< A limit: bytes, depth, attributes, elements.
  restricted_xml,        ///< Comment, processing instruction, DTD, entity (RFC 6120 §11.1).
  unsupported_encoding,  ///< Anything but UTF-8 (RFC 6120 §11.6).
};

/// The condition as RFC 6120 spells it, such as "not-well-formed".
[[nodiscard]] std::string_view condition_name(XmlError error);

}  // namespace rondel::xml
