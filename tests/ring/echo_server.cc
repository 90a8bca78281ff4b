#include "tests/ring/echo_server.h"

#include <algorithm>
#include <cerrno>

#include "base/check.h"

namespace rondel::tests {

using ring::Op;
using ring::Tag;

namespace {

constexpr Tag kAcceptTag{Op::accept, {0, 0}};
constexpr std::size_t kWaitingMax = 32768;

}  // namespace

EchoServer::EchoServer(ring::Ring& ring, int listener_fd, std::uint64_t seed)
    : ring_(ring), listener_fd_(listener_fd), random_(seed) {
  ring_.accept(listener_fd_, kAcceptTag);
}

void EchoServer::stop() {
  ring_.cancel(kAcceptTag);
}

void EchoServer::completed(const ring::Completion& completion) {
  if (completion.tag.op == Op::accept) {
    accepted_one(completion);
    return;
  }
  Connection* connection = connections_.find(completion.tag.owner);
  RONDEL_CHECK(connection);  // A slot is not freed while an operation is under way.
  if (completion.tag.op == Op::receive) {
    received(*connection, completion);
  } else {
    sent(*connection, completion);
  }
  go_on(completion.tag.owner, *connection);
}

void EchoServer::accepted_one(const ring::Completion& completion) {
  if (!completion.has_more) {
    RONDEL_CHECK(is_accepting_);
    is_accepting_ = false;
  }
  if (completion.result == -EMFILE) {
    ++shortages;
  }
  if (completion.result >= 0) {
    ++accepted;
    auto connection = std::make_unique<Connection>();
    connection->fd = completion.result;
    const base::SlotHandle handle = connections_.insert(std::move(connection));
    go_on(handle, *connections_.find(handle));
  }
}

void EchoServer::received(Connection& connection, const ring::Completion& completion) {
  RONDEL_CHECK(connection.is_receiving);
  RONDEL_CHECK(completion.data.size() == static_cast<std::size_t>(std::max(completion.result, 0)));
  connection.waiting.append(reinterpret_cast<const char*>(completion.data.data()),
                            completion.data.size());
  if (completion.has_more) {
    const bool is_full = connection.waiting.size() > kWaitingMax;
    if (!connection.is_cancelling && (is_full || random_() % 20 == 0)) {
      ++cancels;
      connection.is_cancelling = true;
      ring_.cancel(completion.tag);
    }
    return;
  }
  connection.is_receiving = connection.is_cancelling = false;
  connection.has_ended = connection.has_ended || completion.result == 0;
  if (completion.result < 0 && completion.result != -ECANCELED) {
    RONDEL_CHECK(completion.result != -ENOBUFS && completion.result != -EAGAIN);
    connection.has_failed = true;
  }
}

void EchoServer::sent(Connection& connection, const ring::Completion& completion) {
  RONDEL_CHECK(connection.is_sending && !completion.has_more);
  connection.is_sending = false;
  if (completion.result < 0) {
    connection.has_failed = true;
  } else {
    connection.under_way.erase(0, static_cast<std::size_t>(completion.result));
  }
}

void EchoServer::go_on(base::SlotHandle handle, Connection& connection) {
  if (!connection.is_sending && !connection.has_failed) {
    send_more(handle, connection);
  }
  const bool wants_more = !connection.has_ended && !connection.has_failed;
  if (wants_more && !connection.is_receiving && connection.waiting.size() <= kWaitingMax) {
    connection.is_receiving = true;
    const auto mode =
        random_() % 3 == 0 ? ring::ReceiveMode::one_shot : ring::ReceiveMode::multishot;
    ring_.receive(connection.fd, {Op::receive, handle}, mode);
  }
  if (connection.has_failed && connection.is_receiving && !connection.is_cancelling) {
    connection.is_cancelling = true;
    ring_.cancel({Op::receive, handle});
  }
  const bool is_finished =
      connection.has_failed || (connection.has_ended && connection.waiting.empty());
  if (is_finished && !connection.is_receiving && !connection.is_sending) {
    failed += connection.has_failed ? 1 : 0;
    ring_.close(connection.fd);
    connections_.take(handle);
  }
}

void EchoServer::send_more(base::SlotHandle handle, Connection& connection) {
  if (connection.under_way.empty()) {
    connection.under_way.swap(connection.waiting);
  }
  if (connection.under_way.empty()) {
    return;
  }
  connection.is_sending = true;
  const Tag tag{Op::send, handle};
  std::string& bytes = connection.under_way;
  if (random_() % 2 == 0) {
    ring_.send(connection.fd, std::as_bytes(std::span(bytes)), tag);
    return;
  }
  const std::size_t half = bytes.size() / 2;
  connection.parts = {iovec{bytes.data(), half}, iovec{bytes.data() + half, bytes.size() - half}};
  ring_.send_vector(connection.fd, connection.parts, tag);
}

}  // namespace rondel::tests
