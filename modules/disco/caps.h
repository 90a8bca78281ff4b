// The fingerprint of what an entity says of itself.
#pragma once

#include <string>
#include <vector>

#include "modules/api/shard.h"
#include "xmpp/data_form.h"

namespace rondel::modules::disco {

/// The verification string of an answer to disco#info: base64 of SHA-1. Identities have no language
/// here. Source: XEP-0115 §5.1.
[[nodiscard]] std::string caps_version(api::DiscoInfo info, std::vector<xmpp::DataForm> forms);

}  // namespace rondel::modules::disco
