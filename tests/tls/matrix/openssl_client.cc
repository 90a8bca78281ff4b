#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "tests/tls/matrix/matrix_client.h"
#include "tls/openssl_handle.h"

namespace rondel::tls {
namespace {

constexpr int kPatienceMs = 20'000;

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 12345;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

/// OpenSSL on memory, so that the test decides what goes out together.
class Client {
 public:
  Client(int fd, const Case& wanted) : fd_(fd), wanted_(wanted), sent_text_(pattern(wanted.bytes)) {
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* context = context_.get();
    if (wanted.cipher != nullptr) {
      SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
      SSL_CTX_set_ciphersuites(context, wanted.cipher);
    } else {
      SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    }
    SSL_CTX_set_max_send_fragment(context,
                                  std::clamp<std::size_t>(wanted.record_bytes, 512, 16384));
    SSL_CTX_set_block_padding(context, wanted.padding);
    ssl_.reset(SSL_new(context));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  ClientResult run(const Gate& gate) {
    if (shake_hands()) {
      begin(gate);
      carry();
    }
    result_.echoed = got_.size();
    if (result_.error.empty() && sent_text_.compare(0, got_.size(), got_) != 0) {
      result_.error = "other bytes came back than were sent";
    }
    return result_;
  }

 private:
  bool fail(std::string text) {
    if (result_.error.empty()) {
      result_.error = std::move(text);
    }
    return false;
  }

  bool shake_hands() {
    while (true) {
      const int result = SSL_do_handshake(ssl_.get());
      collect();
      if (result == 1) {
        return true;  // Our Finished is still with us.
      }
      if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
        return fail("handshake: " + take_openssl_errors());
      }
      if (!flush(out_.size()) || !fill(true)) {
        return fail("the socket failed during the handshake");
      }
    }
  }

  /// The end of the handshake and the first data, cut as the case wants it.
  void begin(const Gate& gate) {
    if (wanted_.early == Early::none) {
      flush(out_.size());
      wait(gate.is_settled);
      return;
    }
    write_piece();
    std::size_t kept = 0;
    if (wanted_.early == Early::half && position_ < sent_text_.size()) {
      const std::size_t before = out_.size();
      write_piece();
      kept = (out_.size() - before) / 2;
    }
    flush(out_.size() - kept);
    if (kept != 0) {
      wait(gate.is_established);
      flush(out_.size());
    }
  }

  void wait(const std::atomic<bool>& gate) {
    for (int i = 0; i < kPatienceMs && !gate; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (!gate) {
      fail("the server has not come so far");
    }
  }

  void carry() {
    bool is_closing = false;
    while (result_.error.empty() && !is_over_) {
      if (out_.empty() && position_ < sent_text_.size() && !result_.is_end_orderly) {
        update_if_due();
        write_piece();
      }
      read_plain();
      const bool is_done = got_.size() == sent_text_.size() && position_ == sent_text_.size();
      const bool is_my_turn = is_done && !wanted_.is_server_closing;
      if ((is_my_turn || result_.is_end_orderly) && !is_closing) {
        is_closing = true;
        SSL_shutdown(ssl_.get());
        collect();
      }
      if (result_.is_end_orderly && (out_.empty() || !can_write_)) {
        return;
      }
      exchange();
    }
  }

  void update_if_due() {
    if (wanted_.update != Update::none && !is_updated_ && position_ * 2 >= sent_text_.size()) {
      is_updated_ = true;
      SSL_key_update(ssl_.get(), wanted_.update == Update::requested
                                     ? SSL_KEY_UPDATE_REQUESTED
                                     : SSL_KEY_UPDATE_NOT_REQUESTED);
    }
  }

  void write_piece() {
    // Half of it at most in one go, so that a KeyUpdate finds something to stand before.
    const std::size_t left = sent_text_.size() - position_;
    const std::size_t size = std::min(left, wanted_.record_bytes);
    if (size != 0 && SSL_write(ssl_.get(), sent_text_.data() + position_, static_cast<int>(size)) !=
                         static_cast<int>(size)) {
      fail("write: " + take_openssl_errors());
    }
    position_ += size;
    collect();
  }

  void read_plain() {
    char block[16384];
    while (true) {
      const int result = SSL_read(ssl_.get(), block, sizeof(block));
      if (result > 0) {
        got_.append(block, static_cast<std::size_t>(result));
        continue;
      }
      const int reason = SSL_get_error(ssl_.get(), result);
      if (reason == SSL_ERROR_ZERO_RETURN) {
        result_.is_end_orderly = true;
      } else if (reason != SSL_ERROR_WANT_READ) {
        fail("read: " + take_openssl_errors());
      }
      collect();
      return;
    }
  }

  void exchange() {
    pollfd entry{fd_, static_cast<short>(POLLIN | (out_.empty() || !can_write_ ? 0 : POLLOUT)), 0};
    if (::poll(&entry, 1, kPatienceMs) <= 0) {
      fail(fmt::format("nothing happened for a long time: {} of {} bytes written, {} back",
                       position_, sent_text_.size(), got_.size()));
      return;
    }
    if ((entry.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !fill(false)) {
      read_plain();
      is_over_ = true;
      if (!result_.is_end_orderly) {
        fail(fmt::format("the server ended without close_notify; {} of {} bytes had come back",
                         got_.size(), sent_text_.size()));
      }
    }
    if (!out_.empty() && can_write_) {
      const ssize_t count = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
      if (count > 0) {
        out_.erase(0, static_cast<std::size_t>(count));
      } else if (errno != EAGAIN) {
        can_write_ = false;  // What the server has said may still be read.
      }
    }
  }

  void collect() {
    BIO* bio = SSL_get_wbio(ssl_.get());
    const std::size_t size = BIO_ctrl_pending(bio);
    const std::size_t at = out_.size();
    out_.resize(at + size);
    if (size != 0) {
      BIO_read(bio, out_.data() + at, static_cast<int>(size));
    }
  }

  /// Writes the first `size` bytes in one go, if the socket has room.
  bool flush(std::size_t size) {
    while (size != 0) {
      const ssize_t count = ::send(fd_, out_.data(), size, MSG_NOSIGNAL);
      if (count < 0) {
        pollfd entry{fd_, POLLOUT, 0};
        if (errno != EAGAIN || ::poll(&entry, 1, kPatienceMs) <= 0) {
          return false;
        }
        continue;
      }
      out_.erase(0, static_cast<std::size_t>(count));
      size -= static_cast<std::size_t>(count);
    }
    return true;
  }

  bool fill(bool is_waiting) {
    pollfd entry{fd_, POLLIN, 0};
    if (is_waiting && ::poll(&entry, 1, kPatienceMs) <= 0) {
      return false;
    }
    char block[65536];
    const ssize_t count = ::recv(fd_, block, sizeof(block), 0);
    if (count <= 0) {
      return count < 0 && errno == EAGAIN;
    }
    BIO_write(SSL_get_rbio(ssl_.get()), block, static_cast<int>(count));
    return true;
  }

  const int fd_;
  const Case& wanted_;
  const std::string sent_text_;
  OpensslPtr<ssl_ctx_st> context_;
  OpensslPtr<ssl_st> ssl_;
  std::string out_;
  std::string got_;
  std::size_t position_ = 0;
  bool is_updated_ = false;
  bool can_write_ = true;
  bool is_over_ = false;
  ClientResult result_;
};

}  // namespace

std::string Case::name() const {
  constexpr const char* kEarly[] = {"none", "whole", "half"};
  constexpr const char* kUpdate[] = {"none", "silent", "requested"};
  return fmt::format("{} tickets={} early={} closer={} update={} bytes={} record={} padding={}",
                     cipher ? cipher : "TLSv1.2", tickets, kEarly[static_cast<int>(early)],
                     is_server_closing ? "server" : "client", kUpdate[static_cast<int>(update)],
                     bytes, record_bytes, padding);
}

ClientResult run_openssl_client(int fd, const Case& wanted, const Gate& gate) {
  Client client(fd, wanted);
  return client.run(gate);
}

}  // namespace rondel::tls
