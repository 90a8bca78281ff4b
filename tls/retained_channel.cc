#include "tls/retained_channel.h"

#include <algorithm>
#include <climits>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/channel_binding.h"

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

struct RetainedCallbacks {
  /// Remembers fatal alerts, ours and the peer's.
  static void on_info(const SSL* ssl, int where, int value) {
    if ((where & SSL_CB_ALERT) == 0 || (value >> 8) != SSL3_AL_FATAL) {
      return;
    }
    auto& channel = *static_cast<RetainedChannel*>(SSL_get_ex_data(ssl, index()));
    if (channel.failure_.alert < 0) {
      channel.failure_.alert = value & 0xff;
      channel.failure_.is_from_peer = (where & SSL_CB_READ) != 0;
    }
  }

  /// Counts records after the handshake that carry no data; each costs us work for nothing.
  static void on_record(
      int is_write, int, int type, const void* bytes, std::size_t size, SSL*, void* self) {
    auto& channel = *static_cast<RetainedChannel*>(self);
    if (is_write != 0 || size == 0 || channel.facts_ != nullptr) {
      return;
    }
    // TLS 1.3 shows the true type of a record only once it is open.
    const int kind = channel.is_tls13_ ? SSL3_RT_INNER_CONTENT_TYPE : SSL3_RT_HEADER;
    if (type != kind || *static_cast<const unsigned char*>(bytes) == SSL3_RT_APPLICATION_DATA) {
      return;
    }
    const std::uint64_t budget = kControlRecordsMax + channel.plain_bytes_ / kBytesPerControlRecord;
    if (++channel.control_records_ > budget) {
      channel.wire_.is_refusing = true;
    }
  }

  static int index() {
    static const int made = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return made;
  }
};

RetainedChannel::RetainedChannel(std::shared_ptr<const TlsContexts> contexts,
                                 const AcceptOptions& options)
    : contexts_(std::move(contexts)), facts_(std::make_unique<HandshakeFacts>()) {
  facts_->options = options;
}

base::Result<std::unique_ptr<Channel>> RetainedChannel::make(
    std::shared_ptr<const TlsContexts> contexts, const AcceptOptions& options) {
  RONDEL_CHECK(contexts != nullptr && !options.alpn.empty() && options.alpn.size() < 256);
  std::unique_ptr<RetainedChannel> made(new RetainedChannel(std::move(contexts), options));
  made->ssl_.reset(SSL_new(made->contexts_->native().hosts.front().context.get()));
  OpensslPtr<bio_st> bio = make_wire_bio(made->wire_);
  if (made->ssl_ == nullptr || bio == nullptr) {
    return base::Unexpected(
        base::Error("OpenSSL cannot start a connection: " + take_openssl_errors()));
  }
  SSL* ssl = made->ssl_.get();
  BIO* end = bio.release();
  SSL_set_bio(ssl, end, end);
  SSL_set_app_data(ssl, made->facts_.get());
  SSL_set_ex_data(ssl, RetainedCallbacks::index(), made.get());
  SSL_set_info_callback(ssl, &RetainedCallbacks::on_info);
  SSL_set_msg_callback(ssl, &RetainedCallbacks::on_record);
  SSL_set_msg_callback_arg(ssl, made.get());
  SSL_set_accept_state(ssl);
  return std::unique_ptr<Channel>(std::move(made));
}

Status RetainedChannel::receive(std::span<const std::byte> wire,
                                base::ByteBuffer& plain,
                                base::ByteBuffer& wire_out) {
  if (state_ == State::failed) {
    return Status::failed;
  }
  if (state_ == State::closed) {
    return Status::closed;  // What follows a close_notify is not ours to read: RFC 8446 §6.1.
  }
  const WireLoan loan(wire_, wire, wire_out);
  if (state_ == State::handshaking) {
    if (const Status status = shake_hands(); status != Status::ok || facts_ != nullptr) {
      return status;
    }
  }
  return read_records(plain);
}

Status RetainedChannel::shake_hands() {
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    finish_handshake();
    return Status::ok;
  }
  return judge(result);
}

void RetainedChannel::finish_handshake() {
  SSL* ssl = ssl_.get();
  is_tls13_ = SSL_version(ssl) == TLS1_3_VERSION;
  info_.version = SSL_get_version(ssl);
  info_.cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  info_.sni = std::move(facts_->sni);
  info_.host = facts_->host->name;
  info_.is_resumed = SSL_session_reused(ssl) == 1;
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  if (size != 0) {
    info_.alpn = facts_->options.alpn;  // The only one that on_alpn() selects.
  }
  exporter_ = export_channel_binding(*ssl);
  if (info_.is_resumed) {
    void* hash = nullptr;
    std::size_t hash_size = 0;
    SSL_SESSION_get0_ticket_appdata(SSL_get_session(ssl), &hash, &hash_size);
    if (hash_size != 0) {
      end_point_.emplace(static_cast<const char*>(hash), hash_size);
    }
  } else if (const X509* certificate = SSL_get_certificate(ssl)) {
    end_point_ = end_point_hash(*certificate);
  }
  SSL_set_app_data(ssl, nullptr);
  facts_.reset();
  wire_.is_counting = false;
  state_ = State::established;
}

Status RetainedChannel::read_records(base::ByteBuffer& plain) {
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

Status RetainedChannel::judge(int result) {
  SSL* ssl = ssl_.get();
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
      if (!wire_.is_refusing) {
        return Status::ok;
      }
      // The peer learns nothing but the end: OpenSSL sends no alert of our choice.
      if (facts_ == nullptr && !is_close_sent_) {
        is_close_sent_ = true;
        SSL_shutdown(ssl);
      }
      return fail(refusal());
    case SSL_ERROR_ZERO_RETURN:
      state_ = State::closed;
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

std::string RetainedChannel::refusal() const {
  return facts_ != nullptr
             ? fmt::format("more than {} bytes before the end of the handshake", kHandshakeBytesMax)
             : fmt::format("too many records without data: {}", control_records_);
}

Status RetainedChannel::fail(std::string text) {
  state_ = State::failed;
  failure_.text = std::move(text);
  ERR_clear_error();
  return Status::failed;
}

Status RetainedChannel::receive_end() {
  switch (state_) {
    case State::closed:
      return Status::closed;
    case State::failed:
      return Status::failed;
    case State::handshaking:
      failure_.text = "the transport ended during the handshake";
      break;
    case State::established:
      failure_.text = "the transport ended without close_notify";
      break;
  }
  state_ = State::failed;
  return Status::truncated;
}

Status RetainedChannel::send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) {
  const bool may_send = state_ == State::established || state_ == State::closed;
  if (!may_send || is_close_sent_) {
    return Status::failed;
  }
  if (plain.empty()) {
    return Status::ok;
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

void RetainedChannel::close(base::ByteBuffer& wire_out) {
  const bool may_send = state_ == State::established || state_ == State::closed;
  if (!may_send || is_close_sent_) {
    return;
  }
  const WireLoan loan(wire_, {}, wire_out);
  is_close_sent_ = true;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace rondel::tls
