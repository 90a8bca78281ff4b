// What travels along the nine hook chains: one struct for each point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hooks/chain.h"
#include "modules/api/connection.h"
#include "modules/api/session.h"
#include "xmpp/stanza.h"

namespace rondel::api {

class Shard;

/// What every context knows.
struct HookContext {
  Shard& shard;
  std::size_t stopped_at = 0;  ///< The chain's own note of the hook that ended it.
};

/// Which hooks a stanza passes; a session's presence to nobody is a broadcast.
[[nodiscard]] inline hooks::Traffic traffic_of(const xmpp::Stanza& stanza) {
  switch (stanza.kind()) {
    case xmpp::StanzaKind::message:
      return hooks::Traffic::message;
    case xmpp::StanzaKind::iq:
      return hooks::Traffic::iq;
    case xmpp::StanzaKind::presence:
      break;
  }
  return stanza.to().is_empty() && stanza.is_availability() ? hooks::Traffic::broadcast
                                                            : hooks::Traffic::presence;
}

/// before-accept: there is no connection yet. May refuse: the socket is closed without a word.
struct BeforeAccept : HookContext {
  const PeerAddress& peer;
  std::string_view listener;  ///< The address that was connected to, as configured.
};
/// after-accept: the connection before its first read. May refuse, set limits, tag.
struct AfterAccept : HookContext {
  Connection& connection;
};
/// layer-accept: a layer came up. May refuse.
struct LayerAccept : HookContext {
  Connection& connection;
  const Layer& layer;
};
/// before-interface: an element as received, of negotiation too. May drop, refuse, change.
struct BeforeInterface : HookContext {
  Connection& connection;
  xml::Document& element;
};
/// after-interface: a stanza with trusted from and to. May drop, refuse (the sender gets the
/// error), change.
struct AfterInterface : HookContext {
  Connection& connection;
  Session& session;
  xmpp::Stanza& stanza;
};
/// before-process: a stanza at its target's home shard. May take it over, refuse, change, suspend.
struct BeforeProcess : HookContext {
  User* user;  ///< The local account that it is for; null when it is for the host itself.
  xmpp::Stanza& stanza;
  /// Keep it and answer `suspend`; then call Shard::resume_processing(continuation, verdict) once,
  /// within kSuspendDeadlineMs, after which the stanza bounces (remote-server-timeout). 0 for the
  /// host itself and for a session's presence to nobody, which can't wait: `suspend` is `next`
  /// there.
  std::uint64_t continuation = 0;
};
inline constexpr std::uint32_t kSuspendDeadlineMs = 10'000;
/// What became of a stanza.
enum class Outcome : std::uint8_t {
  delivered,  ///< At least one session gets it: before-send comes next.
  handled,    ///< A handler or a hook took it.
  stored,     ///< Kept for later (offline).
  bounced,    ///< Its sender got an error.
  dropped,    ///< Silently ignored, as the RFC demands.
};
/// after-process: a stanza and what became of it. Only looks; may route stanzas of its own.
struct AfterProcess : HookContext {
  User* user;
  const xmpp::Stanza& stanza;
  Outcome outcome;
};
/// before-send: a stanza about to be written to a session. May drop or change (it is this session's
/// own copy then).
struct BeforeSend : HookContext {
  Session& session;
  const xml::Element& stanza;
  /// Set it to send something else; lives until the chain has ended.
  const xml::Element* replacement = nullptr;
};
/// after-send: what the kernel took. Marks every stanza that is sent; who wants to know it of a few
/// of them asks Shard::when_sent().
struct AfterSend : HookContext {
  Connection& connection;
  std::string_view id;  ///< Of the stanza; may be empty.
  std::uint32_t bytes;  ///< Of the stanza as written, before any layer.
  bool is_sent;         ///< False: the connection was lost before.
};

template <hooks::Point>
struct ContextOf;
template <>
struct ContextOf<hooks::Point::before_accept> {
  using type = BeforeAccept;
};
template <>
struct ContextOf<hooks::Point::after_accept> {
  using type = AfterAccept;
};
template <>
struct ContextOf<hooks::Point::layer_accept> {
  using type = LayerAccept;
};
template <>
struct ContextOf<hooks::Point::before_interface> {
  using type = BeforeInterface;
};
template <>
struct ContextOf<hooks::Point::after_interface> {
  using type = AfterInterface;
};
template <>
struct ContextOf<hooks::Point::before_process> {
  using type = BeforeProcess;
};
template <>
struct ContextOf<hooks::Point::after_process> {
  using type = AfterProcess;
};
template <>
struct ContextOf<hooks::Point::before_send> {
  using type = BeforeSend;
};
template <>
struct ContextOf<hooks::Point::after_send> {
  using type = AfterSend;
};

}  // namespace rondel::api
