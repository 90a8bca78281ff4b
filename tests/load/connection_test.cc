// A session's socket moves into its ring's table, and is what it was before.
#include "perf/load/connection.h"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "perf/load/login.h"
#include "ring/features.h"
#include "ring/uring_ring.h"

namespace rondel::load {
namespace {

/// A client on a ring, and the server's end of its connection.
class AClient : public testing::Test, protected ConnectionEvents, protected ring::Sink {
 protected:
  AClient() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    socklen_t size = sizeof(server_);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&server_), &size), 0);
  }
  ~AClient() override {
    ring_.reset();
    ::close(listener_);
    ::close(peer_);
  }
  void SetUp() override {
    if (!ring::probe_features().value().has_prompt_file_table) {
      constexpr const char* kWhy = "this kernel closes sockets of a ring's table late";
      if (std::getenv("CI") != nullptr) {
        FAIL() << kWhy << ", and CI must not skip";
      }
      GTEST_SKIP() << kWhy;
    }
  }

  void settle(unsigned places) {
    ring_ = ring::UringRing::create({.receive_buffers = 4, .kept_max = places}).value();
    world_.is_keeping = true;
    client_ = std::make_unique<Connection>(world_, *ring_, 0);
    log_in();
  }
  /// Connects, hears a first element, and settles, as if that had ended its login.
  void log_in() {
    client_->open(server_, {}, false);
    ASSERT_TRUE(run_until([&] { return is_open_; }));
    peer_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    say("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
    ASSERT_TRUE(run_until([&] { return elements_ == 1; }));
    client_->settle();
    say("<a/>");
    ASSERT_TRUE(run_until([&] { return elements_ == 2; }));
  }
  void say(std::string_view text) {
    EXPECT_EQ(::send(peer_, text.data(), text.size(), 0), text.size());
  }
  std::string read_from_client() {
    std::array<char, 64> bytes{};
    const ssize_t count = recv(peer_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    error_ = count < 0 ? errno : 0;
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(0, count))};
  }
  bool run_until(const std::function<bool()>& is_done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!is_done() && std::chrono::steady_clock::now() < end) {
      for (std::size_t i = 0; i < world_.dirty.size(); ++i) {
        world_.dirty[i]->flush();
      }
      world_.dirty.clear();
      ring_->run_once(std::chrono::milliseconds(10), *this);
    }
    return is_done();
  }

  void opened(Connection&) override { is_open_ = true; }
  void element(Connection& connection, xml::FrameKind, std::string_view) override {
    ++elements_;
    if (elements_ == 2 && answers_) {
      connection.out().append("<answer/>");
    }
  }
  void ended(Connection&, const std::string& reason) override {
    has_ended_ = true;
    reason_ = reason;
  }
  void completed(const ring::Completion& completion) override {
    if (completion.tag.op != ring::Op::wake) {
      client_->completed(completion);
    }
  }

  int listener_ = -1;
  int peer_ = -1;
  int error_ = 0;
  sockaddr_storage server_{};
  ConnectionWorld world_{*this};
  std::unique_ptr<ring::UringRing> ring_;
  std::unique_ptr<Connection> client_;
  bool answers_ = false;
  bool is_open_ = false;
  bool has_ended_ = false;
  int elements_ = 0;
  std::string reason_;
};

TEST_F(AClient, MovesAndGoesOn) {
  answers_ = true;
  settle(1);
  EXPECT_EQ(ring_->kept(), 1U);
  std::string heard;
  EXPECT_TRUE(run_until([&] { return (heard += read_from_client()) == "<answer/>"; })) << heard;
  for (int i = 3; i < 10; ++i) {
    say("<b/>");
    EXPECT_TRUE(run_until([&] { return elements_ == i; }));
  }
}

TEST_F(AClient, ClosesWhenTheServerHas) {
  settle(1);
  client_->finish();
  shutdown(peer_, SHUT_WR);
  EXPECT_TRUE(run_until([&] { return has_ended_; }));
  EXPECT_EQ(reason_, "");
  EXPECT_TRUE(run_until([&] { return read_from_client().empty() && error_ == 0; }));
  EXPECT_TRUE(run_until([&] { return ring_->kept() == 0; }));
}

TEST_F(AClient, ResetsFromTheTable) {
  settle(1);
  client_->reset();
  EXPECT_TRUE(run_until([&] { return has_ended_; }));
  EXPECT_EQ(reason_, "");
  read_from_client();
  EXPECT_EQ(error_, ECONNRESET);
  EXPECT_TRUE(run_until([&] { return ring_->kept() == 0; }));
}

TEST_F(AClient, StaysAnOpenFileWhereThereIsNoPlace) {
  settle(0);
  EXPECT_EQ(ring_->kept(), 0U);
  say("<b/>");
  EXPECT_TRUE(run_until([&] { return elements_ == 3; }));
  client_->reset();
  EXPECT_TRUE(run_until([&] { return has_ended_; }));
  read_from_client();
  EXPECT_EQ(error_, ECONNRESET);
}

TEST_F(AClient, ComesAgainToTheSamePlace) {
  settle(1);
  client_->reset();
  ASSERT_TRUE(run_until([&] { return has_ended_ && ring_->kept() == 0; }));
  ::close(peer_);
  is_open_ = has_ended_ = false;
  elements_ = 0;
  log_in();
  EXPECT_EQ(ring_->kept(), 1U);
}

}  // namespace
}  // namespace rondel::load
