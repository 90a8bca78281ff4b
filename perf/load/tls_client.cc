#include "perf/load/tls_client.h"

#include <array>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string_view>
#include <utility>

#include "base/byte_buffer.h"
#include "base/encoding.h"
#include "tls/derivation_algorithm.h"
#include "tls/handshake_provider.h"
#include "tls/openssl_handle.h"
#include "tls/wire_bio.h"

namespace rondel::load {
namespace {

struct Secrets final : tls::SecretListener {
  std::string client;
  std::string server;

  void derived(std::string_view label, std::span<const std::byte> secret) override {
    if (label == "c ap traffic") {
      client = base::as_text(secret);
    } else if (label == "s ap traffic") {
      server = base::as_text(secret);
    }
  }
};

int secrets_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// Where OpenSSL derives by itself. NSS key log lines: label, client random, secret.
/// Source: RFC 9850 §2.
void on_key_line(const SSL* ssl, const char* line) {
  auto* secrets = static_cast<Secrets*>(SSL_get_ex_data(ssl, secrets_index()));
  const std::string_view text(line);
  const std::size_t space = text.rfind(' ');
  if (secrets == nullptr || space == std::string_view::npos) {
    return;
  }
  std::string* wanted = text.starts_with("CLIENT_TRAFFIC_SECRET_0 ")   ? &secrets->client
                        : text.starts_with("SERVER_TRAFFIC_SECRET_0 ") ? &secrets->server
                                                                       : nullptr;
  if (wanted != nullptr) {
    *wanted = base::hex_decode(text.substr(space + 1)).value_or("");
  }
}

int accept_certificate(X509_STORE_CTX*, void*) {
  return 1;
}

}  // namespace

base::Result<std::unique_ptr<TlsContext>> TlsContext::create(const std::string& version,
                                                             const std::string& domain,
                                                             bool is_direct) {
  // The server's way to keys and key pairs: a generator that waits for itself measures itself.
  const char* const query = tls::handshake_property_query();
  SSL_CTX* native = SSL_CTX_new_ex(nullptr, query, TLS_client_method());
  if (native == nullptr) {
    return base::Unexpected(base::Error(tls::take_openssl_errors()));
  }
  const int number = version == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
  SSL_CTX_set_min_proto_version(native, number);
  SSL_CTX_set_max_proto_version(native, number);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  // Without a look at the certificate's chain, which SSL_VERIFY_NONE alone would still build.
  SSL_CTX_set_cert_verify_callback(native, &accept_certificate, nullptr);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  if (query == nullptr) {
    SSL_CTX_set_keylog_callback(native, &on_key_line);
  }
  if (is_direct) {  // XEP-0368
    static constexpr unsigned char kAlpn[] = "\x0bxmpp-client";
    SSL_CTX_set_alpn_protos(native, kAlpn, sizeof(kAlpn) - 1);
  }
  return std::unique_ptr<TlsContext>(new TlsContext(native, domain));
}

TlsContext::~TlsContext() {
  SSL_CTX_free(native_);
}

struct TlsClient::Handshake {
  explicit Handshake(SSL_CTX* context) : ssl(SSL_new(context)), bio(tls::make_wire_bio(wire)) {
    wire.is_counting = false;  // The limit of a server.
  }

  tls::Wire wire;
  base::ByteBuffer kept;  ///< The beginning of a record.
  Secrets secrets;
  tls::OpensslPtr<ssl_st> ssl;
  tls::OpensslPtr<bio_st> bio;
};

TlsClient::TlsClient(const TlsContext& context)
    : handshake_(std::make_unique<Handshake>(context.native_)) {
  SSL* ssl = handshake_->ssl.get();
  BIO* bio = handshake_->bio.get();
  BIO_up_ref(bio);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_ex_data(ssl, secrets_index(), &handshake_->secrets);
  // SSL_set_tlsext_host_name() without its C cast.
  SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(context.domain_.c_str()));
  SSL_set_connect_state(ssl);
  handshake_->wire.out = &wire_out_;
  SSL_do_handshake(ssl);
}

TlsClient::~TlsClient() = default;

TlsStatus TlsClient::receive(std::span<const std::byte> wire, base::ByteBuffer& plain) {
  if (is_established_) {
    return take(wire, plain);
  }
  base::ByteBuffer rest;
  const TlsStatus status = shake(wire, rest);
  return status != TlsStatus::ok || rest.empty() ? status : take(rest.bytes(), plain);
}

// The last flight may have records behind it that are under the next keys: they are not for
// OpenSSL, which therefore gets one record at a time.
TlsStatus TlsClient::shake(std::span<const std::byte> wire, base::ByteBuffer& rest) {
  base::ByteBuffer& kept = handshake_->kept;
  kept.append(wire);
  SSL* ssl = handshake_->ssl.get();
  while (!is_established_ && kept.size() >= tls::kHeaderBytes) {
    const auto bytes = kept.bytes();
    const std::size_t size = tls::kHeaderBytes + (std::to_integer<std::size_t>(bytes[3]) << 8) +
                             std::to_integer<std::size_t>(bytes[4]);
    if (bytes.size() < size) {
      break;
    }
    handshake_->wire.in = bytes.first(size);
    ERR_clear_error();
    const tls::ListeningToSecrets listening(&handshake_->secrets);
    const int result = SSL_do_handshake(ssl);
    if (result != 1 && SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ) {
      return fail(fmt::format("TLS handshake: {}", tls::take_openssl_errors()));
    }
    kept.consume(size);
    is_established_ = SSL_is_init_finished(ssl) == 1;
  }
  if (is_established_) {
    rest = std::move(kept);
    hand_over();
  }
  return TlsStatus::ok;
}

void TlsClient::hand_over() {
  SSL* ssl = handshake_->ssl.get();
  const Secrets& secrets = handshake_->secrets;
  const auto aead = tls::aead_of(SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)));
  if (SSL_version(ssl) != TLS1_3_VERSION || !aead ||
      secrets.client.size() != tls::secret_bytes(*aead) ||
      secrets.server.size() != secrets.client.size()) {
    return;
  }
  records_.emplace(*aead, base::as_bytes(secrets.server), base::as_bytes(secrets.client));
  handshake_.reset();
}

TlsStatus TlsClient::take(std::span<const std::byte> wire, base::ByteBuffer& plain) {
  if (records_) {
    const TlsStatus status = records_->receive(wire, plain, wire_out_);
    return status == TlsStatus::failed ? fail("a TLS record that is no good") : status;
  }
  SSL* ssl = handshake_->ssl.get();
  handshake_->wire.in = wire;
  handshake_->wire.out = &wire_out_;
  while (true) {
    constexpr std::size_t kRoom = 16384;
    const auto room = plain.prepare(kRoom);
    ERR_clear_error();
    const int count = SSL_read(ssl, room.data(), static_cast<int>(kRoom));
    if (count > 0) {
      plain.commit(static_cast<std::size_t>(count));
      continue;
    }
    switch (SSL_get_error(ssl, count)) {
      case SSL_ERROR_WANT_READ:
        return TlsStatus::ok;
      case SSL_ERROR_ZERO_RETURN:
        return TlsStatus::closed;
      default:
        return fail(fmt::format("TLS: {}", tls::take_openssl_errors()));
    }
  }
}

void TlsClient::send(std::span<const std::byte> plain, base::ByteBuffer& wire) {
  if (records_) {
    records_->send(plain, wire);
  } else if (!plain.empty()) {
    handshake_->wire.out = &wire;
    SSL_write(handshake_->ssl.get(), plain.data(), static_cast<int>(plain.size()));
    handshake_->wire.out = &wire_out_;
  }
}

void TlsClient::close(base::ByteBuffer& wire) {
  if (records_) {
    records_->close(wire);
  } else if (is_established_) {
    handshake_->wire.out = &wire;
    SSL_shutdown(handshake_->ssl.get());
    handshake_->wire.out = &wire_out_;
  }
}

TlsStatus TlsClient::fail(std::string text) {
  error_ = std::move(text);
  return TlsStatus::failed;
}

}  // namespace rondel::load
