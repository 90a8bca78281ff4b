#include "server/raw_endpoint.h"

#include <cerrno>
#include <sys/socket.h>
#include <utility>

#include "base/check.h"
#include "server/shard.h"

namespace rondel::server {

RawEndpoint::RawEndpoint(Shard& shard, int fd, const api::PeerAddress& peer)
    : shard_(shard), fd_(fd), peer_(peer) {
  ++shard_.raw_endpoints();
}

RawEndpoint::~RawEndpoint() {
  RONDEL_CHECK(operations_ == 0);
  --shard_.raw_endpoints();
}

void RawEndpoint::attach(base::SlotHandle handle) {
  id_ = {shard_.index(), handle};
}

void RawEndpoint::start(std::unique_ptr<api::RawProtocol> protocol) {
  protocol_ = std::move(protocol);
  arm_receive();
}

int RawEndpoint::peer_user_id() const {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (!peer_.is_local_socket ||
      getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return -1;
  }
  return static_cast<int>(credentials.uid);
}

void RawEndpoint::send(std::string_view bytes) {
  if (!is_gone_) {
    output_.append(bytes);
    mark_dirty();
  }
}

void RawEndpoint::close() {
  is_closing_ = true;
  mark_dirty();
}

void RawEndpoint::resume_reading() {
  is_paused_ = false;
  shard_.make_ready(*this);
}

void RawEndpoint::mark_dirty() {
  if (!is_dirty_) {
    is_dirty_ = true;
    shard_.flush_later(handle());
  }
}

void RawEndpoint::arm_receive() {
  if (!is_receiving_ && !is_paused_ && !is_closing_ && !is_gone_) {
    is_receiving_ = true;
    ++operations_;
    shard_.ring().receive(fd_, {ring::Op::receive, id_.handle}, ring::ReceiveMode::one_shot);
  }
}

void RawEndpoint::completed(const ring::Completion& completion) {
  if (completion.tag.op == ring::Op::receive) {
    is_receiving_ = false;
    --operations_;
    if (!is_gone_ && completion.result > 0) {
      protocol_->received(completion.data);
    } else if (completion.result != -ECANCELED) {
      die();
    }
    arm_receive();
  } else if (completion.tag.op == ring::Op::send) {
    is_sending_ = false;
    --operations_;
    if (completion.result < 0) {
      sending_.release();
      die();
    } else {
      sending_.consume(static_cast<std::size_t>(completion.result));
      mark_dirty();
    }
  }
  if (is_dead()) {
    shard_.bury(*this);
  }
}

void RawEndpoint::flush() {
  is_dirty_ = false;
  if (is_gone_) {
    return;
  }
  if (output_.size() + sending_.size() > kOutputBytesMax) {
    die();
    return;
  }
  if (is_sending_) {
    return;
  }
  if (sending_.empty()) {
    std::swap(sending_, output_);
    output_.release();
  }
  if (!sending_.empty()) {
    is_sending_ = true;
    ++operations_;
    shard_.ring().send(fd_, sending_.bytes(), {ring::Op::send, id_.handle});
  } else if (is_closing_) {
    die();
  }
}

void RawEndpoint::die() {
  if (is_gone_) {
    return;
  }
  is_gone_ = true;
  if (protocol_) {
    protocol_->closed();
  }
  ::shutdown(fd_, SHUT_RDWR);
  if (is_receiving_) {
    shard_.ring().cancel({ring::Op::receive, id_.handle});
  }
  if (is_sending_) {
    shard_.ring().cancel({ring::Op::send, id_.handle});
  }
  if (is_dead()) {
    shard_.bury(*this);
  }
}

}  // namespace rondel::server
