// A stanza: a tree with its kind, type and addresses understood.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/result.h"
#include "xml/document.h"
#include "xmpp/jid.h"
#include "xmpp/stanza_error.h"

namespace rondel::xmpp {

enum class StanzaKind : std::uint8_t { message, presence, iq };
/// Source: RFC 6121 §5.2.2; an unknown or absent type is normal.
enum class MessageType : std::uint8_t { normal, chat, groupchat, headline, error };
/// Source: RFC 6121 §4.7.1; an absent type is available.
enum class PresenceType : std::uint8_t {
  available,
  unavailable,
  subscribe,
  subscribed,
  unsubscribe,
  unsubscribed,
  probe,
  error,
};
/// Source: RFC 6120 §8.2.3.
enum class IqType : std::uint8_t { get, set, result, error };

/// "message", "presence", "iq".
[[nodiscard]] std::string_view to_text(StanzaKind kind);
/// The value of the type attribute; empty for available presence, which has none.
[[nodiscard]] std::string_view to_text(MessageType type);
[[nodiscard]] std::string_view to_text(PresenceType type);
[[nodiscard]] std::string_view to_text(IqType type);

/// The kind that name and namespace (jabber:client or jabber:server) make; none: no stanza, which
/// on a stream is unsupported-stanza-type.
[[nodiscard]] std::optional<StanzaKind> kind_of(const xml::Element& element);

/// Owns the tree; views of it stay right through moves and the setters here.
/// Thread: one at a time; crosses threads whole.
class Stanza {
 public:
  /// Holds nothing: is_empty().
  Stanza() = default;
  Stanza(Stanza&&) noexcept = default;
  Stanza& operator=(Stanza&&) noexcept = default;

  /// Checks the form (RFC 6120 §8.1, §8.2) and takes the document only on success, so that the
  /// caller can still answer with make_error_reply(document.root(), error).
  /// Errors: bad_request (an iq without id, known type or its one child; a presence of unknown
  /// type; no stanza at all), jid_malformed (`to` or `from` is no address).
  [[nodiscard]] static base::Result<Stanza, StanzaErrorCondition> from_document(
      xml::Document&& document);

  [[nodiscard]] bool is_empty() const { return document_.empty(); }
  [[nodiscard]] StanzaKind kind() const { return kind_; }
  [[nodiscard]] bool is_message() const { return kind_ == StanzaKind::message; }
  [[nodiscard]] bool is_presence() const { return kind_ == StanzaKind::presence; }
  [[nodiscard]] bool is_iq() const { return kind_ == StanzaKind::iq; }
  [[nodiscard]] MessageType message_type() const {
    RONDEL_ASSERT(is_message());
    return static_cast<MessageType>(type_);
  }
  [[nodiscard]] PresenceType presence_type() const {
    RONDEL_ASSERT(is_presence());
    return static_cast<PresenceType>(type_);
  }
  [[nodiscard]] IqType iq_type() const {
    RONDEL_ASSERT(is_iq());
    return static_cast<IqType>(type_);
  }
  [[nodiscard]] bool is_error() const;
  /// An iq get or set: must be answered.
  [[nodiscard]] bool is_request() const;
  /// An iq result or error: must not be answered.
  [[nodiscard]] bool is_response() const;
  /// Available or unavailable, to nobody or somebody; neither subscription, probe nor error.
  [[nodiscard]] bool is_availability() const;
  /// subscribe, subscribed, unsubscribe, unsubscribed.
  [[nodiscard]] bool is_subscription() const;

  [[nodiscard]] JidView from() const { return from_; }  ///< Empty: absent.
  [[nodiscard]] JidView to() const { return to_; }      ///< Empty: absent.
  [[nodiscard]] std::string_view id() const { return id_; }
  [[nodiscard]] xml::Element& root() { return document_.root(); }
  [[nodiscard]] const xml::Element& root() const { return document_.root(); }
  [[nodiscard]] xml::Arena& arena() { return document_.arena(); }
  [[nodiscard]] xml::Document& document() { return document_; }
  [[nodiscard]] const xml::Document& document() const { return document_; }
  /// The one child element of an iq (of a result: or null; of an error: the first that is no
  /// error).
  [[nodiscard]] const xml::Element* payload() const;
  /// The payload if it is this element, else null.
  [[nodiscard]] const xml::Element* payload(std::string_view name, std::string_view ns) const;

  /// Set the attribute and the view; an empty address removes both. Copies the address.
  void set_from(JidView address);
  void set_to(JidView address);
  void set_id(std::string_view id);

  [[nodiscard]] Stanza clone() const;
  /// Gives the tree away and is empty.
  [[nodiscard]] xml::Document release() &&;

 private:
  void set_address(std::string_view name, JidView address, JidView& view);

  xml::Document document_;
  JidView from_;
  JidView to_;
  std::string_view id_;
  StanzaKind kind_ = StanzaKind::message;
  std::uint8_t type_ = 0;
};

/// `<iq type='result'/>` for a request: addresses exchanged, id kept; the payload is the caller's
/// to add.
[[nodiscard]] xml::Document make_iq_result(const Stanza& request);
[[nodiscard]] xml::Document make_iq_result(const xml::Element& request);
/// An iq get or set of our own.
[[nodiscard]] xml::Document make_iq(IqType type, std::string_view id, JidView from, JidView to);
/// A presence; empty addresses are left out.
[[nodiscard]] xml::Document make_presence(PresenceType type, JidView from, JidView to);
/// A message; empty addresses are left out.
[[nodiscard]] xml::Document make_message(MessageType type, JidView from, JidView to);

}  // namespace rondel::xmpp
