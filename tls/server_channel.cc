#include "tls/server_channel.h"

#include <cerrno>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "tls/channel_binding.h"
#include "tls/context.h"
#include "tls/kernel_support.h"
#include "tls/messages.h"
#include "tls/session_ticket.h"

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
    if (finish_handshake(wire_out) != Status::ok) {
      return settle(Status::failed, openssl_->failure());
    }
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

Status ServerChannel::finish_handshake(base::ByteBuffer& wire_out) {
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
  if (const auto& secret = facts.secrets.exporter; secret.size != 0) {
    bindings().set_exporter_secret(secret.bytes());
  } else if (const auto bytes = export_channel_binding(*ssl)) {
    bindings().set_exporter(*bytes);
  }
  if (is_resumed_) {
    void* hash = nullptr;
    std::size_t hash_size = 0;
    SSL_SESSION_get0_ticket_appdata(SSL_get_session(ssl), &hash, &hash_size);
    bindings().set_end_point({static_cast<const char*>(hash), hash_size});
  } else {
    bindings().set_end_point(facts.host->end_point(SSL_get_certificate(ssl)));
  }
  if (facts.client_certificate != nullptr) {
    bindings().client_certificate = std::move(facts.client_certificate);
  }
  state_ = State::established;
  return hand_over(wire_out);
}

Status ServerChannel::hand_over(base::ByteBuffer& wire_out) {
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
    send_tickets(*aead, wire_out);
    openssl_.reset();
    return Status::ok;
  }
  const HandshakeFacts& facts = openssl_->facts();
  const bool must_send_tickets = is_tls13_ && facts.takes_tickets && facts.tickets != 0;
  const Status status = must_send_tickets ? openssl_->send_tickets(wire_out) : Status::ok;
  openssl_->finish();
  return status;
}

void ServerChannel::send_tickets(Aead aead, base::ByteBuffer& wire_out) {
  const HandshakeFacts& facts = openssl_->facts();
  if (!facts.takes_tickets || facts.tickets == 0) {
    return;
  }
  SSL_SESSION* const session = SSL_get_session(&openssl_->ssl());
  if (!is_resumed_) {
    // tls-server-end-point is about the certificate that the client saw, also when it resumes.
    const std::string hash = server_end_point().value_or(std::string());
    if (SSL_SESSION_set1_ticket_appdata(session, hash.data(), hash.size()) != 1) {
      return;
    }
  }
  const Resumption resumption{hash_of(aead), facts.secrets.resumption.bytes()};
  const TicketKey key = contexts_->ticket_keys().current(base::monotonic_ms());
  for (std::size_t i = 0; i < facts.tickets; ++i) {
    base::ByteBuffer message;
    if (!append_session_ticket(*session, resumption, static_cast<std::uint8_t>(i), key, message)) {
      ERR_clear_error();
      return;  // The client does without.
    }
    compact_.send_message(message.bytes(), wire_out);
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
