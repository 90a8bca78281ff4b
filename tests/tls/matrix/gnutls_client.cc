#include <algorithm>
#include <fmt/format.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <unistd.h>

#include "tests/tls/matrix/matrix_client.h"

namespace rondel::tls {
namespace {

const char* priority_of(const Case& wanted) {
  if (wanted.cipher == nullptr) {
    return "NORMAL:-VERS-ALL:+VERS-TLS1.2";
  }
  const std::string_view cipher(wanted.cipher);
  if (cipher.find("AES_256") != std::string_view::npos) {
    return "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM";
  }
  return cipher.find("AES_128") != std::string_view::npos
             ? "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM"
             : "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305";
}

/// Blocking; a piece goes there and back before the next one.
class Client {
 public:
  Client(int fd, const Case& wanted) : fd_(fd), wanted_(wanted) {
    gnutls_init(&session_, GNUTLS_CLIENT);
    gnutls_certificate_allocate_credentials(&credentials_);
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_);
    gnutls_priority_set_direct(session_, priority_of(wanted), nullptr);
    gnutls_transport_set_int(session_, fd);
    gnutls_handshake_set_timeout(session_, 20'000);
    gnutls_record_set_timeout(session_, 20'000);
  }
  ~Client() {
    gnutls_deinit(session_);
    gnutls_certificate_free_credentials(credentials_);
    ::close(fd_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  ClientResult run() {
    if (const int result = gnutls_handshake(session_); result != GNUTLS_E_SUCCESS) {
      return failed("handshake", result);
    }
    const std::string piece(std::min(wanted_.record_bytes, wanted_.bytes), 'g');
    bool is_updated = false;
    while (result_.echoed < wanted_.bytes) {
      if (wanted_.update != Update::none && !is_updated && result_.echoed * 2 >= wanted_.bytes) {
        is_updated = true;
        gnutls_session_key_update(session_,
                                  wanted_.update == Update::requested ? GNUTLS_KU_PEER : 0);
      }
      const std::size_t size = std::min(piece.size(), wanted_.bytes - result_.echoed);
      if (const ssize_t sent = gnutls_record_send(session_, piece.data(), size); sent < 0) {
        return failed("send", static_cast<int>(sent));
      }
      if (!read_back(size)) {
        return result_;
      }
    }
    if (!wanted_.is_server_closing) {
      gnutls_bye(session_, GNUTLS_SHUT_WR);
    }
    char byte = 0;
    const ssize_t end = receive(&byte, 1);
    result_.is_end_orderly = end == 0;
    if (end != 0) {
      return failed("end", static_cast<int>(end));
    }
    if (wanted_.is_server_closing) {
      gnutls_bye(session_, GNUTLS_SHUT_WR);
    }
    return result_;
  }

 private:
  bool read_back(std::size_t size) {
    std::string block(size, '\0');
    for (std::size_t at = 0; at < size;) {
      const ssize_t count = receive(block.data(), size - at);
      if (count <= 0) {
        result_.is_end_orderly = count == 0;
        if (count < 0) {
          failed("receive", static_cast<int>(count));
        }
        return false;
      }
      at += static_cast<std::size_t>(count);
      result_.echoed += static_cast<std::size_t>(count);
    }
    return true;
  }
  ssize_t receive(void* into, std::size_t size) {
    ssize_t count = GNUTLS_E_AGAIN;
    do {
      count = gnutls_record_recv(session_, into, size);
    } while (count == GNUTLS_E_AGAIN || count == GNUTLS_E_INTERRUPTED);
    return count;
  }
  ClientResult failed(const char* where, int error) {
    result_.error = fmt::format("GnuTLS, {}: {}", where, gnutls_strerror(error));
    return result_;
  }

  const int fd_;
  const Case& wanted_;
  gnutls_session_t session_ = nullptr;
  gnutls_certificate_credentials_t credentials_ = nullptr;
  ClientResult result_;
};

}  // namespace

ClientResult run_gnutls_client(int fd, const Case& wanted) {
  Client client(fd, wanted);
  return client.run();
}

}  // namespace rondel::tls
