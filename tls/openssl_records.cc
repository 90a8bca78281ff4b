#include "tls/openssl_records.h"

#include <algorithm>
#include <climits>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/context.h"
#include "tls/handshake_provider.h"
#include "tls/messages.h"

namespace rondel::tls {
namespace {

/// Plain bytes a read makes room for at least; more as soon as OpenSSL says that there are more.
constexpr std::size_t kReadRoomMin = 256;

/// The channel sees a span and a buffer of its caller for the time of one call.
class WireLoan {
 public:
  WireLoan(Wire& wire, std::span<const std::byte> in, base::ByteBuffer& out) : wire_(wire) {
    wire_.in = in;
    wire_.out = &out;
    ERR_clear_error();  // An error of somebody else's would look like ours.
  }
  WireLoan(const WireLoan&) = delete;
  WireLoan& operator=(const WireLoan&) = delete;
  ~WireLoan() {
    wire_.in = {};
    wire_.out = nullptr;
  }

 private:
  Wire& wire_;
};

}  // namespace

struct OpensslCallbacks {
  /// Remembers fatal alerts, ours and the peer's; ends the channel where OpenSSL refuses to
  /// renegotiate and would go on (RFC 6120 §5.3.5).
  static void on_info(const SSL* ssl, int where, int value) {
    if ((where & SSL_CB_ALERT) == 0) {
      return;
    }
    auto& records = *static_cast<OpensslRecords*>(SSL_get_ex_data(ssl, index()));
    if ((value >> 8) != SSL3_AL_FATAL) {
      if ((where & SSL_CB_WRITE) != 0 && (value & 0xff) == SSL_AD_NO_RENEGOTIATION) {
        records.has_refused_renegotiation_ = true;
        records.wire_.is_refusing = true;
      }
      return;
    }
    if (records.failure_.alert < 0) {
      records.failure_.alert = value & 0xff;
      records.failure_.is_from_peer = (where & SSL_CB_READ) != 0;
    }
  }

  static void on_record(
      int is_write, int, int type, const void* bytes, std::size_t size, SSL*, void* self) {
    auto& records = *static_cast<OpensslRecords*>(self);
    if (size == 0) {
      return;
    }
    if (!records.is_done_) {
      count_for_hand_over(records.facts_->secrets, is_write != 0, type);
    } else if (is_write == 0) {
      count_control(records, type, *static_cast<const unsigned char*>(bytes));
    }
  }

  /// Each record under an application key moves its number on, whatever it holds.
  static void count_for_hand_over(HandshakeSecrets& secrets, bool is_write, int type) {
    if (type == SSL3_RT_HEADER) {
      secrets.records_sent += is_write && secrets.server.size != 0 ? 1 : 0;
      secrets.records_received += !is_write && secrets.client.size != 0 ? 1 : 0;
    }
  }

  /// Counts records after the handshake that carry no data; each costs us work for nothing.
  static void count_control(OpensslRecords& records, int type, unsigned char content_type) {
    // TLS 1.3 shows the true type of a record only once it is open.
    const int kind = records.is_tls13_ ? SSL3_RT_INNER_CONTENT_TYPE : SSL3_RT_HEADER;
    if (type == kind && content_type != SSL3_RT_APPLICATION_DATA &&
        is_control_flood(++records.control_records_, records.plain_bytes_)) {
      records.wire_.is_refusing = true;
    }
  }

  static int index() {
    static const int made = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return made;
  }
};

base::Result<std::unique_ptr<OpensslRecords>> OpensslRecords::make(const TlsContexts& contexts,
                                                                   const AcceptOptions& options) {
  std::unique_ptr<OpensslRecords> made(new OpensslRecords());
  made->facts_ = std::make_unique<HandshakeFacts>();
  made->facts_->options = options;
  made->ssl_.reset(SSL_new(contexts.native().hosts.front().context.get()));
  OpensslPtr<bio_st> bio = make_wire_bio(made->wire_);
  if (made->ssl_ == nullptr || bio == nullptr) {
    return base::Unexpected(
        base::Error("OpenSSL cannot start a connection: " + take_openssl_errors()));
  }
  SSL* ssl = made->ssl_.get();
  BIO* end = bio.release();
  SSL_set_bio(ssl, end, end);
  SSL_set_app_data(ssl, made->facts_.get());
  SSL_set_ex_data(ssl, OpensslCallbacks::index(), made.get());
  SSL_set_info_callback(ssl, &OpensslCallbacks::on_info);
  SSL_set_msg_callback(ssl, &OpensslCallbacks::on_record);
  SSL_set_msg_callback_arg(ssl, made.get());
  if (options.records != Records::retained && handshake_property_query() != nullptr) {
    made->facts_->tickets = SSL_get_num_tickets(ssl);
    SSL_set_num_tickets(ssl, 0);
  }
  if (options.client_trust != nullptr) {
    made->wire_.handshake_bytes_max += kClientCertificateBytesMax;
    SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
    // What the macro does.
    SSL_ctrl(ssl, SSL_CTRL_SET_MAX_CERT_LIST, kClientCertificateBytesMax, nullptr);
  }
  SSL_set_accept_state(ssl);
  return made;
}

Status OpensslRecords::shake_hands(std::span<const std::byte>& wire, base::ByteBuffer& wire_out) {
  const WireLoan loan(wire_, wire, wire_out);
  const bool are_secrets_wanted = facts_->options.records != Records::retained;
  const ListeningToSecrets listening(are_secrets_wanted ? &facts_->secrets : nullptr);
  const int result = SSL_do_handshake(ssl_.get());
  wire = wire_.in;
  if (result != 1) {
    return judge(result);
  }
  is_tls13_ = SSL_version(ssl_.get()) == TLS1_3_VERSION;
  is_done_ = true;
  SSL_set_app_data(ssl_.get(), nullptr);
  wire_.is_counting = false;
  return Status::ok;
}

Status OpensslRecords::send_tickets(base::ByteBuffer& wire_out) {
  const WireLoan loan(wire_, {}, wire_out);
  SSL_set_app_data(ssl_.get(), facts_.get());  // OpenSSL asks for key and contents by callbacks.
  for (std::size_t i = 0; i < facts_->tickets; ++i) {
    SSL_new_session_ticket(ssl_.get());
  }
  const int result = SSL_do_handshake(ssl_.get());
  SSL_set_app_data(ssl_.get(), nullptr);
  return result == 1 ? Status::ok : judge(result);
}

Status OpensslRecords::receive(std::span<const std::byte> wire,
                               base::ByteBuffer& plain,
                               base::ByteBuffer& wire_out) {
  const WireLoan loan(wire_, wire, wire_out);
  return read_records(plain);
}

Status OpensslRecords::read_records(base::ByteBuffer& plain) {
  SSL* ssl = ssl_.get();
  while (true) {
    const auto pending = static_cast<std::size_t>(SSL_pending(ssl));
    if (wire_.in.empty() && pending == 0) {
      return Status::ok;
    }
    // No more plain bytes can come than wire bytes are left, but for a record begun earlier.
    const auto room = plain.prepare(std::max({wire_.in.size(), pending, kReadRoomMin}));
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl, room.data(), room.size(), &count);
    if (result == 1) {
      plain.commit(count);
      plain_bytes_ += count;
      continue;
    }
    return judge(result);
  }
}

Status OpensslRecords::judge(int result) {
  SSL* ssl = ssl_.get();
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
      if (!wire_.is_refusing) {
        return Status::ok;
      }
      // The peer learns nothing but the end: OpenSSL sends no alert of our choice.
      if (is_done_ && !is_close_sent_) {
        is_close_sent_ = true;
        SSL_shutdown(ssl);
      }
      return fail(refusal());
    case SSL_ERROR_ZERO_RETURN:
      return Status::closed;
    default: {
      std::string reason = take_openssl_errors();
      if (failure_.is_from_peer) {
        reason = fmt::format("the peer sent alert {} ({})", failure_.alert,
                             SSL_alert_desc_string_long(failure_.alert));
      }
      return fail(reason.empty() ? "OpenSSL failed without a reason" : std::move(reason));
    }
  }
}

std::string OpensslRecords::refusal() const {
  if (has_refused_renegotiation_) {
    return "the peer wants to renegotiate";
  }
  return !is_done_
             ? fmt::format("more than {} bytes before the end of the handshake", kHandshakeBytesMax)
             : fmt::format("too many records without data: {}", control_records_);
}

Status OpensslRecords::fail(std::string text) {
  failure_.text = std::move(text);
  ERR_clear_error();
  return Status::failed;
}

Status OpensslRecords::send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) {
  if (is_close_sent_) {
    return Status::failed;
  }
  // Input stays out of it: a write never reads, and has no span to read from.
  const WireLoan loan(wire_, {}, wire_out);
  constexpr std::size_t kRecordOverheadMax = 64;
  const std::size_t records = plain.size() / SSL3_RT_MAX_PLAIN_LENGTH + 1;
  static_cast<void>(wire_out.prepare(plain.size() + records * kRecordOverheadMax));
  std::size_t count = 0;
  const int result = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &count);
  if (result != 1 || count != plain.size()) {
    const Status status = judge(result);
    return status == Status::failed ? status : fail("OpenSSL did not take all bytes to send");
  }
  return Status::ok;
}

void OpensslRecords::close(base::ByteBuffer& wire_out) {
  if (is_close_sent_) {
    return;
  }
  const WireLoan loan(wire_, {}, wire_out);
  is_close_sent_ = true;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace rondel::tls
