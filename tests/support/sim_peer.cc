#include "tests/support/sim_peer.h"

#include "base/check.h"

namespace rondel::tests {

void SimPeer::write(std::string_view bytes) {
  RONDEL_CHECK(!socket_->has_peer_ended);
  socket_->inbound += bytes;
}

std::string SimPeer::read(std::size_t bytes_max) {
  std::string taken = socket_->outbound.substr(0, bytes_max);
  socket_->outbound.erase(0, taken.size());
  return taken;
}

void SimPeer::shutdown_write() {
  socket_->has_peer_ended = true;
}

void SimPeer::close() {
  socket_->has_peer_ended = socket_->has_peer_gone = true;
}

void SimPeer::reset() {
  socket_->is_reset = socket_->has_peer_ended = true;
  socket_->inbound.clear();
}

bool SimPeer::is_accepted() const {
  return socket_->is_accepted;
}
bool SimPeer::is_closed_by_server() const {
  return socket_->is_closed || socket_->is_shut;
}
bool SimPeer::is_reset() const {
  return socket_->is_reset;
}

}  // namespace rondel::tests
