// IQ requests (RFC 6120 §8.2.3) as handlers see them, and what they answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "modules/api/session.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_error.h"

namespace rondel::api {

class Shard;

/// Which requests a handler is for.
struct IqRoute {
  std::string_view name;  ///< Of the payload element.
  std::string_view ns;    ///< Of the payload element.
  bool accepts_get = true;
  bool accepts_set = false;
  bool for_host = true;      ///< Sent to the server's own domain.
  bool for_account = false;  ///< Sent to an account's bare JID, or without `to`.
  bool is_feature = true;    ///< Listed by service discovery where it is answered.
  /// What is answered in the name of an account that is not there: what strangers are told of
  /// accounts that are, so that nobody learns which exist.
  xmpp::StanzaErrorCondition without_account = xmpp::StanzaErrorCondition::service_unavailable;
};

/// A request that is to be answered; handlers that wait take it by value.
class IqRequest {
 public:
  IqRequest(Shard& shard, xmpp::Stanza stanza) : shard_(&shard), stanza_(std::move(stanza)) {}

  [[nodiscard]] Shard& shard() const { return *shard_; }
  [[nodiscard]] const xmpp::Stanza& stanza() const { return stanza_; }
  [[nodiscard]] xmpp::JidView from() const { return stanza_.from(); }
  [[nodiscard]] xmpp::JidView to() const { return stanza_.to(); }
  [[nodiscard]] bool is_set() const { return stanza_.iq_type() == xmpp::IqType::set; }
  [[nodiscard]] const xml::Element& payload() const { return *stanza_.payload(); }
  /// True if the sender asks its own account.
  [[nodiscard]] bool is_own_account() const { return from().bare() == to().bare(); }
  /// The asked account's local part and host; the local part is empty when the host itself is
  /// asked.
  [[nodiscard]] std::string_view host() const { return to().domain(); }
  /// The session that asks, if it is of this account and still there. Look again after each wait.
  [[nodiscard]] Session* session() const;
  /// An `<iq type='result'/>` to the sender, to be filled.
  [[nodiscard]] xml::Document make_result() const;

 private:
  Shard* shard_;
  xmpp::Stanza stanza_;
};

/// What a handler answers: a result, an error, or nothing because it answers by itself.
class IqReply {
 public:
  IqReply(xml::Document result)
      : result_(std::move(result)) {}  // NOLINT(google-explicit-constructor)
  IqReply(xmpp::StanzaErrorCondition condition,
          std::string text = {})  // NOLINT(google-explicit-constructor)
      : condition_(condition), text_(std::move(text)) {}
  static IqReply none() { return IqReply(); }

  [[nodiscard]] bool is_error() const { return condition_.has_value(); }
  [[nodiscard]] bool is_none() const { return !condition_ && !result_; }
  [[nodiscard]] xml::Document take_result() { return std::move(*result_); }
  [[nodiscard]] xmpp::StanzaErrorCondition condition() const { return *condition_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  IqReply() = default;
  std::optional<xml::Document> result_;
  std::optional<xmpp::StanzaErrorCondition> condition_;
  std::string text_;
};

}  // namespace rondel::api
