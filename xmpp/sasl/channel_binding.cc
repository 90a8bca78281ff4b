#include "xmpp/sasl/channel_binding.h"

#include <algorithm>

#include "base/check.h"

namespace rondel::xmpp {

std::string_view to_text(ChannelBindingType type) {
  switch (type) {
    case ChannelBindingType::tls_exporter:
      return "tls-exporter";
    case ChannelBindingType::tls_server_end_point:
      return "tls-server-end-point";
    case ChannelBindingType::tls_unique:
      return "tls-unique";
  }
  RONDEL_CHECK(false);
}

std::optional<ChannelBindingType> parse_channel_binding_type(std::string_view name) {
  for (const auto type :
       {ChannelBindingType::tls_exporter, ChannelBindingType::tls_server_end_point,
        ChannelBindingType::tls_unique}) {
    if (name == to_text(type)) {
      return type;
    }
  }
  return std::nullopt;
}

bool SaslOffer::has_mechanism(std::string_view name) const {
  return std::find(mechanisms.begin(), mechanisms.end(), name) != mechanisms.end();
}

bool SaslOffer::has_channel_binding(ChannelBindingType type) const {
  return std::find(channel_bindings.begin(), channel_bindings.end(), type) !=
         channel_bindings.end();
}

bool SaslOffer::has_plus() const {
  return std::any_of(mechanisms.begin(), mechanisms.end(),
                     [](std::string_view name) { return name.ends_with("-PLUS"); });
}

}  // namespace rondel::xmpp
