// How connections come to a shard.
#include <algorithm>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

#include "server/connection.h"
#include "server/raw_endpoint.h"
#include "server/shard.h"

namespace rondel::server {
namespace {

api::PeerAddress peer_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  api::PeerAddress peer;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return peer;
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof(address));
    std::memcpy(peer.bytes.data(), &address.sin6_addr, peer.bytes.size());
    peer.port = ntohs(address.sin6_port);
  } else if (storage.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof(address));
    peer.bytes[10] = peer.bytes[11] = 0xff;
    std::memcpy(peer.bytes.data() + 12, &address.sin_addr, 4);
    peer.port = ntohs(address.sin_port);
  } else {
    peer.is_local_socket = true;
  }
  return peer;
}

/// Until the stream has chosen its interface, the most patient one counts.
std::uint64_t deadline_ms(const Shard& shard, const ListenerSpec& listener) {
  std::int64_t longest = 1;
  for (const Interface* interface : listener.interfaces) {
    longest = std::max(longest,
                       std::int64_t{shard.options_of(*interface).authentication_deadline.count()});
  }
  return static_cast<std::uint64_t>(longest);
}

}  // namespace

void Shard::accepted(const ring::Completion& completion) {
  const ShardListener& listener = listeners_[completion.tag.owner.slot];
  if (completion.result < 0) {
    if (!is_stopping_ && completion.result != -ECANCELED) {
      RONDEL_LOG_ERROR(log(), "accept.failed", "{}: {}",
                       listener.spec ? listener.spec->address : listener.raw->interface.address,
                       std::system_category().message(-completion.result));
    }
  } else if (is_stopping_) {
    ring_->close(completion.result);
  } else if (listener.spec != nullptr) {
    accept_client(completion.result, peer_of(completion.result), *listener.spec);
  } else {
    accept_raw(completion.result, peer_of(completion.result), *listener.raw);
  }
  if (!completion.has_more && !is_stopping_) {
    ring_->accept(listener.fd, completion.tag);
  }
}

void Shard::accept_client(int fd, const api::PeerAddress& peer, const ListenerSpec& listener) {
  api::BeforeAccept refusal{{*this}, peer, listener.address};
  const auto connections_max =
      static_cast<unsigned>(options_of(*listener.interfaces.front()).connections_per_address_max);
  if (!chains_.before_accept.run(refusal).is_next() ||
      !core_.addresses.try_enter(peer, connections_max)) {
    ring_->close(fd);
    return;
  }
  auto owned = std::make_unique<Connection>(*this, fd, peer, listener);
  Connection& connection = *owned;
  connection.attach(*this, endpoints_.insert(std::move(owned)));
  connection.set_deadline(deadline_ms(*this, listener));
  api::AfterAccept context{{*this}, connection};
  if (!chains_.after_accept.run(context).is_next()) {
    connection.abort("refused by a module");
    return;
  }
  if (!connection.is_closing() && install_extensions(connection, listener)) {
    connection.start();
  }
}

bool Shard::install_extensions(Connection& connection, const ListenerSpec& listener) {
  const auto install = [&](std::string_view name) {
    const auto found = registry().extensions.find(name);
    if (found != registry().extensions.end()) {
      found->second.function(module_state(found->second.module), connection);
    }
  };
  if (listener.tls() == config::TlsMode::direct) {
    install("layer-tls");
    connection.set_deadline(
        std::min<std::uint64_t>(base::kTlsHandshakeDeadlineMs, deadline_ms(*this, listener)));
  }
  for (const std::string& name : listener.interfaces.front()->options.extensions) {
    install(name);
  }
  return !connection.is_closing();
}

void Shard::accept_raw(int fd, const api::PeerAddress& peer, const Registry::Raw& raw) {
  auto owned = std::make_unique<RawEndpoint>(*this, fd, peer);
  RawEndpoint& endpoint = *owned;
  endpoint.attach(endpoints_.insert(std::move(owned)));
  endpoint.start(raw.function(module_state(raw.module), endpoint));
}

}  // namespace rondel::server
