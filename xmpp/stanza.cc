#include "xmpp/stanza.h"

#include <array>
#include <span>

#include "base/short_text.h"
#include "xmpp/namespaces.h"

namespace rondel::xmpp {
namespace {

using base::Result;
using base::Unexpected;

// Each in the order of its enumeration.
constexpr std::array<std::string_view, 3> kKinds{"message", "presence", "iq"};
constexpr std::array<std::string_view, 5> kMessageTypes{"normal", "chat", "groupchat", "headline",
                                                        "error"};
constexpr std::array<std::string_view, 8> kPresenceTypes{
    "", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "error"};
constexpr std::array<std::string_view, 4> kIqTypes{"get", "set", "result", "error"};

std::optional<std::uint8_t> index_of(std::string_view name,
                                     std::span<const std::string_view> names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (base::is_same_short(names[i], name)) {
      return static_cast<std::uint8_t>(i);
    }
  }
  return std::nullopt;
}

std::optional<std::uint8_t> presence_type_of(std::optional<std::string_view> type) {
  // An attribute that is there but empty is no type; only its absence means "available".
  if (type && type->empty()) {
    return std::nullopt;
  }
  return index_of(type.value_or(""), kPresenceTypes);
}

/// RFC 6120 §8.2.3: rules 1 to 7 of an iq's form.
std::optional<std::uint8_t> iq_type_of(const xml::Element& iq) {
  const auto index = index_of(iq.attribute_or("type", ""), kIqTypes);
  if (!index || iq.attribute_or("id", "").empty()) {
    return std::nullopt;
  }
  const xml::Element* const first = iq.first_element();
  const bool has_one = first != nullptr && first->next_element() == nullptr;
  bool is_right = false;
  switch (static_cast<IqType>(*index)) {
    case IqType::get:
    case IqType::set:
      is_right = has_one;
      break;
    case IqType::result:
      is_right = has_one || first == nullptr;
      break;
    case IqType::error:
      is_right = iq.child("error") != nullptr;
      break;
  }
  return is_right ? index : std::nullopt;
}

std::optional<std::uint8_t> type_of(StanzaKind kind, const xml::Element& root) {
  switch (kind) {
    case StanzaKind::message:
      return index_of(root.attribute_or("type", ""), kMessageTypes)
          .value_or(static_cast<std::uint8_t>(MessageType::normal));
    case StanzaKind::presence:
      return presence_type_of(root.attribute("type"));
    case StanzaKind::iq:
      return iq_type_of(root);
  }
  RONDEL_CHECK(false);
}

/// An address of the stanza. The tree carries it in its normalised form from now on, for it is
/// written from the tree.
Result<JidView, StanzaErrorCondition> normalise(xml::Document& document, std::string_view name) {
  const auto text = document.root().attribute(name);
  if (!text) {
    return JidView();
  }
  auto address = parse_jid_into(*text, document.arena());
  if (!address) {
    return Unexpected(StanzaErrorCondition::jid_malformed);
  }
  if (address->full().data() == text->data() && address->full().size() == text->size()) {
    return *address;  // As it came.
  }
  document.root().set_attribute(document.arena(), name, address->full());
  return address->moved_to(document.root().attribute_or(name, ""));
}

xml::Document make_stanza(StanzaKind kind, std::string_view type, JidView from, JidView to) {
  xml::Document document = xml::Document::create(to_text(kind), ns::kClient);
  const auto set = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) {
      document.root().set_attribute(document.arena(), name, value);
    }
  };
  set("from", from.full());
  set("to", to.full());
  set("type", type);
  return document;
}

}  // namespace

std::string_view to_text(StanzaKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}
std::string_view to_text(MessageType type) {
  return kMessageTypes[static_cast<std::size_t>(type)];
}
std::string_view to_text(PresenceType type) {
  return kPresenceTypes[static_cast<std::size_t>(type)];
}
std::string_view to_text(IqType type) {
  return kIqTypes[static_cast<std::size_t>(type)];
}

std::optional<StanzaKind> kind_of(const xml::Element& element) {
  if (element.ns() != ns::kClient && element.ns() != ns::kServer) {
    return std::nullopt;
  }
  const auto index = index_of(element.name(), kKinds);
  return index ? std::optional(static_cast<StanzaKind>(*index)) : std::nullopt;
}

Result<Stanza, StanzaErrorCondition> Stanza::from_document(xml::Document&& document) {
  RONDEL_ASSERT(!document.empty());
  const auto kind = kind_of(document.root());
  const auto type = kind ? type_of(*kind, document.root()) : std::nullopt;
  if (!type) {
    return Unexpected(StanzaErrorCondition::bad_request);
  }
  RONDEL_TRY(const JidView from, normalise(document, "from"));
  RONDEL_TRY(const JidView to, normalise(document, "to"));
  Stanza stanza;
  stanza.document_ = std::move(document);
  stanza.kind_ = *kind;
  stanza.type_ = *type;
  stanza.id_ = stanza.root().attribute_or("id", "");
  stanza.from_ = from;
  stanza.to_ = to;
  return stanza;
}

bool Stanza::is_error() const {
  switch (kind_) {
    case StanzaKind::message:
      return message_type() == MessageType::error;
    case StanzaKind::presence:
      return presence_type() == PresenceType::error;
    case StanzaKind::iq:
      return iq_type() == IqType::error;
  }
  RONDEL_CHECK(false);
}

bool Stanza::is_request() const {
  return is_iq() && (iq_type() == IqType::get || iq_type() == IqType::set);
}

bool Stanza::is_response() const {
  return is_iq() && !is_request();
}

bool Stanza::is_availability() const {
  return is_presence() && (presence_type() == PresenceType::available ||
                           presence_type() == PresenceType::unavailable);
}

bool Stanza::is_subscription() const {
  return is_presence() && (presence_type() == PresenceType::subscribe ||
                           presence_type() == PresenceType::subscribed ||
                           presence_type() == PresenceType::unsubscribe ||
                           presence_type() == PresenceType::unsubscribed);
}

const xml::Element* Stanza::payload() const {
  RONDEL_ASSERT(is_iq());
  const xml::Element* element = root().first_element();
  while (element != nullptr && iq_type() == IqType::error && element->is("error", root().ns())) {
    element = element->next_element();
  }
  return element;
}

const xml::Element* Stanza::payload(std::string_view name, std::string_view ns) const {
  const xml::Element* const element = payload();
  return element != nullptr && element->is(name, ns) ? element : nullptr;
}

void Stanza::set_address(std::string_view name, JidView address, JidView& view) {
  if (address.is_empty()) {
    root().remove_attribute(name);
    view = JidView();
    return;
  }
  root().set_attribute(arena(), name, address.full());
  // Onto the copy that the tree owns: `address` may be gone when this call returns.
  view = address.moved_to(root().attribute_or(name, ""));
}

void Stanza::set_from(JidView address) {
  set_address("from", address, from_);
}

void Stanza::set_to(JidView address) {
  set_address("to", address, to_);
}

void Stanza::set_id(std::string_view id) {
  root().set_attribute(arena(), "id", id);
  id_ = root().attribute_or("id", "");
}

Stanza Stanza::clone() const {
  Stanza copy;
  copy.document_ = document_.clone();
  copy.kind_ = kind_;
  copy.type_ = type_;
  if (!copy.document_.empty()) {
    copy.id_ = copy.root().attribute_or("id", "");
    copy.from_ = from_.is_empty() ? from_ : from_.moved_to(copy.root().attribute_or("from", ""));
    copy.to_ = to_.is_empty() ? to_ : to_.moved_to(copy.root().attribute_or("to", ""));
  }
  return copy;
}

xml::Document Stanza::release() && {
  from_ = JidView();
  to_ = JidView();
  id_ = {};
  return std::move(document_);
}

xml::Document make_iq_result(const xml::Element& request) {
  xml::Document reply = xml::Document::create("iq", request.ns());
  const auto take_over = [&](std::string_view from_name, std::string_view to_name) {
    if (const auto value = request.attribute(from_name)) {
      reply.root().set_attribute(reply.arena(), to_name, *value);
    }
  };
  take_over("to", "from");
  take_over("from", "to");
  take_over("id", "id");
  reply.root().set_attribute(reply.arena(), "type", "result");
  return reply;
}

xml::Document make_iq_result(const Stanza& request) {
  RONDEL_ASSERT(request.is_request());
  return make_iq_result(request.root());
}

xml::Document make_iq(IqType type, std::string_view id, JidView from, JidView to) {
  xml::Document document = make_stanza(StanzaKind::iq, to_text(type), from, to);
  document.root().set_attribute(document.arena(), "id", id);
  return document;
}

xml::Document make_presence(PresenceType type, JidView from, JidView to) {
  return make_stanza(StanzaKind::presence, to_text(type), from, to);
}

xml::Document make_message(MessageType type, JidView from, JidView to) {
  return make_stanza(StanzaKind::message, to_text(type), from, to);
}

}  // namespace rondel::xmpp
