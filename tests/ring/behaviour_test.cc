// What every Ring does, whichever it is: the contract of ring/ring.h as examples.
#include <array>
#include <cerrno>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tests/ring/world.h"

namespace rondel::tests {
namespace {

using ring::Op;
using ring::ReceiveMode;
using ring::Tag;

const Tag kAccept = tag(Op::accept, 0);
const Tag kReceive = tag(Op::receive, 1);
const Tag kSend = tag(Op::send, 1);

class RingBehaviour : public testing::TestWithParam<WorldKind> {
 protected:
  void SetUp() override { world_ = GetParam().make(7); }

  ring::Ring& ring() { return world_->ring(); }
  bool until(const std::function<bool()>& is_done) { return run_until(ring(), recorder_, is_done); }
  bool until_final(Tag of) {
    return until([&] { return recorder_.finals_of(of) > 0; });
  }
  void idle() { run_idle(ring(), recorder_); }

  /// The server's end of a new connection.
  int accept_one(std::unique_ptr<WorldPeer>& peer) {
    peer = world_->connect();
    if (!is_accepting_) {
      ring().accept(world_->listener(), kAccept);
      is_accepting_ = true;
    }
    int fd = -1;
    EXPECT_TRUE(until([&] {
      for (const Event& event : recorder_.of(kAccept)) {
        fd = event.result >= 0 ? event.result : fd;
      }
      return fd >= 0;
    }));
    std::erase_if(recorder_.events, [](const Event& event) { return event.tag == kAccept; });
    return fd < 0 ? fd : ring().keep(fd);
  }

  std::unique_ptr<World> world_;
  Recorder recorder_;
  bool is_accepting_ = false;
};

TEST_P(RingBehaviour, accepts_until_cancelled_and_then_ends_once) {
  std::unique_ptr<WorldPeer> peers[3];
  for (auto& peer : peers) {
    const int fd = accept_one(peer);
    ASSERT_GE(fd, 0);
    ring().close(fd);
  }
  ring().cancel(kAccept);
  ASSERT_TRUE(until_final(kAccept));
  idle();
  EXPECT_EQ(recorder_.finals_of(kAccept), 1U);
  EXPECT_EQ(recorder_.of(kAccept).back().result, -ECANCELED);
  EXPECT_EQ(world_->operations_under_way(), 0U);
}

TEST_P(RingBehaviour, delivers_received_bytes_in_order_and_the_end_of_the_stream_once) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  std::string all;
  for (int i = 0; i < 500; ++i) {
    all += std::to_string(i) + ' ';
  }
  peer->write(all);
  peer->shutdown_write();
  ring().receive(fd, kReceive, ReceiveMode::multishot);
  recorder_.at_each = [&](const Event& event) {
    if (event.tag == kReceive && !event.has_more && event.result > 0) {
      ring().receive(fd, kReceive, ReceiveMode::multishot);  // Ended without an error: go on.
    }
  };
  ASSERT_TRUE(until([&] {
    return !recorder_.of(kReceive).empty() && recorder_.of(kReceive).back().result == 0;
  }));
  EXPECT_EQ(recorder_.data_of(kReceive), all);
  EXPECT_FALSE(recorder_.of(kReceive).back().has_more);
  EXPECT_TRUE(world_->has_all_buffers());
}

TEST_P(RingBehaviour, a_one_shot_receive_completes_once_and_leaves_the_rest) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  peer->write("first");
  ring().receive(fd, kReceive, ReceiveMode::one_shot);
  ASSERT_TRUE(until_final(kReceive));
  peer->write("second");
  idle();
  ASSERT_EQ(recorder_.of(kReceive).size(), 1U);
  std::string data = recorder_.data_of(kReceive);
  EXPECT_TRUE(std::string_view("first").starts_with(data));
  while (data != "firstsecond") {
    recorder_.events.clear();
    ring().receive(fd, kReceive, ReceiveMode::one_shot);
    ASSERT_TRUE(until_final(kReceive));
    ASSERT_GT(recorder_.events.back().result, 0);
    data += recorder_.data_of(kReceive);
  }
}

TEST_P(RingBehaviour, sends_bytes_and_parts) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  std::string expected;
  std::string arrived;
  for (int round = 0; round < 10; ++round) {
    std::string first = "bytes and ";
    std::string second = "parts;";
    std::array<iovec, 2> parts{iovec{first.data(), first.size()},
                               iovec{second.data(), second.size()}};
    recorder_.events.clear();
    if (round % 2 == 0) {
      ring().send(fd, bytes_of(first), kSend);
    } else {
      ring().send_vector(fd, parts, kSend);
    }
    ASSERT_TRUE(until_final(kSend));
    const std::int32_t sent = recorder_.of(kSend).front().result;
    ASSERT_GT(sent, 0);
    expected += (round % 2 == 0 ? first : first + second).substr(0, static_cast<size_t>(sent));
  }
  ASSERT_TRUE(until([&] {
    arrived += peer->read();
    return arrived.size() >= expected.size();
  }));
  EXPECT_EQ(arrived, expected);
}

TEST_P(RingBehaviour, a_cancelled_receive_ends_exactly_once) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  for (const ReceiveMode mode : {ReceiveMode::multishot, ReceiveMode::one_shot}) {
    for (const int turns_before : {0, 1, 3}) {
      recorder_.events.clear();
      ring().receive(fd, kReceive, mode);
      run_idle(ring(), recorder_, turns_before);
      ring().cancel(kReceive);
      ring().cancel(kReceive);  // Asking twice changes nothing.
      ASSERT_TRUE(until_final(kReceive));
      idle();
      ASSERT_EQ(recorder_.of(kReceive).size(), 1U);
      EXPECT_EQ(recorder_.of(kReceive).front().result, -ECANCELED);
    }
  }
  // And the socket is as good as before.
  recorder_.events.clear();
  peer->write("x");
  ring().receive(fd, kReceive, ReceiveMode::one_shot);
  ASSERT_TRUE(until_final(kReceive));
  EXPECT_EQ(recorder_.data_of(kReceive), "x");
}

TEST_P(RingBehaviour, a_cancel_loses_no_bytes) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  std::string written;
  std::string received;
  for (int round = 0; round < 50; ++round) {
    recorder_.events.clear();
    ring().receive(fd, kReceive, ReceiveMode::multishot);
    run_idle(ring(), recorder_, round % 3);
    written += std::to_string(round) + ',';
    peer->write(std::to_string(round) + ',');
    ring().cancel(kReceive);
    ASSERT_TRUE(until_final(kReceive));
    ASSERT_EQ(recorder_.finals_of(kReceive), 1U);
    received += recorder_.data_of(kReceive);
  }
  recorder_.events.clear();
  recorder_.at_each = [&](const Event& event) {
    if (event.tag == kReceive && !event.has_more && event.result > 0) {
      ring().receive(fd, kReceive, ReceiveMode::multishot);
    }
  };
  ring().receive(fd, kReceive, ReceiveMode::multishot);
  peer->shutdown_write();
  ASSERT_TRUE(
      until([&] { return !recorder_.events.empty() && recorder_.events.back().result == 0; }));
  EXPECT_EQ(received + recorder_.data_of(kReceive), written);
}

TEST_P(RingBehaviour, a_cancel_of_nothing_does_nothing) {
  ring().cancel(kReceive);
  ring().cancel(Tag{});
  idle();
  EXPECT_TRUE(recorder_.events.empty());
}

TEST_P(RingBehaviour, a_reset_connection_fails_its_receive) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  ring().receive(fd, kReceive, ReceiveMode::multishot);
  idle();
  peer->reset();
  ASSERT_TRUE(until_final(kReceive));
  EXPECT_EQ(recorder_.of(kReceive).back().result, -ECONNRESET);
  EXPECT_EQ(recorder_.finals_of(kReceive), 1U);
}

TEST_P(RingBehaviour, a_send_to_a_reset_connection_fails_and_raises_no_signal) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  peer->reset();
  std::string text(1000, 'x');
  ASSERT_TRUE(until([&] {
    recorder_.events.clear();
    ring().send(fd, bytes_of(text), kSend);
    return !until_final(kSend) || recorder_.of(kSend).front().result < 0;
  }));
  ASSERT_EQ(recorder_.of(kSend).size(), 1U);
  const int error = -recorder_.of(kSend).front().result;
  EXPECT_TRUE(error == EPIPE || error == ECONNRESET) << error;
}

TEST_P(RingBehaviour, a_send_that_finds_no_room_waits_and_can_be_cancelled) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  const std::string text(1 << 20, 'x');
  std::size_t sent = 0;
  // The peer does not read: sooner or later nothing is taken any more.
  for (int round = 0; round < 200; ++round) {
    recorder_.events.clear();
    ring().send(fd, bytes_of(text), kSend);
    for (int turn = 0; turn < 40 && recorder_.events.empty(); ++turn) {
      ring().run_once(base::Milliseconds(5), recorder_);
    }
    if (recorder_.events.empty()) {
      break;
    }
    ASSERT_GT(recorder_.of(kSend).front().result, 0);
    sent += static_cast<std::size_t>(recorder_.of(kSend).front().result);
  }
  ASSERT_TRUE(recorder_.events.empty());
  ring().cancel(kSend);
  ASSERT_TRUE(until_final(kSend));
  const std::int32_t result = recorder_.of(kSend).front().result;
  EXPECT_TRUE(result == -ECANCELED || result > 0) << result;
  sent += static_cast<std::size_t>(std::max(result, 0));
  std::size_t arrived = 0;
  ASSERT_TRUE(until([&] {
    arrived += peer->read(1 << 20).size();
    return arrived >= sent;
  }));
  idle();
  EXPECT_EQ(arrived + peer->read().size(), sent);
}

TEST_P(RingBehaviour, close_comes_after_the_operations_of_the_turn) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  bool is_closed = false;
  recorder_.at_each = [&](const Event& event) {
    if (event.tag == kSend && !is_closed) {
      is_closed = true;
      ring().close(fd);
    }
  };
  ring().send(fd, bytes_of("bye"), kSend);
  std::string arrived;
  ASSERT_TRUE(until([&] {
    arrived += peer->read();
    return peer->is_ended();
  }));
  arrived += peer->read();
  EXPECT_TRUE(!arrived.empty() && std::string_view("bye").starts_with(arrived)) << arrived;
}

TEST_P(RingBehaviour, the_last_bytes_arrive_before_the_end) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  const std::string text(20'000, 'z');  // Short sends go on as last ones.
  std::size_t sent = 0;
  while (sent < text.size()) {
    recorder_.events.clear();
    ring().send_last(fd, bytes_of(std::string_view(text).substr(sent)), kSend);
    ASSERT_TRUE(until_final(kSend));
    ASSERT_GT(recorder_.of(kSend).back().result, 0);
    sent += static_cast<std::size_t>(recorder_.of(kSend).back().result);
  }
  ring().shut_down(fd, SHUT_WR);
  std::string arrived;
  EXPECT_TRUE(until([&] {
    arrived += peer->read();
    return peer->is_ended() && arrived.size() == text.size();
  })) << arrived.size();
  EXPECT_EQ(arrived, text);
}

TEST_P(RingBehaviour, a_socket_that_is_shut_down_still_reads) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  ring().send(fd, bytes_of("1"), kSend);
  ASSERT_TRUE(until_final(kSend));
  ring().shut_down(fd, SHUT_WR);
  ring().receive(fd, kReceive, ReceiveMode::one_shot);
  std::string arrived;
  ASSERT_TRUE(until([&] {
    arrived += peer->read();
    return arrived == "1" && peer->is_ended();
  }));
  peer->write("2");
  ASSERT_TRUE(until_final(kReceive));
  EXPECT_EQ(recorder_.data_of(kReceive), "2");
  ring().close(fd);
  idle();
  EXPECT_EQ(world_->kept(), 0U);
}

TEST_P(RingBehaviour, a_place_that_is_taken_again_at_once_belongs_to_the_newcomer) {
  for (int round = 0; round < 50; ++round) {
    std::unique_ptr<WorldPeer> old_peer, new_peer;
    const int old_fd = accept_one(old_peer);
    ring().shut_down(old_fd, SHUT_RDWR);
    ring().close(old_fd);
    const int new_fd = accept_one(new_peer);
    const Tag receive = tag(Op::receive, static_cast<std::uint32_t>(round) + 10);
    ring().receive(new_fd, receive, ReceiveMode::one_shot);
    ASSERT_TRUE(until([&] {
      old_peer->read();
      return old_peer->is_ended();
    }));
    new_peer->write("x");
    ASSERT_TRUE(until_final(receive));
    EXPECT_EQ(recorder_.data_of(receive), "x");
    ring().close(new_fd);
  }
  idle();
  EXPECT_EQ(world_->kept(), 0U);
}

TEST_P(RingBehaviour, an_operation_on_a_closed_descriptor_completes_with_an_error) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  ring().close(fd);
  idle();
  ring().send(fd, bytes_of("x"), kSend);
  ring().receive(fd, kReceive, ReceiveMode::multishot);
  ASSERT_TRUE(until_final(kSend) && until_final(kReceive));
  EXPECT_EQ(recorder_.of(kSend).front().result, -EBADF);
  EXPECT_EQ(recorder_.of(kReceive).front().result, -EBADF);
}

TEST_P(RingBehaviour, poll_reports_readiness_once) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  const Tag poll_tag = tag(Op::poll, 1);
  ring().poll(fd, POLLIN, poll_tag);
  idle();
  EXPECT_EQ(recorder_.of(poll_tag).size(), 0U);
  peer->write("x");
  ASSERT_TRUE(until_final(poll_tag));
  EXPECT_EQ(recorder_.of(poll_tag).front().result & POLLIN, POLLIN);
  idle();
  EXPECT_EQ(recorder_.of(poll_tag).size(), 1U);
}

TEST_P(RingBehaviour, an_operation_without_a_name_is_not_reported) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  ring().send(fd, bytes_of("x"), Tag{});
  std::string arrived;
  ASSERT_TRUE(until([&] {
    arrived += peer->read();
    return arrived == "x";
  }));
  idle();
  EXPECT_TRUE(recorder_.events.empty());
}

TEST_P(RingBehaviour, wake_ends_the_next_turn_with_a_completion) {
  ring().wake();
  ring().wake();
  ring().run_once(std::chrono::seconds(1), recorder_);
  ASSERT_EQ(recorder_.events.size(), 1U);
  EXPECT_EQ(recorder_.events.front().tag.op, Op::wake);
  idle();
  EXPECT_EQ(recorder_.events.size(), 1U);
  ring().wake();
  ring().run_once(std::chrono::seconds(1), recorder_);
  EXPECT_EQ(recorder_.events.size(), 2U);
}

TEST_P(RingBehaviour, a_turn_without_events_ends_after_its_wait) {
  ring().run_once(base::Nanoseconds(0), recorder_);
  ring().run_once(base::Milliseconds(1), recorder_);
  EXPECT_TRUE(recorder_.events.empty());
  EXPECT_EQ(ring().counters().turns, 2U);
}

TEST_P(RingBehaviour, a_handler_may_start_and_cancel_operations) {
  std::unique_ptr<WorldPeer> peer;
  const int fd = accept_one(peer);
  int sends = 0;
  recorder_.at_each = [&](const Event& event) {
    if (event.tag == kReceive && event.has_more) {
      ring().cancel(kReceive);
    } else if (event.tag == kReceive && event.result != 0 && sends == 0) {
      ++sends;
      ring().send(fd, bytes_of("!"), kSend);
    }
  };
  ring().receive(fd, kReceive, ReceiveMode::multishot);
  peer->write("?");
  ASSERT_TRUE(until_final(kSend));
  EXPECT_EQ(recorder_.data_of(kReceive), "?");
  EXPECT_EQ(recorder_.finals_of(kReceive), 1U);
}

INSTANTIATE_TEST_SUITE_P(rings,
                         RingBehaviour,
                         testing::ValuesIn(all_worlds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace rondel::tests
