#include "tls/server_channel.h"

#include <cerrno>
#include <openssl/ssl.h>
#include <utility>

#include "base/check.h"
#include "tls/channel_binding.h"
#include "tls/context.h"
#include "tls/kernel_support.h"
#include "tls/messages.h"

namespace rondel::tls {

ServerChannel::ServerChannel(std::shared_ptr<const TlsContexts> contexts)
    : contexts_(std::move(contexts)) {
}

base::Result<std::unique_ptr<Channel>> ServerChannel::make(
    std::shared_ptr<const TlsContexts> contexts, const AcceptOptions& options) {
  RONDEL_CHECK(contexts != nullptr && !options.alpn.empty() && options.alpn.size() < 256);
  std::unique_ptr<ServerChannel> made(new ServerChannel(std::move(contexts)));
  made->wanted_ = options.records;
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
      return settle(status, openssl_->failure());
    }
    finish_handshake();
  }
  switch (engine_) {
    case Engine::retained:
      break;
    case Engine::compact: {
      Failure failure;
      const Status status = compact_.receive(wire, plain, wire_out, failure);
      return settle(status, failure);
    }
    case Engine::kernel:
      plain.append(wire);
      return Status::ok;
  }
  return settle(openssl_->receive(wire, plain, wire_out), openssl_->failure());
}

Status ServerChannel::settle(Status status, const Failure& failure) {
  if (status == Status::closed) {
    state_ = State::closed;
  } else if (status != Status::ok) {
    static_cast<void>(fail(failure));
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
  } else {
    set_end_point(facts.host->end_point(SSL_get_certificate(ssl)));
  }
  if (facts.client_certificate != nullptr) {
    set_client_certificate(std::move(facts.client_certificate));
  }
  state_ = State::established;
  hand_over();
}

void ServerChannel::hand_over() {
  const HandshakeSecrets& secrets = openssl_->facts().secrets;
  const std::optional<Aead> aead = aead_of(cipher_);
  // OpenSSL reads no further than it must, so what follows stands in the caller's span. Should it
  // hold something all the same, it keeps the connection.
  const bool can_go = wanted_ != Records::retained && is_tls13_ && aead && secrets.is_complete() &&
                      SSL_has_pending(&openssl_->ssl()) == 0;
  if (can_go) {
    compact_.start(*aead, secrets.client.bytes(), secrets.records_received, secrets.server.bytes(),
                   secrets.records_sent);
    engine_ = Engine::compact;
    openssl_.reset();
  } else {
    openssl_->finish();
  }
}

Status ServerChannel::send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) {
  if (!may_send()) {
    return Status::failed;
  }
  if (plain.empty()) {
    return Status::ok;
  }
  switch (engine_) {
    case Engine::retained:
      break;
    case Engine::compact:
      compact_.send(plain, wire_out);
      return Status::ok;
    case Engine::kernel:
      wire_out.append(plain);
      return Status::ok;
  }
  return settle(openssl_->send(plain, wire_out), openssl_->failure());
}

void ServerChannel::close(base::ByteBuffer& wire_out) {
  if (!may_send() || is_transparent()) {
    return;
  }
  is_close_sent_ = true;
  if (engine_ == Engine::compact) {
    compact_.close(wire_out);
  } else {
    openssl_->close(wire_out);
  }
}

bool ServerChannel::is_settled() const {
  if (state_ == State::handshaking) {
    return false;
  }
  if (engine_ != Engine::compact || state_ != State::established || is_close_sent_ ||
      is_kernel_out_ || wanted_ == Records::compact) {
    return true;
  }
  const KernelSupport& support = kernel_support();
  switch (compact_.aead()) {
    case Aead::aes_128_gcm:
      return !support.has_aes_128_gcm;
    case Aead::aes_256_gcm:
      return !support.has_aes_256_gcm;
    case Aead::chacha20_poly1305:
      return !support.has_chacha20_poly1305;
  }
  return true;
}

bool ServerChannel::may_enter_kernel() const {
  return state_ == State::established && !is_settled() && compact_.is_at_boundary();
}

KernelRecords ServerChannel::kernel(int fd) {
  return {
      fd,
      {compact_.aead(), compact_.receive_keys(), compact_.send_keys(), kernel_support().can_rekey},
      KernelCalls::real()};
}

EnterResult ServerChannel::try_enter_kernel(int fd) {
  if (!may_enter_kernel()) {
    return EnterResult::refused;
  }
  Failure failure;
  const EnterResult result = kernel(fd).enter(failure);
  switch (result) {
    case EnterResult::entered:
      engine_ = Engine::kernel;
      break;
    case EnterResult::refused:
      is_kernel_out_ = true;
      break;
    case EnterResult::failed:
      is_close_sent_ = true;
      static_cast<void>(fail(std::move(failure)));
      break;
  }
  return result;
}

Status ServerChannel::handle_receive_error(int fd, int error, base::ByteBuffer& plain) {
  if (state_ == State::failed || state_ == State::closed) {
    return state_ == State::failed ? Status::failed : Status::closed;
  }
  RONDEL_CHECK(is_transparent());
  KernelRecords records = kernel(fd);
  KernelRecords::Outcome outcome =
      error == EIO || error == EKEYEXPIRED ? records.take_record(plain) : records.take_error(error);
  if (outcome.was_control && outcome.status == Status::ok &&
      is_control_flood(++control_records_, records.bytes_received())) {
    static_cast<void>(records.say(alert::kUnexpectedMessage));
    outcome = {.status = Status::failed,
               .failure = control_flood(control_records_),
               .is_close_said = true};
  }
  return settle(std::move(outcome));
}

Status ServerChannel::settle(KernelRecords::Outcome outcome) {
  is_close_sent_ = is_close_sent_ || outcome.is_close_said;
  must_answer_update_ = must_answer_update_ || outcome.must_answer;
  return settle(outcome.status, outcome.failure);
}

bool ServerChannel::send_close_notify(int fd) {
  if (!is_transparent() || !may_send()) {
    return false;
  }
  is_close_sent_ = true;
  return kernel(fd).say(alert::kCloseNotify);
}

Status ServerChannel::refresh_kernel_keys(int fd) {
  if (!is_transparent() || !may_send()) {
    return Status::ok;
  }
  const bool must_answer = std::exchange(must_answer_update_, false);
  return settle(kernel(fd).refresh(must_answer));
}

}  // namespace rondel::tls
