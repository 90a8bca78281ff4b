// Shows that a kernel has what the kernel record engine needs, without a line of that engine: so
// that a failure of the engine's tests in a guest is the engine's and not the guest's.

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <liburing.h>
#include <linux/tls.h>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <numeric>
#include <openssl/evp.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr int kSkipped = 77;
constexpr int kSolTls = 282;
constexpr int kTcpUlp = 31;
constexpr std::uint8_t kAlert = 21;
constexpr std::uint8_t kApplicationData = 23;
constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kTagBytes = 16;
constexpr std::uint64_t kFirstRecord = 2;  // as after two session tickets

/// A file descriptor of its own.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

/// The two ends of a TCP connection over loopback; reads give up after ten seconds.
std::pair<Socket, Socket> connected_pair() {
  const Socket listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  sockaddr generic{};
  std::memcpy(&generic, &address, sizeof address);
  if (bind(listener.fd(), &generic, size) != 0 || listen(listener.fd(), 1) != 0 ||
      getsockname(listener.fd(), &generic, &size) != 0) {
    std::perror("no loopback");
    std::exit(1);
  }
  Socket client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(client.fd(), &generic, size) != 0) {
    std::perror("no loopback");
    std::exit(1);
  }
  Socket server(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  for (const Socket* end : {&client, &server}) {
    setsockopt(end->fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(end->fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  return {std::move(client), std::move(server)};
}

bool set_ulp(const Socket& socket) {
  return setsockopt(socket.fd(), IPPROTO_TCP, kTcpUlp, "tls", sizeof "tls") == 0;
}

struct Cipher {
  const char* name;
  std::uint16_t type;
  std::size_t key_bytes;
  std::size_t salt_bytes;  // of the nonce's twelve
  const EVP_CIPHER* (*evp)();
};

constexpr Cipher kCiphers[] = {
    {"AES_128_GCM", TLS_CIPHER_AES_GCM_128, 16, 4, EVP_aes_128_gcm},
    {"AES_256_GCM", TLS_CIPHER_AES_GCM_256, 32, 4, EVP_aes_256_gcm},
    {"CHACHA20_POLY1305", TLS_CIPHER_CHACHA20_POLY1305, 32, 0, EVP_chacha20_poly1305},
};

/// Key and nonce of one direction.
struct Keys {
  Bytes key;
  Bytes nonce;

  static Keys made_of(const Cipher& cipher, std::uint8_t seed) {
    Keys keys{Bytes(cipher.key_bytes), Bytes(12)};
    std::iota(keys.key.begin(), keys.key.end(), seed);
    std::iota(keys.nonce.begin(), keys.nonce.end(), static_cast<std::uint8_t>(seed + 100));
    return keys;
  }
};

Bytes big_endian(std::uint64_t number) {
  Bytes bytes(8);
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(number >> (8 * (7 - i)));
  }
  return bytes;
}

/// The kernel's tls12_crypto_info_*: header, iv, key, salt, sequence number, in this order for all
/// three ciphers.
Bytes crypto_info(const Cipher& cipher, const Keys& keys) {
  const tls_crypto_info header{.version = TLS_1_3_VERSION, .cipher_type = cipher.type};
  Bytes info(sizeof header);
  std::memcpy(info.data(), &header, sizeof header);
  const auto salt_end = keys.nonce.begin() + static_cast<std::ptrdiff_t>(cipher.salt_bytes);
  info.insert(info.end(), salt_end, keys.nonce.end());
  info.insert(info.end(), keys.key.begin(), keys.key.end());
  info.insert(info.end(), keys.nonce.begin(), salt_end);
  const Bytes sequence = big_endian(kFirstRecord);
  info.insert(info.end(), sequence.begin(), sequence.end());
  return info;
}

bool switch_on(const Socket& socket, int direction, const Cipher& cipher, const Keys& keys) {
  const Bytes info = crypto_info(cipher, keys);
  return setsockopt(socket.fd(), kSolTls, direction, info.data(),
                    static_cast<socklen_t>(info.size())) == 0;
}

/// The record of RFC 8446 §5.2 that holds `plain`, sealed by OpenSSL.
Bytes sealed(const Cipher& cipher, const Keys& keys, std::uint64_t record, const Bytes& plain) {
  Bytes inner = plain;
  inner.push_back(kApplicationData);
  const std::size_t size = inner.size() + kTagBytes;
  Bytes result = {kApplicationData, 3, 3, static_cast<std::uint8_t>(size >> 8),
                  static_cast<std::uint8_t>(size)};
  Bytes nonce = keys.nonce;
  const Bytes sequence = big_endian(record);
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    nonce[4 + i] ^= sequence[i];
  }
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int written = 0;
  EVP_EncryptInit_ex(context.get(), cipher.evp(), nullptr, keys.key.data(), nonce.data());
  EVP_EncryptUpdate(context.get(), nullptr, &written, result.data(),
                    static_cast<int>(result.size()));
  result.resize(kRecordHeaderBytes + size);
  EVP_EncryptUpdate(context.get(), &result[kRecordHeaderBytes], &written, inner.data(),
                    static_cast<int>(inner.size()));
  EVP_EncryptFinal_ex(context.get(), &result[kRecordHeaderBytes + inner.size()], &written);
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                      &result[kRecordHeaderBytes + inner.size()]);
  return result;
}

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  }
  return bytes;
}

/// What `count` bytes of reading gave; fewer if the peer ended or nothing came.
Bytes read_exactly(const Socket& socket, std::size_t count) {
  Bytes bytes(count);
  std::size_t have = 0;
  while (have < count) {
    const ssize_t got = recv(socket.fd(), &bytes[have], count - have, 0);
    if (got <= 0) {
      break;
    }
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

std::map<std::string, long> counters() {
  std::ifstream file("/proc/net/tls_stat");
  std::map<std::string, long> result;
  std::string name;
  for (long value = 0; file >> name >> value;) {
    result[name] = value;
  }
  return result;
}

class KernelTls : public testing::TestWithParam<Cipher> {
 protected:
  KernelTls() : pair_(connected_pair()) {}

  void switch_both(const Keys& to_server, const Keys& to_client) {
    ASSERT_TRUE(set_ulp(client()) && set_ulp(server())) << std::strerror(errno);
    ASSERT_TRUE(switch_on(client(), TLS_TX, GetParam(), to_server)) << std::strerror(errno);
    ASSERT_TRUE(switch_on(server(), TLS_RX, GetParam(), to_server)) << std::strerror(errno);
    ASSERT_TRUE(switch_on(server(), TLS_TX, GetParam(), to_client)) << std::strerror(errno);
    ASSERT_TRUE(switch_on(client(), TLS_RX, GetParam(), to_client)) << std::strerror(errno);
  }

  [[nodiscard]] const Socket& client() const { return pair_.first; }
  [[nodiscard]] const Socket& server() const { return pair_.second; }

 private:
  std::pair<Socket, Socket> pair_;
};

TEST_P(KernelTls, SealsARecordAsOpenSslDoes) {
  const Keys keys = Keys::made_of(GetParam(), 1);
  ASSERT_TRUE(set_ulp(client()));
  ASSERT_TRUE(switch_on(client(), TLS_TX, GetParam(), keys)) << std::strerror(errno);
  const Bytes plain = pattern(300);
  ASSERT_EQ(send(client().fd(), plain.data(), plain.size(), MSG_NOSIGNAL), 300);
  const Bytes expected = sealed(GetParam(), keys, kFirstRecord, plain);
  EXPECT_EQ(read_exactly(server(), expected.size()), expected);
}

TEST_P(KernelTls, OpensARecordOfOpenSsl) {
  const Keys keys = Keys::made_of(GetParam(), 1);
  ASSERT_TRUE(set_ulp(server()));
  ASSERT_TRUE(switch_on(server(), TLS_RX, GetParam(), keys)) << std::strerror(errno);
  const Bytes plain = pattern(300);
  const Bytes record = sealed(GetParam(), keys, kFirstRecord, plain);
  ASSERT_EQ(send(client().fd(), record.data(), record.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(record.size()));
  EXPECT_EQ(read_exactly(server(), plain.size()), plain);
}

TEST_P(KernelTls, CarriesBothDirectionsAtOnce) {
  switch_both(Keys::made_of(GetParam(), 1), Keys::made_of(GetParam(), 50));
  for (const std::size_t size : {1UL, 200UL, 16'384UL, 16'385UL, 50'000UL}) {
    const Bytes plain = pattern(size);
    ASSERT_EQ(send(client().fd(), plain.data(), size, MSG_NOSIGNAL), static_cast<ssize_t>(size));
    EXPECT_EQ(read_exactly(server(), size), plain);
    ASSERT_EQ(send(server().fd(), plain.data(), size, MSG_NOSIGNAL), static_cast<ssize_t>(size));
    EXPECT_EQ(read_exactly(client(), size), plain);
  }
}

TEST_P(KernelTls, RefusesARecordOfAnotherKey) {
  const Keys keys = Keys::made_of(GetParam(), 1);
  ASSERT_TRUE(set_ulp(server()));
  ASSERT_TRUE(switch_on(server(), TLS_RX, GetParam(), keys)) << std::strerror(errno);
  const Bytes record = sealed(GetParam(), Keys::made_of(GetParam(), 2), kFirstRecord, pattern(300));
  ASSERT_EQ(send(client().fd(), record.data(), record.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(record.size()));
  std::array<std::uint8_t, 400> buffer{};
  EXPECT_EQ(recv(server().fd(), buffer.data(), buffer.size(), 0), -1);
  EXPECT_EQ(errno, EBADMSG);
}

TEST_P(KernelTls, KeepsControlRecordsApart) {
  switch_both(Keys::made_of(GetParam(), 1), Keys::made_of(GetParam(), 50));
  std::array<std::uint8_t, 2> alert = {1, 0};
  iovec part{.iov_base = alert.data(), .iov_len = alert.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint8_t))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = kSolTls;
  header->cmsg_type = TLS_SET_RECORD_TYPE;
  header->cmsg_len = CMSG_LEN(sizeof(std::uint8_t));
  *CMSG_DATA(header) = kAlert;
  ASSERT_EQ(sendmsg(client().fd(), &message, MSG_NOSIGNAL), 2) << std::strerror(errno);

  std::array<std::uint8_t, 16> buffer{};
  EXPECT_EQ(recv(server().fd(), buffer.data(), buffer.size(), 0), -1);
  EXPECT_EQ(errno, EIO);
  part = {.iov_base = buffer.data(), .iov_len = buffer.size()};
  control = {};
  message.msg_controllen = control.size();
  ASSERT_EQ(recvmsg(server().fd(), &message, 0), 2) << std::strerror(errno);
  header = CMSG_FIRSTHDR(&message);
  ASSERT_NE(header, nullptr);
  EXPECT_EQ(std::tuple(header->cmsg_level, header->cmsg_type),
            std::tuple(kSolTls, TLS_GET_RECORD_TYPE));
  EXPECT_EQ(*CMSG_DATA(header), kAlert);
  EXPECT_EQ(std::tuple(buffer[0], buffer[1]), std::tuple(1, 0));
}

TEST_P(KernelTls, CountsAConnectionAndForgetsItWhenItCloses) {
  auto before = counters();
  {
    const Keys keys = Keys::made_of(GetParam(), 1);
    const auto [sender, receiver] = connected_pair();
    ASSERT_TRUE(set_ulp(sender) && set_ulp(receiver));
    ASSERT_TRUE(switch_on(sender, TLS_TX, GetParam(), keys));
    ASSERT_TRUE(switch_on(receiver, TLS_RX, GetParam(), keys));
    auto during = counters();
    for (const char* name : {"TlsTxSw", "TlsRxSw", "TlsCurrTxSw", "TlsCurrRxSw"}) {
      EXPECT_EQ(during[name], before[name] + 1) << name;
    }
  }
  auto after = counters();
  EXPECT_EQ(after["TlsCurrTxSw"], before["TlsCurrTxSw"]);
  EXPECT_EQ(after["TlsCurrRxSw"], before["TlsCurrRxSw"]);
}

INSTANTIATE_TEST_SUITE_P(Ciphers, KernelTls, testing::ValuesIn(kCiphers), [](const auto& tested) {
  return std::string(tested.param.name);
});

TEST(Guest, HasTheRingThatTheServerSetsUp) {
  io_uring ring{};
  ASSERT_EQ(io_uring_queue_init(64, &ring,
                                IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
                                    IORING_SETUP_TASKRUN_FLAG),
            0);
  const auto [client, server] = connected_pair();
  std::array<char, 8> buffer{};
  io_uring_prep_recv(io_uring_get_sqe(&ring), server.fd(), buffer.data(), buffer.size(), 0);
  io_uring_prep_send(io_uring_get_sqe(&ring), client.fd(), "ring", 4, MSG_NOSIGNAL);
  ASSERT_EQ(io_uring_submit_and_wait(&ring, 2), 2);
  EXPECT_EQ(std::string(buffer.data()), "ring");
  io_uring_queue_exit(&ring);
}

TEST(Guest, AllowsManyOpenFiles) {
  rlimit files{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  EXPECT_GE(files.rlim_max, 4096U);
}

}  // namespace

int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  const auto [client, server] = connected_pair();
  if (!set_ulp(client)) {
    std::printf("SKIPPED  this kernel has no TLS: %s\n", std::strerror(errno));
    return kSkipped;
  }
  return RUN_ALL_TESTS();
}
