#include "perf/load/connection.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include "base/check.h"
#include "perf/load/login.h"

namespace rondel::load {
namespace {

/// A server may send what it likes.
constexpr base::StanzaLimits kLimits{64 * 1024 * 1024, 256, 256, 65535};

socklen_t size_of(const sockaddr_storage& address) {
  return address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

std::string words(const char* what, int error) {
  return fmt::format("{}: {}", what, std::strerror(error));
}

}  // namespace

Connection::~Connection() {
  if (fd_ >= 0 && !is_kept_) {
    ::close(fd_);
  }
}

void Connection::open(const sockaddr_storage& server,
                      const sockaddr_storage& source,
                      bool is_tls_direct) {
  RONDEL_ASSERT(is_closed());
  is_finishing_ = has_said_close_ = is_kept_ = false;
  reading_ = world_->is_keeping ? Reading::in_steps : Reading::continuous;
  is_tls_direct_ = is_tls_direct;
  framer_.reset();
  fd_ = socket(server.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ >= world_->descriptors_end) {
    ::close(std::exchange(fd_, -1));
    errno = EMFILE;
  }
  if (fd_ < 0) {
    const int error = errno;
    close(words("socket", error) + (error == EMFILE ? "; " + world_->limit_words : ""));
    return;
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (source.ss_family != AF_UNSPEC) {
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&source), size_of(source)) != 0) {
      close(words("bind", errno));
      return;
    }
  }
  is_connecting_ = true;
  ring_->connect(fd_, &server, size_of(server), tag(ring::Op::connect));
}

void Connection::start_tls() {
  partial_.release();
  framer_.reset();
  tls_ = std::make_unique<TlsClient>(*world_->tls);
  mark_dirty();
}

void Connection::completed(const ring::Completion& completion) {
  switch (completion.tag.op) {
    case ring::Op::receive:
      receive_completed(completion);
      break;
    case ring::Op::send:
      send_completed(completion.result);
      break;
    case ring::Op::connect:
      connect_completed(completion.result);
      break;
    default:
      break;
  }
}

void Connection::settle() {
  if (reading_ == Reading::in_steps) {
    reading_ = Reading::until_moved;
  }
}

void Connection::arm_receive() {
  if (reading_ == Reading::until_moved) {
    if (is_sending_) {
      return;  // Whose completion comes back here.
    }
    reading_ = Reading::continuous;
    const int socket = fd_;
    fd_ = ring_->keep(socket);
    is_kept_ = fd_ != socket;
  }
  is_receiving_ = true;
  if (reading_ == Reading::continuous && world_->is_quiet) {
    is_polling_ = true;
    ring_->poll(fd_, POLLIN | POLLRDHUP, tag(ring::Op::receive));
    return;
  }
  ring_->receive(
      fd_, tag(ring::Op::receive),
      reading_ == Reading::continuous ? ring::ReceiveMode::multishot : ring::ReceiveMode::one_shot);
}

void Connection::connect_completed(int result) {
  is_connecting_ = false;
  if (result < 0 && !is_closing_) {
    close(words("connect", -result));
    return;
  }
  if (is_closing_) {
    end_if_quiet();
    return;
  }
  arm_receive();
  if (is_tls_direct_) {
    start_tls();
  } else {
    world_->events.opened(*this);
  }
}

void Connection::receive_completed(const ring::Completion& completion) {
  if (std::exchange(is_polling_, false) && completion.result > 0 && !is_closing_) {
    ring_->receive(fd_, tag(ring::Op::receive), ring::ReceiveMode::one_shot);
    return;
  }
  is_receiving_ = completion.has_more;
  if (!is_closing_) {
    if (completion.result > 0) {
      take(completion.data);
    } else if (completion.result == 0) {
      close(is_finishing_ ? "" : "the server closed the connection");
    } else {
      close(is_finishing_ ? "" : words("receive", -completion.result));
    }
  }
  if (is_closing_) {
    end_if_quiet();
  } else if (!is_receiving_) {
    arm_receive();
  }
}

void Connection::take(std::span<const std::byte> wire) {
  if (!tls_) {
    take_plain(wire);
    return;
  }
  const bool was_established = tls_->is_established();
  base::ByteBuffer plain = std::move(world_->plain);
  const TlsStatus status = tls_->receive(wire, plain);
  if (!tls_->wire_out().empty()) {
    mark_dirty();
  }
  if (!was_established && tls_->is_established()) {
    world_->events.opened(*this);
  }
  if (!is_closing_ && !plain.empty()) {
    take_plain(plain.bytes());
  }
  plain.clear();
  world_->plain = std::move(plain);
  if (!is_closing_ && status != TlsStatus::ok) {
    close(status == TlsStatus::failed ? tls_->error()
          : is_finishing_             ? std::string()
                                      : "the server closed the connection");
  }
}

void Connection::take_plain(std::span<const std::byte> bytes) {
  while (!bytes.empty() && !is_closing_) {
    const xml::FrameEvent event = framer_.feed(bytes, kLimits);
    const auto taken = bytes.first(event.consumed);
    bytes = bytes.subspan(event.consumed);
    switch (event.kind) {
      case xml::FrameKind::need_more:
        partial_.append(taken);
        break;
      case xml::FrameKind::whitespace:
        break;
      case xml::FrameKind::error:
        close(fmt::format("the server's XML: {}", xml::condition_name(event.error)));
        break;
      case xml::FrameKind::stream_open:
      case xml::FrameKind::stanza:
      case xml::FrameKind::stream_close:
        if (partial_.empty()) {
          world_->events.element(*this, event.kind, base::as_text(taken));
        } else {
          base::ByteBuffer whole = std::move(partial_);
          whole.append(taken);
          world_->events.element(*this, event.kind, whole.text());
        }
        break;
    }
  }
}

void Connection::flush() {
  is_dirty_ = false;
  if (is_closing_) {
    end_if_quiet();
    return;
  }
  if (is_sending_ || is_connecting_ || fd_ < 0) {
    return;
  }
  if (!tls_) {
    std::swap(sending_, pending_);
  } else {
    sending_.append(tls_->wire_out().bytes());
    tls_->wire_out().release();
    if (tls_->is_established() && !pending_.empty()) {
      tls_->send(pending_.bytes(), sending_);
      pending_.clear();
      if (pending_.capacity() > world_->buffer_kept) {
        pending_.release();
      }
    }
    if (is_finishing_ && tls_->is_established() && !has_said_close_) {
      has_said_close_ = true;
      tls_->close(sending_);
    }
  }
  if (!sending_.empty()) {
    is_sending_ = true;
    ring_->send(fd_, sending_.bytes(), tag(ring::Op::send));
  }
}

void Connection::send_completed(int result) {
  is_sending_ = false;
  if (is_closing_) {
    end_if_quiet();
    return;
  }
  if (result < 0) {
    // What the server said before it went is still to be read, and tells more.
    if (!is_receiving_) {
      close(words("send", -result));
    }
    sending_.clear();
    pending_.clear();
    return;
  }
  sending_.consume(static_cast<std::size_t>(result));
  if (!sending_.empty()) {
    is_sending_ = true;
    ring_->send(fd_, sending_.bytes(), tag(ring::Op::send));
    return;
  }
  if (reading_ == Reading::until_moved && !is_receiving_) {
    arm_receive();
  }
  if (sending_.capacity() > world_->buffer_kept) {
    sending_.release();
  }
  if (!pending_.empty() || (tls_ && !tls_->wire_out().empty())) {
    mark_dirty();
  }
}

void Connection::finish() {
  if (!is_closing_ && !is_finishing_) {
    is_finishing_ = true;
    mark_dirty();
  }
}

void Connection::close(std::string reason) {
  if (is_closing_) {
    return;
  }
  reason_ = std::move(reason);
  begin_end();
}

void Connection::reset() {
  if (is_closing_ || fd_ < 0) {
    return;
  }
  reason_.clear();
  begin_end();
  if (!is_connecting_) {
    // To nobody, which resets a socket of the ring's table, too: options can't be set there.
    static constexpr sockaddr kNobody{.sa_family = AF_UNSPEC, .sa_data = {}};
    is_connecting_ = true;
    ring_->connect(fd_, &kNobody, sizeof(kNobody), tag(ring::Op::connect));
  }
}

void Connection::begin_end() {
  is_closing_ = true;
  if (is_receiving_) {
    ring_->cancel(tag(ring::Op::receive));
  }
  if (is_sending_) {
    ring_->cancel(tag(ring::Op::send));
  }
  if (is_connecting_) {
    ring_->cancel(tag(ring::Op::connect));
  }
  mark_dirty();  // Whoever called may still be at work on this connection.
}

void Connection::end_if_quiet() {
  if (is_receiving_ || is_sending_ || is_connecting_) {
    return;
  }
  if (fd_ >= 0) {
    ring_->close(std::exchange(fd_, -1));
  }
  generation_ = (generation_ + 1) & 0xff'ffff;
  tls_.reset();
  pending_.release();
  sending_.release();
  partial_.release();
  is_closing_ = is_finishing_ = false;
  const std::string reason = std::move(reason_);
  reason_.clear();
  world_->events.ended(*this, reason);
}

}  // namespace rondel::load
