#include "tests/tls/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/check.h"
#include "tls/context.h"

namespace rondel::tls {

void SessionDelete::operator()(ssl_session_st* session) const {
  SSL_SESSION_free(session);
}

struct ClientCallbacks {
  static TlsClient& client_of(const SSL* ssl) {
    return *static_cast<TlsClient*>(SSL_get_app_data(ssl));
  }
  static int on_session(SSL* ssl, SSL_SESSION* session) {
    client_of(ssl).sessions_.emplace_back(session);
    return 1;
  }
  static void on_info(const SSL* ssl, int where, int value) {
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value >> 8) == SSL3_AL_FATAL) {
      client_of(ssl).alert_ = value & 0xff;
    }
  }
};

TlsClient::TlsClient(const ClientOptions& options) : context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, options.version == 13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, options.version == 12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, &ClientCallbacks::on_session);
  if (!options.ciphers12.empty()) {
    RONDEL_CHECK(SSL_CTX_set_cipher_list(context, options.ciphers12.c_str()) == 1);
  }
  if (!options.ciphers13.empty()) {
    RONDEL_CHECK(SSL_CTX_set_ciphersuites(context, options.ciphers13.c_str()) == 1);
  }
  if (!options.signatures.empty()) {
    RONDEL_CHECK(SSL_CTX_set1_sigalgs_list(context, options.signatures.c_str()) == 1);
  }
  if (!options.has_extended_master_secret) {
    SSL_CTX_set_options(context, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  }
  if (options.trusted_root != nullptr) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), options.trusted_root);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (!options.certificate_path.empty()) {
    RONDEL_CHECK(
        SSL_CTX_use_certificate_chain_file(context, options.certificate_path.c_str()) == 1 &&
        SSL_CTX_use_PrivateKey_file(context, options.key_path.c_str(), SSL_FILETYPE_PEM) == 1);
  }
  ssl_.reset(SSL_new(context));
  SSL* ssl = ssl_.get();
  SSL_set_app_data(ssl, this);
  SSL_set_info_callback(ssl, &ClientCallbacks::on_info);
  if (!options.sni.empty()) {
    // Called as a function: the macro is an old-style cast.
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(options.sni.c_str()));
    SSL_set1_host(ssl, options.sni.c_str());
  }
  if (options.asks_for_status) {
    SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
  }
  std::string protocols;
  for (const std::string& protocol : options.alpn) {
    protocols += static_cast<char>(protocol.size()) + protocol;
  }
  if (!protocols.empty()) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  }
  if (options.session != nullptr) {
    const SessionPtr copy(SSL_SESSION_dup(options.session));  // For the reason in session().
    RONDEL_CHECK(SSL_set_session(ssl, copy.get()) == 1);
  }
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl);
  step();
}

TlsClient::~TlsClient() = default;

void TlsClient::step() {
  ERR_clear_error();
  SSL* ssl = ssl_.get();
  int result = SSL_do_handshake(ssl);
  char block[16384];
  while (result == 1 || SSL_is_init_finished(ssl)) {
    result = SSL_read(ssl, block, sizeof(block));
    if (result <= 0) {
      break;
    }
    plain_.append(block, static_cast<std::size_t>(result));
  }
  const int reason = SSL_get_error(ssl, result);
  if (reason == SSL_ERROR_ZERO_RETURN) {
    is_closed_by_peer_ = true;
  } else if (reason != SSL_ERROR_WANT_READ && error_.empty()) {
    error_ = take_openssl_errors();
  }
}

void TlsClient::receive(std::string_view wire) {
  BIO_write(SSL_get_rbio(ssl_.get()), wire.data(), static_cast<int>(wire.size()));
  step();
}

void TlsClient::send(std::string_view plain) {
  RONDEL_CHECK(SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())) ==
               static_cast<int>(plain.size()));
}

void TlsClient::close() {
  SSL_shutdown(ssl_.get());
}

std::string TlsClient::take_wire() {
  BIO* out = SSL_get_wbio(ssl_.get());
  std::string wire(BIO_ctrl_pending(out), '\0');
  if (!wire.empty()) {
    BIO_read(out, wire.data(), static_cast<int>(wire.size()));
  }
  return wire;
}

bool TlsClient::is_established() const {
  return SSL_is_init_finished(ssl_.get()) == 1;
}

std::string TlsClient::alpn() const {
  const unsigned char* data = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &data, &size);
  return {reinterpret_cast<const char*>(data), size};
}

std::string TlsClient::cipher() const {
  return SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl_.get()));
}

bool TlsClient::is_resumed() const {
  return SSL_session_reused(ssl_.get()) == 1;
}

std::string TlsClient::exporter() const {
  // RFC 9266: a zero-length context, which is not the same as none in TLS 1.2.
  unsigned char bytes[32];
  constexpr unsigned char kEmpty = 0;
  RONDEL_CHECK(SSL_export_keying_material(ssl_.get(), bytes, sizeof(bytes),
                                          "EXPORTER-Channel-Binding", 24, &kEmpty, 0, 1) == 1);
  return {reinterpret_cast<const char*>(bytes), sizeof(bytes)};
}

std::string TlsClient::end_point(const char* hash) const {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(SSL_get0_peer_certificate(ssl_.get()), EVP_get_digestbyname(hash), bytes, &size);
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string TlsClient::peer_key_type() const {
  return EVP_PKEY_get0_type_name(X509_get0_pubkey(SSL_get0_peer_certificate(ssl_.get())));
}

std::string TlsClient::peer_common_name() const {
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(ssl_.get())),
                            NID_commonName, name, sizeof(name));
  return name;
}

std::string TlsClient::stapled() const {
  const unsigned char* data = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(ssl_.get(), &data);
  return size > 0 ? std::string(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size))
                  : std::string();
}

SessionPtr TlsClient::session(std::size_t number) const {
  RONDEL_CHECK(number < sessions_.size());
  return SessionPtr(SSL_SESSION_dup(sessions_[number].get()));
}

SessionPtr TlsClient::session() const {
  // A copy: OpenSSL marks the original as spoilt when its connection goes without close_notify.
  // A ticket that replaces another in TLS 1.2 changes the session in place, without a callback.
  const bool is_tls13 = SSL_version(ssl_.get()) == TLS1_3_VERSION;
  RONDEL_CHECK(!is_tls13 || !sessions_.empty());
  return SessionPtr(
      SSL_SESSION_dup(is_tls13 ? sessions_.back().get() : SSL_get_session(ssl_.get())));
}

Link::Link(std::shared_ptr<const TlsContexts> contexts,
           const ClientOptions& client_options,
           AcceptOptions accept_options,
           std::size_t cut_size)
    : client(client_options),
      channel(accept_channel(std::move(contexts), accept_options).value()),
      cut(cut_size) {
}

Status Link::give(std::string_view wire) {
  status = channel->receive(base::as_bytes(wire), plain, wire_out);
  return status;
}

Status Link::pump() {
  while (true) {
    const std::string up = client.take_wire();
    const std::size_t step = cut == 0 ? up.size() : cut;
    for (std::size_t at = 0; at < up.size(); at += step) {
      give(std::string_view(up).substr(at, step));
    }
    if (wire_out.empty() && up.empty()) {
      return status;
    }
    const std::string down(wire_out.text());
    wire_out.release();
    for (std::size_t at = 0; at < down.size(); at += cut == 0 ? down.size() : cut) {
      client.receive(std::string_view(down).substr(at, cut == 0 ? down.size() : cut));
    }
  }
}

void Link::server_send(std::string_view text) {
  RONDEL_CHECK(channel->send(base::as_bytes(text), wire_out) == Status::ok);
}

}  // namespace rondel::tls
