// What shards say to each other, and the queues that carry it.
#pragma once

#include <algorithm>
#include <bit>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/handle.h"
#include "base/spsc_queue.h"
#include "base/unique_function.h"
#include "modules/api/shard.h"
#include "server/copies.h"
#include "xmpp/stanza.h"

namespace rondel::server {

class Connection;

/// A stanza for a user of the receiving shard.
struct RouteStanza {
  xmpp::Stanza stanza;
  base::ConnectionId
      source;  ///< Whose it is, if a client sent it: it waits while a receiver is slow.
};
/// One presence for many users of the receiving shard.
struct RouteCopies {
  std::shared_ptr<const CopiedStanza> stanza;
  std::vector<std::string> targets;
};
/// A connection that moves to its user's home shard; nothing of it is under way in the kernel.
struct MoveConnection {
  std::unique_ptr<Connection> connection;
};
/// Anything rare.
struct Call {
  base::UniqueFunction<void(api::Shard&)> function;
};
using Message = std::variant<RouteStanza, RouteCopies, MoveConnection, Call>;

/// The queue from one shard to another.
///
/// Limits: when it is full, a stanza bounces with resource-constraint, a moving connection waits
/// and tries again, as copies do, a call is refused. Order: RFC 6120 §10.1 holds because a pair of
/// users has one queue.
using Mailbox = base::SpscQueue<Message>;

/// How many messages fit for each pair, so that all pairs together stay within bounds; a power of
/// two, as a queue's capacity is.
[[nodiscard]] constexpr std::size_t mailbox_capacity(std::size_t shards) {
  const std::size_t share = base::kMailboxMessagesMax * 4 / (shards == 0 ? 1 : shards);
  return std::bit_floor(std::clamp<std::size_t>(share, 256, base::kMailboxMessagesMax));
}

}  // namespace rondel::server
