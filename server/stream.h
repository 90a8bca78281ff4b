// A client's XML stream: negotiation step by step, then stanzas (RFC 6120 §4, §5, §6, §7).
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "log/log.h"
#include "modules/api/contexts.h"
#include "modules/api/registrar.h"
#include "server/expected_receiver.h"
#include "server/interface.h"
#include "server/session_counts.h"
#include "xml/document.h"
#include "xml/stream_header.h"
#include "xml/stream_namespaces.h"
#include "xmpp/jid.h"
#include "xmpp/sasl/failure.h"
#include "xmpp/stream_error.h"

namespace rondel::server {

class Connection;
struct Authenticated;

/// Where a stream is in its life; each state says what the peer may send next.
enum class StreamState : std::uint8_t {
  awaiting_header,  ///< A stream header: at first, and after TLS and SASL.
  unauthenticated,  ///< Encryption, authentication.
  authenticating,   ///< Nothing: an authentication module is at work; the connection is paused.
  authenticated,    ///< Resource binding.
  binding,          ///< Nothing: on the way to the user's home shard; the connection is paused.
  bound,            ///< Stanzas.
  ended,
};

/// The stream's state and what becomes of each first-level element.
///
/// Owner: its connection, by value; moves with it. Thread: the connection's shard.
class Stream {
 public:
  explicit Stream(Connection& connection);
  ~Stream();

  // Events from the connection.
  void opened(std::string_view header_bytes);
  void received(xml::Document element);
  void closed_by_peer();
  /// False if a hook refused the layer; the connection is ending then.
  bool layer_came_up(const api::Layer& layer);
  /// The connection is gone, or is cut now.
  void lost(std::string_view why);
  /// No more stanzas in either direction: the session ends.
  void ended();
  /// Writes the error and the end of the stream; a header first where there was none (RFC 6120
  /// §4.9.1.2).
  void write_error(xmpp::StreamErrorCondition condition, std::string_view text);
  /// The peer has to open its stream anew.
  void restart();

  // Continuations.
  /// The connection has arrived at its user's home shard: finishes resource binding.
  void arrived();
  void authentication_succeeded(Authenticated who, std::string data, std::string_view mechanism);
  void authentication_refused(xmpp::SaslFailure failure, std::string_view text = {});
  void authentication_challenged(std::string_view data);
  /// False if that was one too many (RFC 6120 §6.4.5): the stream has ended.
  bool count_failed_authentication();

  [[nodiscard]] StreamState state() const { return state_; }
  [[nodiscard]] std::string_view host() const { return host_ ? *host_ : std::string_view(); }
  [[nodiscard]] const Interface* interface() const { return interface_; }
  [[nodiscard]] api::Session* session() const { return session_; }
  /// Something else may carry the records of the connection now.
  void count_session();
  [[nodiscard]] const xml::StreamNamespaces& namespaces() const { return namespaces_; }
  [[nodiscard]] const log::Channel& log() const;
  /// The authenticated bare JID, then the bound full JID; empty before.
  [[nodiscard]] xmpp::JidView jid() const;
  [[nodiscard]] std::string_view mechanism() const {
    return mechanism_ ? *mechanism_ : std::string_view();
  }
  [[nodiscard]] std::chrono::steady_clock::time_point opened_at() const { return opened_at_; }
  [[nodiscard]] ExpectedReceiver& expected_receiver() { return expected_receiver_; }
  /// Begins to load what the next stanza will ask for.
  void load_ahead() const;

 private:
  /// What only the way to a bound resource needs; a session of months does not carry it.
  struct Negotiation;

  /// True if the header names a host and namespace of an interface on this listener; else the
  /// stream has ended.
  bool assign_interface(const xml::StreamHeader& header);
  bool check_restarted_header(const xml::StreamHeader& header);
  void write_header();
  void write_features();
  void add_authentication_features(xml::Document& features);
  void negotiate(const xml::Document& element);
  bool offer_to_modules(api::FeatureStage stage, const xml::Element& element);
  void bind(xml::Document request);
  void refuse_binding(const xml::Document& request,
                      xmpp::StanzaErrorCondition condition,
                      std::string_view text);
  void bind_at_home();
  void stanza(xml::Document document);
  void outbound(xmpp::Stanza stanza);
  void fail(xmpp::StreamErrorCondition condition, std::string_view text = {});
  void fail_of_no_stanza(const xml::Element& element);
  void refuse(const xml::Document& stanza,
              xmpp::StanzaErrorCondition condition,
              std::string_view text = {});

  Connection& connection_;
  StreamState state_ = StreamState::awaiting_header;
  bool has_sent_header_ = false;
  bool is_authenticated_ = false;
  SessionCounts::Place counted_ = SessionCounts::kNowhere;
  const Interface* interface_ = nullptr;
  const std::string* host_ = nullptr;  ///< Among those of interface_, which outlives the stream.
  const std::string* mechanism_ = nullptr;  ///< Kept by a shard; null before authentication.
  std::string language_;  ///< Of the peer's header (RFC 6120 §4.7.4); empty: none given.
  xml::StreamNamespaces namespaces_ = xml::StreamNamespaces::client();
  std::unique_ptr<Negotiation>
      negotiation_;  ///< Null once a resource is bound, or the stream over.
  api::Session* session_ = nullptr;
  std::chrono::steady_clock::time_point opened_at_ = std::chrono::steady_clock::now();
  ExpectedReceiver expected_receiver_;
};

}  // namespace rondel::server
