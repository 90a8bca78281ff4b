#include "modules/api/session.h"

#include "xml/parser.h"
#include "xml/writer.h"

namespace rondel::api {

xml::Document Session::presence() const {
  if (presence_.empty()) {
    return {};
  }
  auto document = xml::parse_standalone(presence_);
  RONDEL_CHECK(document.has_value());  // Our own writer wrote it.
  return std::move(*document);
}

void Session::set_available(const xml::Element& presence, int priority) {
  presence_ = xml::to_text(presence);
  presence_.shrink_to_fit();
  priority_ = static_cast<std::int8_t>(priority);
}

void Session::set_unavailable() {
  presence_ = std::string();
  priority_ = 0;
}

}  // namespace rondel::api
