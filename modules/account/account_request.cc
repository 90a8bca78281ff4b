#include "modules/account/account_request.h"

namespace rondel::modules::account {

using Failed = base::Unexpected<xmpp::StanzaErrorCondition>;
using xmpp::StanzaErrorCondition;

base::Result<AccountRequest, StanzaErrorCondition> parse_account_request(const xml::Element& query,
                                                                         xmpp::JidView sender) {
  AccountRequest request;
  if (query.child("remove") != nullptr) {
    const xml::Element* only = query.first_element();
    if (only->next_element() != nullptr) {
      return Failed(StanzaErrorCondition::bad_request);
    }
    request.kind = AccountRequest::Kind::remove;
    return request;
  }
  const xml::Element* username = query.child("username");
  const xml::Element* password = query.child("password");
  if (username == nullptr || password == nullptr) {
    return Failed(StanzaErrorCondition::bad_request);
  }
  const auto named = xmpp::Jid::from_parts(username->text(), sender.domain());
  if (!named || named->bare() != sender.bare()) {
    return Failed(StanzaErrorCondition::not_allowed);
  }
  request.password = password->text();
  if (request.password.empty()) {
    return Failed(StanzaErrorCondition::bad_request);
  }
  return request;
}

}  // namespace rondel::modules::account
