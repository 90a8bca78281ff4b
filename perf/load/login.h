// The way of a client from its first byte to a bound session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "perf/load/accounts.h"
#include "perf/load/options.h"
#include "perf/load/scram.h"
#include "xml/element.h"
#include "xml/framer.h"
#include "xml/stream_namespaces.h"

namespace rondel::load {

class Connection;

/// What is the same for all logins.
struct LoginWorld {
  const Options& options;
  const Accounts& accounts;
  ScramKeys& keys;
  bool asks_roster = false;  ///< As clients do that show contacts.
  bool is_available = true;  ///< Sends initial presence, with capabilities.
};

/// The resource that every session asks for.
inline constexpr std::string_view kResource = "load";
/// What stands behind a bare address then.
inline constexpr std::string_view kFullSuffix = "/load";

/// Reads what the server says and answers it, until the session is bound or something is wrong.
class Login {
 public:
  enum class State : std::uint8_t {
    features_before_tls,
    proceed,
    tls,
    features,
    challenge,
    success,
    features_bound,
    binding,
    session,
    roster,
    done,
    failed
  };

  Login(const LoginWorld& world, Connection& connection)
      : world_(&world), connection_(&connection) {}

  /// Bytes may flow, with TLS if is_encrypted.
  void opened(bool is_encrypted);
  void element(xml::FrameKind kind, std::string_view text);

  [[nodiscard]] bool is_done() const { return state_ == State::done; }
  [[nodiscard]] bool has_failed() const { return state_ == State::failed; }
  /// Why, if has_failed(); the same for all sessions that failed in the same way.
  [[nodiscard]] const std::string& error() const { return error_; }
  /// What it waits for, in words.
  [[nodiscard]] std::string_view waits_for() const;

 private:
  void open_stream();
  void features(const xml::Element& root);
  void authenticate(const xml::Element& features);
  void challenge(const xml::Element& root);
  void success(const xml::Element& root);
  void bind(const xml::Element& features);
  void result(const xml::Element& root);
  void go_on_after_bind();
  void go_on_after_session();
  void finish();
  void fail(std::string error);

  const LoginWorld* world_;
  Connection* connection_;
  std::optional<ScramClient> scram_;
  std::string error_;
  xml::StreamNamespaces namespaces_ = xml::StreamNamespaces::client();
  State state_ = State::features;
  bool is_encrypted_ = false;
  bool is_authenticated_ = false;
  bool must_ask_session_ = false;
};

/// A stream error, or a stanza's error, in words.
[[nodiscard]] std::string error_words(const xml::Element& element);

}  // namespace rondel::load
