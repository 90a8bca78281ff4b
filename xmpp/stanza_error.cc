#include "xmpp/stanza_error.h"

#include <algorithm>

#include "base/check.h"
#include "xmpp/namespaces.h"
#include "xmpp/stanza.h"

namespace rondel::xmpp {
namespace {

using enum StanzaErrorType;

struct Condition {
  std::string_view name;
  StanzaErrorType type;
};

/// In the order of the enumeration. Source: RFC 6120 §8.3.3.1 to §8.3.3.22.
constexpr std::array<Condition, kStanzaErrorConditions> kConditions{{
    {"bad-request", modify},
    {"conflict", cancel},
    {"feature-not-implemented", cancel},
    {"forbidden", auth},
    {"gone", cancel},
    {"internal-server-error", cancel},
    {"item-not-found", cancel},
    {"jid-malformed", modify},
    {"not-acceptable", modify},
    {"not-allowed", cancel},
    {"not-authorized", auth},
    {"policy-violation", modify},
    {"recipient-unavailable", wait},
    {"redirect", modify},
    {"registration-required", auth},
    {"remote-server-not-found", cancel},
    {"remote-server-timeout", wait},
    {"resource-constraint", wait},
    {"service-unavailable", cancel},
    {"subscription-required", auth},
    {"undefined-condition", cancel},
    {"unexpected-request", wait},
}};

const Condition& data_of(StanzaErrorCondition condition) {
  return kConditions[static_cast<std::size_t>(condition)];
}

bool may_be_answered(const xml::Element& stanza) {
  const auto kind = kind_of(stanza);
  const std::string_view type = stanza.attribute_or("type", "");
  return kind && type != "error" && !(*kind == StanzaKind::iq && type == "result");
}

}  // namespace

std::string_view element_name(StanzaErrorCondition condition) {
  return data_of(condition).name;
}

std::optional<StanzaErrorCondition> parse_stanza_error_condition(std::string_view element_name) {
  const auto* const found =
      std::find_if(kConditions.begin(), kConditions.end(),
                   [&](const Condition& condition) { return condition.name == element_name; });
  if (found == kConditions.end()) {
    return std::nullopt;
  }
  return static_cast<StanzaErrorCondition>(found - kConditions.begin());
}

StanzaErrorType default_type(StanzaErrorCondition condition) {
  return data_of(condition).type;
}

std::string_view to_text(StanzaErrorType type) {
  switch (type) {
    case auth:
      return "auth";
    case cancel:
      return "cancel";
    case continue_processing:
      return "continue";
    case modify:
      return "modify";
    case wait:
      return "wait";
  }
  RONDEL_CHECK(false);
}

xml::Element& append_error(xml::Arena& arena, xml::Element& stanza, const StanzaError& error) {
  xml::Element& element = stanza.append(arena, "error", stanza.ns());
  element.set_attribute(arena, "type", to_text(error.type.value_or(default_type(error.condition))));
  if (!error.by.empty()) {
    element.set_attribute(arena, "by", error.by);
  }
  xml::Element& condition = element.append(arena, element_name(error.condition), ns::kStanzaErrors);
  if (!error.content.empty()) {
    condition.append_text(arena, error.content);
  }
  if (!error.text.empty()) {
    xml::Element& text = element.append(arena, "text", ns::kStanzaErrors);
    text.set_lang(arena, "en");
    text.append_text(arena, error.text);
  }
  return element;
}

xml::Document make_error_reply(const xml::Element& original, const StanzaError& error) {
  if (!may_be_answered(original)) {
    return {};
  }
  xml::Document reply = xml::Document::create(original.name(), original.ns());
  xml::Arena& arena = reply.arena();
  const auto take_over = [&](std::string_view from_name, std::string_view to_name) {
    if (const auto value = original.attribute(from_name)) {
      reply.root().set_attribute(arena, to_name, *value);
    }
  };
  take_over("to", "from");
  take_over("from", "to");
  take_over("id", "id");
  if (kind_of(original) == StanzaKind::iq && !original.has_attribute("id")) {
    reply.root().set_attribute(arena, "id", "");  // RFC 6120 §8.3.1: every iq has one.
  }
  reply.root().set_attribute(arena, "type", "error");
  append_error(arena, reply.root(), error);
  return reply;
}

}  // namespace rondel::xmpp
