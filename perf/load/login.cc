#include "perf/load/login.h"

#include <array>
#include <fmt/format.h>
#include <utility>

#include "base/encoding.h"
#include "perf/load/connection.h"
#include "xml/parser.h"
#include "xml/stream_header.h"
#include "xml/writer.h"
#include "xmpp/namespaces.h"

namespace rondel::load {
namespace {

namespace ns = xmpp::ns;

/// Entity capabilities as phones send them (XEP-0115).
constexpr std::string_view kPresence =
    "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
    "node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>";

bool offers(const xml::Element& mechanisms, std::string_view wanted) {
  for (const xml::Element& mechanism : mechanisms.children()) {
    if (mechanism.single_text() == wanted) {
      return true;
    }
  }
  return false;
}

std::string names_in(const xml::Element& mechanisms) {
  std::string names;
  for (const xml::Element& mechanism : mechanisms.children()) {
    names += names.empty() ? "" : ", ";
    names += mechanism.single_text();
  }
  return names;
}

}  // namespace

std::string error_words(const xml::Element& element) {
  const xml::Element* error = element.is("error", ns::kStreams) ? &element : element.child("error");
  if (error == nullptr) {
    return fmt::format("<{}/>", element.name());
  }
  std::string words;
  for (const xml::Element& child : error->children()) {
    const std::string text = child.text();
    words += fmt::format("{}{}", words.empty() ? "" : ": ",
                         child.name() == "text" ? text : std::string(child.name()));
  }
  return words.empty() ? "an error without a reason" : words;
}

void Login::opened(bool is_encrypted) {
  is_encrypted_ = is_encrypted;
  open_stream();
}

void Login::open_stream() {
  state_ = is_authenticated_                                            ? State::features_bound
           : world_->options.tls == TlsMode::starttls && !is_encrypted_ ? State::features_before_tls
                                                                        : State::features;
  connection_->restart_stream();
  xml::write_stream_header({.to = world_->options.domain, .lang = "en"}, connection_->out());
}

void Login::element(xml::FrameKind kind, std::string_view text) {
  if (kind == xml::FrameKind::stream_open) {
    const auto header = xml::parse_stream_header(text);
    if (!header) {
      fail(fmt::format("the server's stream header: {}", xml::condition_name(header.error())));
      return;
    }
    namespaces_ = header->namespaces;
    return;
  }
  if (kind == xml::FrameKind::stream_close) {
    fail(fmt::format("the server ended the stream while {} was awaited", waits_for()));
    return;
  }
  const auto document = xml::ThreadParser::of_this_thread().parse(text, namespaces_);
  if (!document) {
    fail(fmt::format("the server's XML: {}", xml::condition_name(document.error())));
    return;
  }
  const xml::Element& root = document->root();
  if (root.is("error", ns::kStreams)) {
    fail("stream error: " + error_words(root));
    return;
  }
  switch (state_) {
    case State::features_before_tls:
    case State::features:
    case State::features_bound:
      if (root.is("features", ns::kStreams)) {
        features(root);
      } else {
        fail(fmt::format("<{}/> came in place of stream features", root.name()));
      }
      break;
    case State::proceed:
      if (root.is("proceed", ns::kTls)) {
        state_ = State::tls;
        connection_->start_tls();
      } else {
        fail("the server refused STARTTLS");
      }
      break;
    case State::challenge:
      challenge(root);
      break;
    case State::success:
      success(root);
      break;
    case State::binding:
    case State::session:
    case State::roster:
      result(root);
      break;
    case State::tls:
    case State::done:
    case State::failed:
      break;
  }
}

void Login::features(const xml::Element& root) {
  if (state_ == State::features_before_tls) {
    if (root.child("starttls", ns::kTls) == nullptr) {
      fail("the server does not offer STARTTLS");
      return;
    }
    state_ = State::proceed;
    connection_->out().append("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  } else if (state_ == State::features) {
    authenticate(root);
  } else {
    bind(root);
  }
}

void Login::authenticate(const xml::Element& features) {
  const std::string& mechanism = world_->options.mechanism;
  const xml::Element* mechanisms = features.child("mechanisms", ns::kSasl);
  if (mechanisms == nullptr) {
    fail(features.child("starttls", ns::kTls) != nullptr
             ? "the server offers no authentication before STARTTLS"
             : "the server offers no authentication");
    return;
  }
  if (!offers(*mechanisms, mechanism)) {
    fail(fmt::format("the server does not offer {}, but {}", mechanism, names_in(*mechanisms)));
    return;
  }
  const std::uint32_t number = connection_->number();
  const std::string name = world_->accounts.name(number);
  const std::string password = world_->accounts.password(number);
  std::string first;
  if (mechanism == "PLAIN") {
    first = fmt::format("{0}{1}{0}{2}", '\0', name, password);
    state_ = State::success;
  } else {
    const bool is_sha_1 = mechanism == "SCRAM-SHA-1";
    scram_.emplace(is_sha_1 ? xmpp::ScramHash::sha_1 : xmpp::ScramHash::sha_256, name, password);
    first = scram_->first();
    state_ = State::challenge;
  }
  connection_->out().append(
      fmt::format("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{}'>{}</auth>",
                  mechanism, base::base64_encode(first)));
}

void Login::challenge(const xml::Element& root) {
  if (!root.is("challenge", ns::kSasl)) {
    success(root);
    return;
  }
  auto answer = scram_->answer(base::base64_decode(root.text()).value_or(""), world_->keys);
  if (!answer) {
    fail(answer.error().message);
    return;
  }
  state_ = State::success;
  connection_->out().append(
      fmt::format("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{}</response>",
                  base::base64_encode(*answer)));
}

void Login::success(const xml::Element& root) {
  if (root.is("failure", ns::kSasl)) {
    const xml::Element* condition = root.first_element();
    const xml::Element* text = root.child("text");
    fail(fmt::format("authentication failed: {}{}{}",
                     condition == nullptr ? "no reason" : condition->name(),
                     text == nullptr ? "" : ": ", text == nullptr ? "" : text->text()));
    return;
  }
  if (!root.is("success", ns::kSasl)) {
    fail(fmt::format("<{}/> came in the middle of an authentication", root.name()));
    return;
  }
  if (scram_ && !scram_->is_signed(base::base64_decode(root.text()).value_or(""))) {
    fail("the server's signature is wrong: it does not know the account");
    return;
  }
  scram_.reset();
  is_authenticated_ = true;
  open_stream();
}

void Login::bind(const xml::Element& features) {
  if (features.child("bind", ns::kBind) == nullptr) {
    fail("the server does not offer resource binding");
    return;
  }
  const xml::Element* session = features.child("session", ns::kSession);
  must_ask_session_ = session != nullptr && session->child("optional") == nullptr;
  state_ = State::binding;
  connection_->out().append(
      fmt::format("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  "<resource>{}</resource></bind></iq>",
                  kResource));
}

void Login::result(const xml::Element& root) {
  const std::string_view wanted = state_ == State::binding   ? "bind"
                                  : state_ == State::session ? "session"
                                                             : "roster";
  if (root.name() != "iq" || root.attribute_or("id", "") != wanted) {
    return;  // Pushes, and messages that waited.
  }
  if (root.attribute_or("type", "") != "result") {
    fail(fmt::format("{}: {}", wanted, error_words(root)));
    return;
  }
  if (state_ == State::binding) {
    const xml::Element* bound = root.child("bind", ns::kBind);
    const xml::Element* jid = bound == nullptr ? nullptr : bound->child("jid");
    if (jid == nullptr) {
      fail("bind: no address in the answer");
    } else if (world_->options.is_to_full &&
               !jid->text().ends_with(fmt::format("/{}", kResource))) {
      fail(fmt::format("the server does not give the resource '{}'; use --to bare", kResource));
    } else {
      go_on_after_bind();
    }
  } else if (state_ == State::session) {
    go_on_after_session();
  } else {
    finish();
  }
}

void Login::go_on_after_bind() {
  if (!must_ask_session_) {
    go_on_after_session();
    return;
  }
  state_ = State::session;
  connection_->out().append(
      "<iq type='set' id='session'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
}

void Login::go_on_after_session() {
  if (!world_->asks_roster) {
    finish();
    return;
  }
  state_ = State::roster;
  connection_->out().append("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>");
}

void Login::finish() {
  state_ = State::done;
  if (world_->is_available) {
    connection_->out().append(kPresence);
  }
}

void Login::fail(std::string error) {
  state_ = State::failed;
  error_ = std::move(error);
}

std::string_view Login::waits_for() const {
  static constexpr std::array<std::string_view, 12> kWords{"the offer of STARTTLS",
                                                           "the answer to STARTTLS",
                                                           "the TLS handshake",
                                                           "stream features",
                                                           "a SASL challenge",
                                                           "the end of SASL",
                                                           "the offer of binding",
                                                           "the bound address",
                                                           "the session",
                                                           "the roster",
                                                           "nothing",
                                                           "nothing"};
  return kWords[static_cast<std::size_t>(state_)];
}

}  // namespace rondel::load
