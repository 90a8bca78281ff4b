#include <array>
#include <chrono>
#include <openssl/ssl.h>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "base/byte_buffer.h"
#include "base/encoding.h"
#include "tests/tls/matrix/matrix_client.h"
#include "tls/openssl_handle.h"
#include "tls/record_cipher.h"

namespace rondel::tls {
namespace {

/// Shakes hands by OpenSSL, then seals with its own hands what OpenSSL would never send.
class Client {
 public:
  explicit Client(int fd) : fd_(fd) {
    const timeval patience{20, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context_.get(), "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_app_data(context_.get(), this);
    SSL_CTX_set_keylog_callback(context_.get(), &on_key_line);
    SSL_CTX_set_info_callback(context_.get(), &on_info);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd);
  }
  ~Client() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool shake_hands() {
    return SSL_connect(ssl_.get()) == 1 && secret_.size() == secret_bytes(Aead::aes_128_gcm) &&
           (keys_.start(Aead::aes_128_gcm, base::as_bytes(secret_), 0), true);
  }
  [[nodiscard]] std::string sealed(ContentType type, std::string_view text) {
    std::string wire(text.size() + kRecordOverhead, '\0');
    RecordRun run(RecordRun::Direction::sealing, Aead::aes_128_gcm, keys_);
    run.seal(type, base::as_bytes(text), reinterpret_cast<std::byte*>(wire.data()));
    return wire;
  }
  void write(std::string_view wire) const {
    while (!wire.empty()) {
      const ssize_t count = ::send(fd_, wire.data(), wire.size(), MSG_NOSIGNAL);
      if (count <= 0) {
        return;  // The server has hung up; what it said is read below.
      }
      wire.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  /// Until the server has nothing more to say.
  EvilResult listen(std::size_t echo_bytes) {
    EvilResult result;
    char block[4096];
    std::size_t echoed = 0;
    int count = 0;
    while ((echo_bytes == 0 || echoed < echo_bytes) &&
           (count = SSL_read(ssl_.get(), block, sizeof(block))) > 0) {
      echoed += static_cast<std::size_t>(count);
    }
    result.alert = alert_;
    result.is_end_orderly = count <= 0 && SSL_get_error(ssl_.get(), count) == SSL_ERROR_ZERO_RETURN;
    if (echoed < echo_bytes) {
      result.error = "the server gave less back than it got";
    }
    return result;
  }
  void shut() const { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger none{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    ::close(fd_);
    fd_ = -1;
  }

 private:
  static void on_key_line(const SSL* ssl, const char* text) {
    const std::string_view line(text);
    if (line.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) {
      auto& self = *static_cast<Client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      self.secret_ = base::hex_decode(line.substr(line.rfind(' ') + 1)).value_or("");
    }
  }
  static void on_info(const SSL* ssl, int where, int value) {
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value >> 8) == SSL3_AL_FATAL) {
      static_cast<Client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->alert_ = value & 0xff;
    }
  }

  int fd_;
  OpensslPtr<ssl_ctx_st> context_;
  OpensslPtr<ssl_st> ssl_;
  std::string secret_;
  TrafficKeys keys_;
  int alert_ = -1;
};

using namespace std::string_literals;
using namespace std::string_view_literals;

constexpr std::string_view kUserCanceled = "\x01\x5a"sv;
constexpr std::string_view kCloseNotify = "\x01\x00"sv;

EvilResult empty_records(Client& client) {
  std::string wire;
  for (int i = 0; i < 20; ++i) {
    wire += client.sealed(ContentType::application_data, "");
  }
  client.write(wire);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // Alone in the socket.
  wire.clear();
  for (int i = 0; i < 500; ++i) {
    wire += client.sealed(ContentType::application_data, "x");
  }
  client.write(wire);
  EvilResult result = client.listen(500);
  client.write(client.sealed(ContentType::alert, kCloseNotify));
  result.is_end_orderly = client.listen(0).is_end_orderly;
  return result;
}

}  // namespace

const char* evil_name(Evil evil) {
  constexpr const char* kNames[] = {"a changed bit", "garbage",       "a long record",
                                    "a ClientHello", "empty records", "a flood of alerts",
                                    "FIN",           "RST",           "user_canceled"};
  return kNames[static_cast<int>(evil)];
}

EvilResult run_evil_client(int fd, Evil evil, const Gate& gate) {
  Client client(fd);
  if (!client.shake_hands()) {
    return {-1, false, "the handshake failed"};
  }
  for (int i = 0; i < 20'000 && !gate.is_settled; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::string wire;
  switch (evil) {
    case Evil::changed_bit:
      wire = client.sealed(ContentType::application_data, "evil");
      wire[7] = static_cast<char>(wire[7] ^ 1);
      break;
    case Evil::garbage:
      wire = "GET / HTTP/1.1\r\nHost: one.example\r\n\r\n";
      break;
    case Evil::long_record:
      wire = "\x17\x03\x03\xff\xff"s + std::string(70'000, 'x');
      break;
    case Evil::handshake_message:
      wire = client.sealed(ContentType::handshake, "\x01\x00\x00\x01\x00"sv);
      break;
    case Evil::empty_records:
      return empty_records(client);
    case Evil::control_flood:
      for (int i = 0; i < 200; ++i) {
        wire += client.sealed(ContentType::alert, kUserCanceled);
      }
      break;
    case Evil::fin:
      client.shut();
      return client.listen(0);
    case Evil::reset:
      client.reset();
      return {};
    case Evil::user_canceled:
      wire = client.sealed(ContentType::alert, kUserCanceled);
      wire += client.sealed(ContentType::alert, kCloseNotify);
      break;
  }
  client.write(wire);
  return client.listen(0);
}

}  // namespace rondel::tls
