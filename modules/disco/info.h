// What a host says of itself beyond identities and features.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/snapshot.h"
#include "xmpp/data_form.h"

namespace rondel::modules::disco {

/// The form with whom to write to; none if nobody is configured. Source: XEP-0128, XEP-0157 §2.
[[nodiscard]] std::vector<xmpp::DataForm> contact_forms(const config::ContactAddresses& contact);

/// An item of the host as it stands in the configuration.
struct Item {
  std::string jid;   ///< Normalised.
  std::string name;  ///< May be empty.
};
/// "conference.example.org Rooms to talk in": an address, then a name if wanted.
[[nodiscard]] std::optional<Item> parse_item(std::string_view text);
/// For the configuration: what is allowed, or nothing if the text is fine.
[[nodiscard]] std::string_view check_item(std::string_view text);

}  // namespace rondel::modules::disco
