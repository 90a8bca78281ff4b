// The descriptors of a SimRing: those that all rings of a process know, and those that it keeps.
#include <sys/socket.h>

#include "base/check.h"
#include "ring/file_table.h"
#include "tests/support/sim_operation.h"
#include "tests/support/sim_ring.h"

namespace rondel::tests {

namespace {

int lowest_free(const std::map<int, std::shared_ptr<SimSocket>>& sockets, int fd) {
  for (const auto& [used, other] : sockets) {
    if (used != fd) {
      break;
    }
    ++fd;
  }
  return fd;
}

}  // namespace

int SimRing::add_socket(std::shared_ptr<SimSocket> socket) {
  const int fd = lowest_free(*sockets_, kFirstFd);
  (*sockets_)[fd] = std::move(socket);
  return fd;
}

SimSocket* SimRing::find(int fd) const {
  const Sockets& known = ring::FileTable::is_kept(fd) ? kept_ : *sockets_;
  const auto found = known.find(fd);
  return found == known.end() ? nullptr : found->second.get();
}

int SimRing::open_listener() {
  auto socket = std::make_shared<SimSocket>();
  socket->kind = SimSocket::Kind::listener;
  return add_socket(std::move(socket));
}

SimPeer SimRing::connect(int listener_fd) {
  SimSocket* listener = find(listener_fd);
  RONDEL_CHECK(listener && listener->kind == SimSocket::Kind::listener);
  auto socket = std::make_shared<SimSocket>();
  socket->is_accepted = false;
  listener->backlog.push_back(socket);
  return SimPeer(std::move(socket));
}

std::pair<int, SimPeer> SimRing::open_pair() {
  auto socket = std::make_shared<SimSocket>();
  return {add_socket(socket), SimPeer(socket)};
}

std::pair<int, SimPeer> SimRing::open_unconnected(std::int32_t connect_result) {
  auto socket = std::make_shared<SimSocket>();
  socket->is_connected = false;
  socket->connect_result = connect_result;
  return {add_socket(socket), SimPeer(socket)};
}

int SimRing::open_file() {
  auto socket = std::make_shared<SimSocket>();
  socket->kind = SimSocket::Kind::file;
  return add_socket(std::move(socket));
}

const std::string& SimRing::file_content(int fd) const {
  RONDEL_CHECK(find(fd));
  return find(fd)->outbound;
}

void SimRing::feed_file(int fd, std::string_view bytes) {
  RONDEL_CHECK(find(fd));
  find(fd)->inbound += bytes;
}

void SimRing::shut_down(int fd, int how) {
  SimSocket* socket = find(fd);
  RONDEL_CHECK(socket);
  socket->is_shut = socket->is_shut || how != SHUT_RD;
}

int SimRing::keep(int fd) {
  for (const auto& operation : active_) {
    RONDEL_CHECK(operation->fd != fd || operation->is_done);
  }
  for (const auto& operation : queued_) {
    RONDEL_CHECK(operation->fd != fd);
  }
  if (!options_.keeps) {
    return fd;
  }
  const int kept = lowest_free(kept_, ring::FileTable::kFirst);
  kept_[kept] = sockets_->at(fd);
  sockets_->erase(fd);
  return kept;
}

void SimRing::close_now(int fd) {
  for (const auto& operation : active_) {
    RONDEL_CHECK(operation->fd != fd);
  }
  SimSocket* socket = find(fd);
  RONDEL_CHECK(socket);  // Closed twice, or never open.
  socket->is_closed = true;
  for (const auto& waiting : socket->backlog) {
    waiting->is_reset = true;
  }
  if (ring::FileTable::is_kept(fd)) {
    kept_.erase(fd);
  } else {
    sockets_->erase(fd);
  }
}

}  // namespace rondel::tests
