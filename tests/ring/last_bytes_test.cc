// What the end of a socket costs in packets, which TCP alone can tell.
#include <array>
#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring/listener.h"
#include "ring/uring_ring.h"
#include "tests/ring/world.h"

namespace rondel::tests {
namespace {

/// A connection over loopback.
struct TcpPair {
  TcpPair() {
    const int listener = ring::open_listener("127.0.0.1:0").value();
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(peer, reinterpret_cast<const sockaddr*>(&address), size), 0);
    pollfd ready{listener, POLLIN, 0};  // It does not block.
    EXPECT_EQ(::poll(&ready, 1, 5000), 1);
    server = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(server, 0);
    ::close(listener);
  }
  ~TcpPair() {
    ::close(server);
    ::close(peer);
  }
  TcpPair(const TcpPair&) = delete;
  TcpPair& operator=(const TcpPair&) = delete;

  [[nodiscard]] unsigned packets_sent() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    EXPECT_EQ(getsockopt(server, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    return info.tcpi_segs_out;
  }

  int server = -1;
  int peer = -1;
};

/// How many packets five bytes and the end of the socket are, by the call that sends them.
unsigned packets_of_an_end(void (ring::Ring::*send)(int, std::span<const std::byte>, ring::Tag)) {
  const auto ring = ring::UringRing::create({.receive_buffers = 16}).value();
  Recorder recorder;
  const ring::Tag send_tag = tag(ring::Op::send, 1);
  const TcpPair pair;
  const unsigned before = pair.packets_sent();
  (ring.get()->*send)(pair.server, bytes_of("adieu"), send_tag);
  EXPECT_TRUE(run_until(*ring, recorder, [&] { return recorder.finals_of(send_tag) == 1; }));
  EXPECT_EQ(recorder.of(send_tag).front().result, 5);
  ring->shut_down(pair.server, SHUT_WR);
  const unsigned packets = pair.packets_sent() - before;
  std::array<char, 16> bytes{};
  EXPECT_EQ(recv(pair.peer, bytes.data(), bytes.size(), MSG_WAITALL), 5);  // And then the end.
  return packets;
}

TEST(LastBytes, the_end_of_a_socket_leaves_with_its_last_bytes) {
  EXPECT_EQ(packets_of_an_end(&ring::Ring::send_last), 1U);
  EXPECT_EQ(packets_of_an_end(&ring::Ring::send), 2U);
}

}  // namespace
}  // namespace rondel::tests
