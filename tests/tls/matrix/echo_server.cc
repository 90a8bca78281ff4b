#include "tests/tls/matrix/echo_server.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace rondel::tls {
namespace {

constexpr base::SlotHandle kOwner{1, 1};

}  // namespace

EchoServer::EchoServer(ring::Ring& ring,
                       int fd,
                       std::unique_ptr<Channel> channel,
                       std::size_t close_after)
    : ring_(ring), fd_(fd), channel_(std::move(channel)), close_after_(close_after) {
}

EchoServer::~EchoServer() {
  ::shutdown(fd_, SHUT_RDWR);
  is_over_ = true;
  while (is_receiving_ || is_sending_) {
    ring_.run_once(base::Milliseconds(10), *this);
  }
  ::close(fd_);
}

void EchoServer::hang_up() const {
  ::shutdown(fd_, SHUT_WR);
  ::shutdown(fd_, SHUT_RD);
}

Served EchoServer::run(int seconds_max) {
  const std::uint64_t deadline =
      base::monotonic_ms() + static_cast<std::uint64_t>(seconds_max) * 1000;
  act();
  while (!is_over_ && base::monotonic_ms() < deadline) {
    ring_.run_once(base::Milliseconds(20), *this);
    act();
  }
  served_.engine = channel_->info().engine;
  served_.failure = channel_->failure();
  return served_;
}

void EchoServer::completed(const ring::Completion& completion) {
  if (completion.tag.op == ring::Op::receive) {
    is_receiving_ = is_receiving_ && completion.has_more;
    if (!is_over_) {
      received(completion);
    }
  } else if (completion.tag.op == ring::Op::send) {
    is_sending_ = false;
    if (!is_over_) {
      sent(completion);
    }
  }
}

void EchoServer::received(const ring::Completion& completion) {
  if (completion.result > 0) {
    settle(channel_->receive(completion.data, plain_, wire_));
    is_established_ = channel_->is_established();
  } else if (completion.result == 0) {
    end(channel_->receive_end());
  } else if (channel_->is_transparent()) {
    settle(channel_->handle_receive_error(fd_, -completion.result, plain_));
    if (!is_over_) {
      settle(channel_->refresh_kernel_keys(fd_));
    }
  } else {
    end(channel_->receive_end());
  }
  served_.received += plain_.size();
  output_.append(plain_.bytes());
  plain_.clear();
}

void EchoServer::sent(const ring::Completion& completion) {
  if (completion.result < 0) {
    end(channel_->receive_end());
    return;
  }
  sending_.consume(static_cast<std::size_t>(completion.result));
  if (sending_.empty() && channel_->is_transparent()) {
    settle(channel_->refresh_kernel_keys(fd_));
  }
}

void EchoServer::settle(Status status) {
  if (status == Status::failed || status == Status::truncated) {
    served_.end = status;
  } else if (status == Status::closed && served_.end == Status::ok) {
    served_.end = status;
  }
}

void EchoServer::end(Status status) {
  if (served_.end == Status::ok) {
    served_.end = status;
  }
  is_over_ = true;
}

void EchoServer::act() {
  if (is_over_) {
    return;
  }
  if (served_.end == Status::ok && !choose_engine()) {
    start_send();
    return;
  }
  start_send();
  if (is_sending_) {
    // Go on reading all the same: the peer may wait for us to do so.
  } else if (served_.end != Status::ok) {
    say_goodbye();
    start_send();
    is_over_ = !is_sending_;
    return;
  } else if (close_after_ != 0 && served_.received >= close_after_) {
    say_goodbye();
    start_send();
    if (!is_sending_ && !std::exchange(is_shut_, true)) {
      ::shutdown(fd_, SHUT_WR);
    }
  }
  if (!is_receiving_ && served_.end == Status::ok) {
    is_receiving_ = true;
    ring_.receive(fd_, {ring::Op::receive, kOwner},
                  is_settled_ ? ring::ReceiveMode::multishot : ring::ReceiveMode::one_shot);
  }
}

bool EchoServer::choose_engine() {
  if (is_settled_ || !channel_->is_established() || is_receiving_) {
    return true;
  }
  if (channel_->may_enter_kernel()) {
    if (!wire_.empty() || is_sending_) {
      return false;
    }
    if (channel_->try_enter_kernel(fd_) == EnterResult::failed) {
      end(Status::failed);
    }
  }
  is_settled_ =
      channel_->is_settled();  // Not within a record: one more receive, then we ask again.
  return true;
}

void EchoServer::say_goodbye() {
  if (!std::exchange(is_goodbye_said_, true)) {
    if (channel_->is_transparent()) {
      channel_->send_close_notify(fd_);
    } else {
      channel_->close(wire_);
    }
  }
}

void EchoServer::start_send() {
  if (is_sending_ || is_over_) {
    return;
  }
  if (sending_.empty()) {
    if (!output_.empty() && !is_goodbye_said_ && served_.end != Status::failed &&
        (is_settled_ || served_.end == Status::closed)) {
      if (channel_->send(output_.bytes(), wire_) != Status::ok &&
          served_.end != Status::closed) {  // closed: a KeyUpdate that the kernel cannot follow.
        end(Status::failed);
      }
      output_.clear();
    }
    std::swap(sending_, wire_);
  }
  if (!sending_.empty()) {
    is_sending_ = true;
    ring_.send(fd_, sending_.bytes(), {ring::Op::send, kOwner});
  }
}

}  // namespace rondel::tls
