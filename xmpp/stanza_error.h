// Errors of stanzas: conditions, types, replies.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "xml/document.h"
#include "xml/element.h"

namespace rondel::xmpp {

/// The defined conditions. Source: RFC 6120 §8.3.3.
enum class StanzaErrorCondition : std::uint8_t {
  bad_request,
  conflict,
  feature_not_implemented,
  forbidden,
  gone,
  internal_server_error,
  item_not_found,
  jid_malformed,
  not_acceptable,
  not_allowed,
  not_authorized,
  policy_violation,
  recipient_unavailable,
  redirect,
  registration_required,
  remote_server_not_found,
  remote_server_timeout,
  resource_constraint,
  service_unavailable,
  subscription_required,
  undefined_condition,
  unexpected_request,
};
inline constexpr std::size_t kStanzaErrorConditions = 22;

/// What the sender may do about it. Source: RFC 6120 §8.3.2.
enum class StanzaErrorType : std::uint8_t { auth, cancel, continue_processing, modify, wait };

/// The name of the condition's element: "item-not-found".
[[nodiscard]] std::string_view element_name(StanzaErrorCondition condition);
[[nodiscard]] std::optional<StanzaErrorCondition> parse_stanza_error_condition(
    std::string_view element_name);
/// The type that the RFC associates with the condition, the first where it gives two.
[[nodiscard]] StanzaErrorType default_type(StanzaErrorCondition condition);
/// The value of the type attribute: "cancel".
[[nodiscard]] std::string_view to_text(StanzaErrorType type);

/// An error as it goes into a reply.
struct StanzaError {
  StanzaErrorCondition condition;
  std::string_view text = {};                          ///< For people, in English; empty: none.
  std::optional<StanzaErrorType> type = std::nullopt;  ///< Not the condition's own.
  std::string_view content = {};                       ///< The new address of gone and redirect.
  std::string_view by = {};                            ///< Who says so, if not the addressee.

  StanzaError(StanzaErrorCondition which,
              std::string_view said = {})  // NOLINT(google-explicit-constructor)
      : condition(which), text(said) {}
};

/// Appends `<error/>` to a stanza. Source: RFC 6120 §8.3.2.
xml::Element& append_error(xml::Arena& arena, xml::Element& stanza, const StanzaError& error);

/// The reply to `original`: addresses exchanged, id kept, type error, no payload (RFC 6120 §8.3.1
/// leaves that to us, and a server that echoes can be made to reflect). Empty for what must not be
/// answered: an error, an iq result, and what is no stanza.
[[nodiscard]] xml::Document make_error_reply(const xml::Element& original,
                                             const StanzaError& error);

}  // namespace rondel::xmpp
