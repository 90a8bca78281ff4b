#include "ring/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace rondel::ring {
namespace {

using testing::HasSubstr;

struct GoodAddress {
  const char* text;
  AddressFamily family;
  const char* host;
  std::uint16_t port;
};

class GoodAddresses : public testing::TestWithParam<GoodAddress> {};

TEST_P(GoodAddresses, are_read) {
  const auto& [text, family, host, port] = GetParam();
  const base::Result<ListenAddress> address = parse_listen_address(text);
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(address->family, family);
  EXPECT_EQ(address->host, host);
  EXPECT_EQ(address->port, port);
}

INSTANTIATE_TEST_SUITE_P(
    all,
    GoodAddresses,
    testing::Values(GoodAddress{"[::]:5222", AddressFamily::ipv6, "::", 5222},
                    GoodAddress{"[2001:db8::1]:1", AddressFamily::ipv6, "2001:db8::1", 1},
                    GoodAddress{"[::ffff:192.0.2.1]:65535", AddressFamily::ipv6, "::ffff:192.0.2.1",
                                65535},
                    GoodAddress{"0.0.0.0:0", AddressFamily::ipv4, "0.0.0.0", 0},
                    GoodAddress{"127.0.0.1:5222", AddressFamily::ipv4, "127.0.0.1", 5222},
                    GoodAddress{"unix:/run/a b.sock", AddressFamily::unix_path, "/run/a b.sock", 0},
                    GoodAddress{"unix:/with:colon", AddressFamily::unix_path, "/with:colon", 0}));

class BadAddresses : public testing::TestWithParam<std::string> {};

TEST_P(BadAddresses, are_refused_with_what_is_allowed) {
  const base::Result<ListenAddress> address = parse_listen_address(GetParam());
  ASSERT_FALSE(address);
  EXPECT_THAT(address.error().message, HasSubstr("[::]:5222"));
  EXPECT_THAT(address.error().message, HasSubstr("unix:/"));
  EXPECT_FALSE(open_listener(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(all,
                         BadAddresses,
                         testing::Values("",
                                         ":",
                                         "5222",
                                         ":5222",
                                         "localhost:5222",
                                         "*:5222",
                                         "127.0.0.1",
                                         "127.0.0.1:",
                                         "127.0.0.1:65536",
                                         "127.0.0.1:-1",
                                         "127.0.0.1:+1",
                                         "127.0.0.1: 1",
                                         "127.0.0.1:1 ",
                                         "127.0.0.1:01",
                                         "127.0.0.1:0x10",
                                         "127.0.0.1:99999999999999999999",
                                         "127.1:5222",
                                         "256.0.0.1:5222",
                                         "::1:5222",
                                         "[::1]",
                                         "[::1]5222",
                                         "[]:5222",
                                         "[127.0.0.1]:5222",
                                         "[:::]:5222",
                                         "[fe80::1%lo]:5222",
                                         "unix:",
                                         "unix:relative.sock",
                                         "unix:/" + std::string(107, 'x'),
                                         std::string("127.0.0.1\0:1", 12),
                                         std::string("unix:/a\0b", 9)));

TEST(Listener, takes_the_longest_path_that_fits) {
  EXPECT_TRUE(parse_listen_address("unix:/" + std::string(106, 'x')));
}

int socket_option(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(fd, level, option, &value, &size), 0);
  return value;
}

TEST(Listener, is_non_blocking_close_on_exec_shared_and_without_delay) {
  const int fd = open_listener("127.0.0.1:0").value();
  EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(socket_option(fd, SOL_SOCKET, SO_REUSEADDR), 0);
  EXPECT_NE(socket_option(fd, SOL_SOCKET, SO_REUSEPORT), 0);
  EXPECT_NE(socket_option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(socket_option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
  EXPECT_NE(bound_port(fd), 0);
  ::close(fd);
}

TEST(Listener, gives_what_it_accepts_an_end_when_the_peer_has_gone_without_a_word) {
  const int listener = open_listener("127.0.0.1:0").value();
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(bound_port(listener));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  pollfd waiting{listener, POLLIN, 0};
  ASSERT_EQ(poll(&waiting, 1, 5'000), 1);
  const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  ASSERT_GE(accepted, 0);
  EXPECT_NE(socket_option(accepted, SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(socket_option(accepted, IPPROTO_TCP, TCP_KEEPIDLE), kKeepAliveIdleSeconds);
  EXPECT_EQ(socket_option(accepted, IPPROTO_TCP, TCP_KEEPINTVL), kKeepAliveIntervalSeconds);
  EXPECT_EQ(socket_option(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT), kUnacknowledgedMaxMs);
  for (const int fd : {listener, client, accepted}) {
    ::close(fd);
  }
}

TEST(Listener, can_be_opened_again_by_each_shard) {
  const int first = open_listener("127.0.0.1:0", {.must_be_first = true}).value();
  const std::string address = "127.0.0.1:" + std::to_string(bound_port(first));
  const int second = open_listener(address).value();
  EXPECT_EQ(bound_port(first), bound_port(second));
  ::close(first);
  ::close(second);
}

TEST(Listener, that_must_be_first_finds_another_server) {
  const int other = open_listener("127.0.0.1:0").value();
  const std::uint16_t port = bound_port(other);
  const std::string address = "127.0.0.1:" + std::to_string(port);
  for (const ListenerOptions& options :
       {ListenerOptions{.must_be_first = true}, ListenerOptions{.is_shared = false}}) {
    const base::Result<int> listener = open_listener(address, options);
    ASSERT_FALSE(listener);
    EXPECT_EQ(listener.error().code.value(), EADDRINUSE);
    EXPECT_THAT(listener.error().message, HasSubstr("port " + std::to_string(port) +
                                                    " is in use: is another XMPP server running?"));
  }
  ::close(other);
  const base::Result<int> now_free = open_listener(address, {.must_be_first = true});
  ASSERT_TRUE(now_free) << now_free.error().message;
  ::close(*now_free);
}

TEST(Listener, says_when_the_host_has_no_such_address) {
  const base::Result<int> listener = open_listener("192.0.2.1:0");
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error().message, HasSubstr("no such address"));
}

int connect_to(const sockaddr* address, socklen_t bytes) {
  const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(fd, address, bytes), 0);
  return fd;
}

int accept_from(int listener) {
  int fd = -1;
  for (int i = 0; i < 1000 && fd < 0; ++i) {
    fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    usleep(fd < 0 ? 1000 : 0);
  }
  return fd;
}

TEST(Listener, on_every_ipv6_address_takes_ipv4_and_shows_it_as_such) {
  const base::Result<int> listener = open_listener("[::]:0");
  if (!listener && listener.error().code.value() == EAFNOSUPPORT) {
    GTEST_SKIP() << "no IPv6 on this host";
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(bound_port(*listener));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int peer = connect_to(reinterpret_cast<sockaddr*>(&address), sizeof address);
  const int accepted = accept_from(*listener);
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(peer_address(accepted), "127.0.0.1:" + std::to_string(bound_port(peer)));
  ::close(accepted);
  ::close(peer);

  sockaddr_in6 address6{};
  address6.sin6_family = AF_INET6;
  address6.sin6_port = htons(bound_port(*listener));
  address6.sin6_addr = in6addr_loopback;
  const int peer6 = connect_to(reinterpret_cast<sockaddr*>(&address6), sizeof address6);
  const int accepted6 = accept_from(*listener);
  ASSERT_GE(accepted6, 0);
  EXPECT_EQ(peer_address(accepted6), "[::1]:" + std::to_string(bound_port(peer6)));
  ::close(accepted6);
  ::close(peer6);
  ::close(*listener);
}

class UnixListener : public testing::Test {
 protected:
  UnixListener() {
    char name[] = "/tmp/rondel-listener-XXXXXX";
    folder_ = mkdtemp(name);
    path_ = folder_ + "/socket";
  }
  ~UnixListener() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::string path_;
};

TEST_F(UnixListener, has_the_mode_that_was_asked_for) {
  for (const unsigned mode : {0600U, 0660U, 0666U}) {
    const int fd = open_listener("unix:" + path_, {.unix_mode = mode}).value();
    struct stat status {};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, mode);
    EXPECT_EQ(bound_port(fd), 0);
    ::close(fd);  // The path stays: the next round replaces it.
  }
}

TEST_F(UnixListener, is_not_taken_from_a_server_that_runs) {
  const int fd = open_listener("unix:" + path_).value();
  const base::Result<int> second = open_listener("unix:" + path_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("is another server running"));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, path_.size());
  while (true) {  // The attempt above left a connection behind.
    const int probe = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (probe < 0) {
      break;
    }
    ::close(probe);
  }
  const int peer = connect_to(reinterpret_cast<sockaddr*>(&address), sizeof address);
  const int accepted = accept_from(fd);
  EXPECT_EQ(peer_address(accepted), "unix");
  ::close(accepted);
  ::close(peer);
  ::close(fd);
}

TEST_F(UnixListener, does_not_remove_a_file_that_is_no_socket) {
  std::ofstream(path_) << "precious";
  ASSERT_FALSE(open_listener("unix:" + path_));
  EXPECT_EQ(std::filesystem::file_size(path_), 8U);
}

TEST_F(UnixListener, says_when_the_folder_is_missing) {
  const base::Result<int> listener = open_listener("unix:" + folder_ + "/none/socket");
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error().message, HasSubstr("folder"));
}

TEST(PeerAddress, of_something_else_is_unknown) {
  EXPECT_EQ(peer_address(-1), "unknown");
  EXPECT_EQ(bound_port(-1), 0);
}

}  // namespace
}  // namespace rondel::ring
