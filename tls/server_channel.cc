#include "tls/server_channel.h"

#include <openssl/ssl.h>

#include "base/check.h"
#include "tls/channel_binding.h"
#include "tls/context.h"

namespace rondel::tls {

ServerChannel::ServerChannel(std::shared_ptr<const TlsContexts> contexts)
    : contexts_(std::move(contexts)) {
}

base::Result<std::unique_ptr<Channel>> ServerChannel::make(
    std::shared_ptr<const TlsContexts> contexts, const AcceptOptions& options) {
  RONDEL_CHECK(contexts != nullptr && !options.alpn.empty() && options.alpn.size() < 256);
  std::unique_ptr<ServerChannel> made(new ServerChannel(std::move(contexts)));
  RONDEL_TRY(made->openssl_, OpensslRecords::make(*made->contexts_, options));
  return std::unique_ptr<Channel>(std::move(made));
}

Status ServerChannel::receive(std::span<const std::byte> wire,
                              base::ByteBuffer& plain,
                              base::ByteBuffer& wire_out) {
  if (state_ == State::failed) {
    return Status::failed;
  }
  if (state_ == State::closed) {
    return Status::closed;  // What follows a close_notify is not ours to read: RFC 8446 §6.1.
  }
  if (state_ == State::handshaking) {
    const Status status = openssl_->shake_hands(wire, wire_out);
    if (status != Status::ok || !openssl_->is_done()) {
      return settle(status);
    }
    finish_handshake();
  }
  return settle(openssl_->receive(wire, plain, wire_out));
}

Status ServerChannel::settle(Status status) {
  if (status == Status::closed) {
    state_ = State::closed;
  } else if (status == Status::failed) {
    return fail(openssl_->failure());
  }
  return status;
}

void ServerChannel::finish_handshake() {
  SSL* ssl = &openssl_->ssl();
  HandshakeFacts& facts = openssl_->facts();
  is_tls13_ = SSL_version(ssl) == TLS1_3_VERSION;
  cipher_ = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  set_sni(facts.sni, facts.host->name);
  is_resumed_ = SSL_session_reused(ssl) == 1;
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  if (size != 0) {
    alpn_ = facts.options.alpn;  // The only one that on_alpn() selects.
  }
  if (const auto bytes = export_channel_binding(*ssl)) {
    set_exporter(*bytes);
  }
  if (is_resumed_) {
    void* hash = nullptr;
    std::size_t hash_size = 0;
    SSL_SESSION_get0_ticket_appdata(SSL_get_session(ssl), &hash, &hash_size);
    set_end_point({static_cast<const char*>(hash), hash_size});
  } else if (const X509* certificate = SSL_get_certificate(ssl)) {
    set_end_point(end_point_hash(*certificate).value_or(std::string()));
  }
  state_ = State::established;
  openssl_->finish();
}

Status ServerChannel::send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) {
  const bool may_send = state_ == State::established || state_ == State::closed;
  if (!may_send || is_close_sent_) {
    return Status::failed;
  }
  return plain.empty() ? Status::ok : settle(openssl_->send(plain, wire_out));
}

void ServerChannel::close(base::ByteBuffer& wire_out) {
  const bool may_send = state_ == State::established || state_ == State::closed;
  if (may_send && !is_close_sent_) {
    is_close_sent_ = true;
    openssl_->close(wire_out);
  }
}

}  // namespace rondel::tls
