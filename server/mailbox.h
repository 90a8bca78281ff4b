// What shards say to each other, and the queues that carry it.
#pragma once

#include <algorithm>
#include <bit>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/handle.h"
#include "base/prefetch.h"
#include "base/spsc_queue.h"
#include "base/unique_function.h"
#include "modules/api/shard.h"
#include "server/copies.h"
#include "xmpp/stanza.h"

namespace rondel::server {

class Connection;

/// A stanza for a user of the receiving shard; lies in the stanza's own arena, whose memory is
/// warm.
///
/// A mailbox goes round: what is written into a cell is waited for on either side, so cells are
/// small.
class RouteStanza {
 public:
  /// `source`: whose it is, if a client sent it, which waits while a receiver is slow.
  RouteStanza(xmpp::Stanza stanza, base::ConnectionId source) {
    void* place = stanza.arena().allocate(sizeof(Carried), alignof(Carried));
    carried_.reset(new (place) Carried{std::move(stanza), source});
  }

  [[nodiscard]] const xmpp::Stanza& stanza() const { return carried_->stanza; }
  [[nodiscard]] base::ConnectionId source() const { return carried_->source; }
  /// Empties this, because the stanza may be freed from now on, and with it what lies in its arena.
  [[nodiscard]] xmpp::Stanza take() && { return std::move(carried_.release()->stanza); }
  /// Begins to load what stanza() needs.
  void prefetch() const { base::prefetch_to_read(carried_.get(), sizeof(Carried)); }

 private:
  struct Carried {
    xmpp::Stanza stanza;
    base::ConnectionId source;
  };
  /// What frees the arena must not lie in it.
  struct Free {
    void operator()(Carried* carried) const { const xmpp::Stanza last(std::move(carried->stanza)); }
  };
  std::unique_ptr<Carried, Free> carried_;
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
using Message = std::variant<RouteStanza, std::unique_ptr<RouteCopies>, MoveConnection, Call>;

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
