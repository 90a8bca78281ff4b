// Sessions and users: what lives on a user's home shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/handle.h"
#include "xml/document.h"
#include "xmpp/jid.h"

namespace rondel::api {

class User;

/// Something that a module hangs on a session or a user; freed with it.
struct ModuleState {
  virtual ~ModuleState() = default;
};

/// A place for one module's state on every session (or user), handed out at load.
template <class Owner, class State>
struct StateSlot {
  std::uint8_t index = 0;
};
template <class State>
using SessionSlot = StateSlot<class Session, State>;
template <class State>
using UserSlot = StateSlot<class User, State>;

/// The states that modules hang on one object.
class ModuleStates {
 public:
  [[nodiscard]] ModuleState* find(std::uint8_t index) const {
    return index < states_.size() ? states_[index].get() : nullptr;
  }
  void set(std::uint8_t index, std::unique_ptr<ModuleState> state) {
    if (index >= states_.size()) {
      states_.resize(index + 1u);
    }
    states_[index] = std::move(state);
  }

 private:
  std::vector<std::unique_ptr<ModuleState>> states_;
};

/// A bound resource of a user (RFC 6120 §7).
///
/// Thread: the user's home shard. Owner: User. Hold full_jid() or connection(), not a pointer,
/// across a wait.
class Session {
 public:
  Session(User& user, xmpp::Jid jid, base::ConnectionId connection)
      : user_(&user), connection_(connection), jid_(std::move(jid)) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] User& user() const { return *user_; }
  [[nodiscard]] xmpp::JidView jid() const { return jid_.view(); }
  [[nodiscard]] std::string_view resource() const { return jid_.view().resource(); }
  [[nodiscard]] base::ConnectionId connection() const { return connection_; }

  /// Available: initial presence was sent (RFC 6121 §4.2). The presence module says so.
  [[nodiscard]] bool is_available() const { return !presence_.empty(); }
  [[nodiscard]] int priority() const { return priority_; }
  /// The last available presence as broadcast; empty while unavailable. Kept as text, a tenth of
  /// what a tree takes, and read again for who asks.
  [[nodiscard]] xml::Document presence() const;
  void set_available(const xml::Element& presence, int priority);
  void set_unavailable();

  template <class State>
  [[nodiscard]] State* state(SessionSlot<State> slot) const {
    return static_cast<State*>(states_.find(slot.index));
  }
  /// For the core: what an authentication has brought along.
  void set_state(std::uint8_t slot, std::unique_ptr<ModuleState> state) {
    states_.set(slot, std::move(state));
  }
  template <class State>
  State& set_state(SessionSlot<State> slot, std::unique_ptr<State> state) {
    State& result = *state;
    states_.set(slot.index, std::move(state));
    return result;
  }

 private:
  // What each copy of a presence asks for stands together.
  User* user_;
  base::ConnectionId connection_;
  std::int8_t priority_ = 0;
  std::string presence_;
  xmpp::Jid jid_;
  ModuleStates states_;
};

/// An account of this server that is in use: it has sessions, or stanzas for it are being
/// processed.
///
/// Thread: its home shard. Owner: the shard.
class User {
 public:
  explicit User(xmpp::Jid bare) : jid_(std::move(bare)) {}
  User(const User&) = delete;
  User& operator=(const User&) = delete;
  virtual ~User() = default;

  [[nodiscard]] xmpp::JidView jid() const { return jid_.view(); }
  [[nodiscard]] const std::vector<std::unique_ptr<Session>>& sessions() const { return sessions_; }
  [[nodiscard]] Session* find_session(std::string_view resource) const {
    for (const auto& session : sessions_) {
      if (session->resource() == resource) {
        return session.get();
      }
    }
    return nullptr;
  }

  /// Nobody's account: the user goes with the last session, and nothing is stored of it.
  [[nodiscard]] bool is_temporary() const { return is_temporary_; }
  /// For the core, at bind.
  void set_temporary() { is_temporary_ = true; }

  template <class State>
  [[nodiscard]] State* state(UserSlot<State> slot) const {
    return static_cast<State*>(states_.find(slot.index));
  }
  template <class State>
  State& set_state(UserSlot<State> slot, std::unique_ptr<State> state) {
    State& result = *state;
    states_.set(slot.index, std::move(state));
    return result;
  }
  template <class State>
  void drop_state(UserSlot<State> slot) {
    states_.set(slot.index, nullptr);
  }

 protected:
  std::vector<std::unique_ptr<Session>> sessions_;

 private:
  xmpp::Jid jid_;
  ModuleStates states_;
  bool is_temporary_ = false;
};

}  // namespace rondel::api
