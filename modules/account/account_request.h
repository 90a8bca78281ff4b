// What a user asks to be done with the own account.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "xml/element.h"
#include "xmpp/jid.h"
#include "xmpp/stanza_error.h"

namespace rondel::modules::account {

struct AccountRequest {
  enum class Kind : std::uint8_t { change_password, remove };

  Kind kind = Kind::change_password;
  std::string password;  ///< The new one; not prepared, not empty.
};

/// Reads the `<query/>` of an iq set from `sender`. Source: XEP-0077 §3.2 and §3.3.
///
/// Errors: bad_request (incomplete, an empty password, or remove with something beside it),
/// not_allowed (the name of somebody else).
[[nodiscard]] base::Result<AccountRequest, xmpp::StanzaErrorCondition> parse_account_request(
    const xml::Element& query, xmpp::JidView sender);

}  // namespace rondel::modules::account
