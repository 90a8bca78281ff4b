#include "modules/conversation-log/log_line.h"

#include "log/escape.h"
#include "xmpp/datetime.h"

namespace rondel::modules::conversation_log {

std::string log_line(const xmpp::Stanza& message, std::int64_t unix_ms, std::string_view outcome) {
  const auto type = message.message_type();
  const xml::Element* body = message.root().child("body");
  std::string line = xmpp::format_datetime(unix_ms);
  const auto add = [&line](std::string_view field) {
    line += '\t';
    log::append_escaped(line, field);
  };
  add(outcome);
  add(message.from().full());
  add(message.to().full());
  add(type == xmpp::MessageType::normal ? "normal" : xmpp::to_text(type));
  add(message.id());
  add(body != nullptr ? body->text() : std::string());
  return line;
}

}  // namespace rondel::modules::conversation_log
