// Preparation of one part of an address into a buffer; internal to the address parser.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "xmpp/jid.h"

namespace rondel::xmpp {

/// Where a prepared part is written when it differs from what was read.
using JidPartBuffer = std::array<char, kJidPartBytesMax + 1>;

/// How a part stands to its profile, judged by its ASCII bytes alone.
enum class AsciiForm : unsigned char {
  normal,      ///< Prepared already.
  upper_case,  ///< Prepared by lower-casing.
  other,       ///< Only a library can say.
  forbidden,
};
[[nodiscard]] AsciiForm local_form(std::string_view text);
[[nodiscard]] AsciiForm domain_form(std::string_view text);
[[nodiscard]] AsciiForm resource_form(std::string_view text);

/// The prepared part: `text` itself where it is normal, else in `buffer`.
/// Source: RFC 6122 appendix A (nodeprep). Errors: local_empty, local_forbidden, too_long.
[[nodiscard]] base::Result<std::string_view, JidError> prepare_local_into(std::string_view text,
                                                                          JidPartBuffer& buffer);
/// Source: RFC 7622 §3.2 over UTS 46 (non-transitional), RFC 4291 for literals.
/// Errors: domain_empty, domain_invalid, too_long.
[[nodiscard]] base::Result<std::string_view, JidError> prepare_domain_into(std::string_view text,
                                                                           JidPartBuffer& buffer);
/// Source: RFC 6122 appendix B (resourceprep). Errors: resource_empty, resource_forbidden,
/// too_long.
[[nodiscard]] base::Result<std::string_view, JidError> prepare_resource_into(std::string_view text,
                                                                             JidPartBuffer& buffer);

}  // namespace rondel::xmpp
