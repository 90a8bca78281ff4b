// What presence must look like, and how subscription states stand in roster items.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/roster.h"
#include "xml/element.h"
#include "xmpp/roster_item.h"
#include "xmpp/stanza.h"

namespace rondel::modules::presence {

/// A request that is longer is kept without its content, so that all of them can be delivered at
/// once when the user comes online.
inline constexpr std::size_t kRequestBytesMax = 4096;
/// Requests that wait for one user; further ones are dropped.
inline constexpr std::size_t kRequestsMax = 200;

/// The number in `<priority/>`; none if it is no number from -128 to 127.
/// Source: RFC 6121 §4.7.2.3 (xs:byte).
[[nodiscard]] std::optional<int> parse_priority(std::string_view text);
/// The priority of a presence that is to be broadcast, 0 if it has none.
/// Source: RFC 6121 §4.7.2. Errors: a sentence, for what is bad-request: an unknown show, a
/// priority that is none, either of them twice. An empty show is none.
[[nodiscard]] base::Result<int, std::string_view> check_available(const xml::Element& presence);

/// The state that an item stands for; no item is no relation.
[[nodiscard]] xmpp::SubscriptionState state_of(const store::RosterItem* item);
/// Writes `state` into the item of `contact` (null: there is none yet). `request` is the stanza to
/// keep if the state has a request that the item lacks.
///
/// An item that clients saw stays in the roster (RFC 6121 §3.2, §3.3); one that was only a request
/// goes when the request does.
[[nodiscard]] store::RosterChange change_to(const store::RosterItem* item,
                                            std::string_view contact,
                                            xmpp::SubscriptionState state,
                                            std::string request);

/// `type` is one of the four of a subscription.
[[nodiscard]] xmpp::OutboundTransition outbound_transition(xmpp::PresenceType type,
                                                           xmpp::SubscriptionState state);
[[nodiscard]] xmpp::InboundTransition inbound_transition(xmpp::PresenceType type,
                                                         xmpp::SubscriptionState state);

/// A request as it is kept: whole, or without content if that is too long (kRequestBytesMax).
[[nodiscard]] std::string kept_request(const xmpp::Stanza& request);

}  // namespace rondel::modules::presence
