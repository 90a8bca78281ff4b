#include "perf/relay/relay.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <sys/socket.h>
#include <utility>

#include "base/check.h"

namespace rondel::perf {

using ring::Op;

namespace {

constexpr std::string_view kStreamEnd = "</stream:stream>";

}  // namespace

struct Relay::Connection {
  base::SlotHandle handle;
  int fd = -1;
  bool is_receiving = false;
  bool is_sending = false;
  bool is_dirty = false;
  bool has_ended = false;
  std::optional<Negotiation> negotiation;
  std::string user;
  base::SlotHandle partner;  ///< Stale once it is gone.
  bool has_partner = false;
  base::ByteBuffer waiting;
  base::ByteBuffer sending;  ///< With the ring, unless `shared` is.
  base::SharedBytes shared;  ///< Of a broadcast; goes before `waiting`.
  std::size_t shared_sent = 0;
};

Relay::Relay(ring::Ring& ring, int listener_fd, RelayMode mode, RelayBegin begin)
    : ring_(ring), mode_(mode), begin_(begin) {
  ring_.accept(listener_fd, {Op::accept, {0, 0}});
}

Relay::~Relay() = default;

void Relay::run_once() {
  ring_.run_once(std::chrono::milliseconds(500), *this);
  flush();
}

void Relay::completed(const ring::Completion& completion) {
  if (completion.tag.op == Op::accept) {
    accepted(completion);
    return;
  }
  Connection* connection = connections_.find(completion.tag.owner);
  if (connection == nullptr) {
    return;
  }
  if (completion.tag.op == Op::receive) {
    received(*connection, completion);
  } else if (completion.tag.op == Op::send) {
    sent(*connection, completion);
  }
}

void Relay::accepted(const ring::Completion& completion) {
  if (completion.result < 0) {
    return;
  }
  ++counters_.connections;
  auto owned = std::make_unique<Connection>();
  Connection& connection = *owned;
  connection.fd = completion.result;
  connection.negotiation.emplace(begin_);
  connection.handle = connections_.insert(std::move(owned));
  connection.is_receiving = true;
  ring_.receive(connection.fd, {Op::receive, connection.handle}, ring::ReceiveMode::multishot);
}

void Relay::received(Connection& connection, const ring::Completion& completion) {
  connection.is_receiving = completion.has_more;
  if (!completion.data.empty() && !connection.has_ended) {
    if (connection.negotiation) [[unlikely]] {
      negotiate(connection, completion.data);
    } else {
      copy(connection, completion.data);
    }
  }
  if (completion.has_more) {
    return;
  }
  if (completion.result <= 0) {
    connection.has_ended = true;
    bury(connection);
  } else {
    connection.is_receiving = true;
    ring_.receive(connection.fd, {Op::receive, connection.handle}, ring::ReceiveMode::multishot);
  }
}

void Relay::negotiate(Connection& connection, std::span<const std::byte> bytes) {
  std::span<const std::byte> rest;
  const Negotiation::State state = connection.negotiation->feed(bytes, connection.waiting, rest);
  mark_dirty(connection);
  if (connection.user.empty() && connection.negotiation->is_bound()) {
    // Others may write to it before its presence has come.
    connection.user = connection.negotiation->user();
    by_user_[connection.user] = &connection;
    all_.push_back(&connection);
  }
  if (state == Negotiation::State::failed) {
    ++counters_.failures;
    end(connection);
  } else if (state == Negotiation::State::done) {
    ++counters_.sessions;
    connection.negotiation.reset();
    if (!rest.empty()) {
      copy(connection, rest);
    }
  }
}

void Relay::copy(Connection& from, std::span<const std::byte> bytes) {
  counters_.bytes_received += bytes.size();
  if (base::as_text(bytes).ends_with(kStreamEnd)) [[unlikely]] {
    // A client waits for the answer; all else that is said is not looked at.
    from.waiting.append(kStreamEnd);
    mark_dirty(from);
    return;
  }
  if (mode_ == RelayMode::broadcast) {
    broadcast(from, bytes);
    return;
  }
  if (!from.has_partner) [[unlikely]] {
    const std::string_view to = attribute_of(base::as_text(bytes), "to");
    const auto found = by_user_.find(std::string(to.substr(0, to.find('@'))));
    if (found == by_user_.end()) {
      counters_.bytes_dropped += bytes.size();
      return;
    }
    from.partner = found->second->handle;
    from.has_partner = true;
  }
  Connection* partner = connections_.find(from.partner);
  if (partner == nullptr || partner->has_ended) {
    counters_.bytes_dropped += bytes.size();
    return;
  }
  partner->waiting.append(bytes);
  mark_dirty(*partner);
}

void Relay::broadcast(Connection& from, std::span<const std::byte> bytes) {
  const base::SharedBytes shared = base::SharedBytes::copy_of(base::as_text(bytes));
  for (Connection* to : all_) {
    if (to == &from || to->has_ended) {
      continue;
    }
    if (to->is_sending || !to->waiting.empty() || !to->shared.empty()) {
      to->waiting.append(bytes);
    } else {
      to->shared = shared;
      to->shared_sent = 0;
    }
    mark_dirty(*to);
  }
}

void Relay::mark_dirty(Connection& connection) {
  if (!connection.is_dirty) {
    connection.is_dirty = true;
    dirty_.push_back(connection.handle);
  }
}

void Relay::flush() {
  for (const base::SlotHandle handle : dirty_) {
    Connection* connection = connections_.find(handle);
    if (connection == nullptr) {
      continue;
    }
    connection->is_dirty = false;
    if (connection->is_sending) {
      continue;
    }
    std::span<const std::byte> bytes;
    if (!connection->shared.empty()) {
      bytes = base::as_bytes(connection->shared.text().substr(connection->shared_sent));
    } else {
      if (connection->sending.empty()) {
        // Both keep their memory, unlike the server's: nothing is to be cheaper than this.
        std::swap(connection->sending, connection->waiting);
      }
      bytes = connection->sending.bytes();
    }
    if (!bytes.empty()) {
      connection->is_sending = true;
      ring_.send(connection->fd, bytes, {Op::send, handle});
    }
  }
  dirty_.clear();
}

void Relay::sent(Connection& connection, const ring::Completion& completion) {
  connection.is_sending = false;
  if (completion.result < 0) {
    end(connection);
    bury(connection);
    return;
  }
  const auto count = static_cast<std::size_t>(completion.result);
  if (!connection.negotiation) {
    counters_.bytes_sent += count;
  }
  if (!connection.shared.empty()) {
    connection.shared_sent += count;
    if (connection.shared_sent == connection.shared.size()) {
      connection.shared = {};
    }
  } else {
    connection.sending.consume(count);
  }
  if (!connection.shared.empty() || !connection.sending.empty() || !connection.waiting.empty()) {
    mark_dirty(connection);
  }
  if (connection.has_ended) {
    bury(connection);
  }
}

void Relay::end(Connection& connection) {
  // The receive ends by itself with the socket's.
  connection.has_ended = true;
  shutdown(connection.fd, SHUT_RDWR);
}

void Relay::bury(Connection& connection) {
  if (connection.is_receiving || connection.is_sending) {
    return;
  }
  if (const auto found = by_user_.find(connection.user);
      found != by_user_.end() && found->second == &connection) {
    by_user_.erase(found);
  }
  std::erase(all_, &connection);
  ring_.close(connection.fd);
  connections_.take(connection.handle);
}

}  // namespace rondel::perf
