#include "tls/context_native.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "tls/channel_binding.h"
#include "tls/client_trust.h"
#include "tls/handshake_provider.h"
#include "tls/session_ticket.h"
#include "tls/ticket_keys.h"

namespace rondel::tls {
namespace {

// AES-128 first: it is the quickest where the processor has AES, and the kernel takes it.
// Clients that put ChaCha20 first (no AES in hardware) get it: SSL_OP_PRIORITIZE_CHACHA.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

HandshakeFacts& facts_of(SSL* ssl) {
  auto* facts = static_cast<HandshakeFacts*>(SSL_get_app_data(ssl));
  RONDEL_CHECK(facts != nullptr);  // Callbacks run during the handshake only.
  return *facts;
}

/// The host name in a server_name extension (RFC 6066 §3); empty if it is not well formed.
std::string_view parse_server_name(std::string_view extension) {
  const auto number = [extension](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(extension[at])) << 8 |
           static_cast<unsigned char>(extension[at + 1]);
  };
  if (extension.size() < 5 || number(0) != extension.size() - 2 || extension[2] != 0 ||
      number(3) > extension.size() - 5 || number(3) > 255) {
    return {};
  }
  return extension.substr(5, number(3));
}

/// Whether a client that sent this psk_key_exchange_modes resumes with a fresh exchange of keys, as
/// we do. Source: RFC 8446 §4.2.9.
bool has_mode_of_ours(std::span<const unsigned char> extension) {
  constexpr unsigned char kPskWithExchange = 1;
  return !extension.empty() && extension[0] == extension.size() - 1 &&
         std::find(extension.begin() + 1, extension.end(), kPskWithExchange) != extension.end();
}

/// A session belongs to its host, and to interfaces that ask for certificates, or to those that
/// don't: one of another kind is not resumed.
void set_session_id(SSL* ssl, std::string_view host) {
  const std::string text = "client certificates " + std::string(host);
  unsigned char id[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), id);
  SSL_set_session_id_context(ssl, id, sizeof(id));
}

/// Runs before anything else is decided: also the session to resume must be this host's.
int on_client_hello(SSL* ssl, int*, void* argument) {
  const auto& native = *static_cast<const TlsContexts::Native*>(argument);
  HandshakeFacts& facts = facts_of(ssl);
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  facts.sni.clear();
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) == 1) {
    const auto name = parse_server_name({reinterpret_cast<const char*>(data), size});
    // Goes into the log: printable ASCII only, which every host name is.
    if (name.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
        std::string_view::npos) {
      facts.sni = normal_name(name);
    }
  }
  facts.takes_tickets =
      SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk_kex_modes, &data, &size) == 1 &&
      has_mode_of_ours({data, size});
  const auto* host = native.find(facts.sni);
  facts.is_name_known = host != nullptr;
  if (host == nullptr) {
    host = native.find(facts.options.host);
  }
  facts.host = host ? host : &native.hosts.front();
  SSL_set_SSL_CTX(ssl, facts.host->context.get());
  if (facts.options.client_trust != nullptr) {
    set_session_id(ssl, facts.host->name);
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

/// RFC 6066 §3: a server that used the name says so.
int on_server_name(SSL* ssl, int*, void*) {
  return facts_of(ssl).is_name_known ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/// RFC 7301 §3.2: no common protocol is fatal. On STARTTLS the protocol is known already, so an
/// offer says nothing there.
int on_alpn(SSL* ssl,
            const unsigned char** out,
            unsigned char* out_size,
            const unsigned char* offers,
            unsigned int size,
            void*) {
  const AcceptOptions& options = facts_of(ssl).options;
  for (unsigned int at = 0; at < size && at + offers[at] < size; at += 1U + offers[at]) {
    const std::string_view offer(reinterpret_cast<const char*>(offers + at + 1), offers[at]);
    if (offer == options.alpn) {
      *out = reinterpret_cast<const unsigned char*>(options.alpn.data());
      *out_size = static_cast<unsigned char>(options.alpn.size());
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return options.is_direct ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

/// Judges the client's certificate in OpenSSL's stead, and goes on whatever it is worth: the stream
/// decides what it opens. Source: RFC 6120 §13.7.2; XEP-0178 §2.
int on_client_certificate(X509_STORE_CTX* context, void*) {
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  HandshakeFacts& facts = facts_of(ssl);
  X509* certificate = X509_STORE_CTX_get0_cert(context);
  if (facts.options.client_trust != nullptr && certificate != nullptr) {
    facts.client_certificate = std::make_unique<const ClientCertificate>(
        facts.options.client_trust->judge(*certificate, X509_STORE_CTX_get0_untrusted(context)));
    // A session with a certificate is never resumed: each connection shows it anew, and it is
    // judged by what is trusted and revoked then. TLS 1.2 learns it from on_ticket_key().
    SSL_set_num_tickets(ssl, 0);
    facts.tickets = 0;
  }
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

/// Sets up OpenSSL's cipher and MAC for one ticket; 1: go on, 2: and replace it, 0: not ours.
int on_ticket_key(SSL* ssl,
                  unsigned char* name,
                  unsigned char* iv,
                  EVP_CIPHER_CTX* cipher,
                  EVP_MAC_CTX* mac,
                  int is_sealing) {
  const auto* native =
      static_cast<const TlsContexts::Native*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  TicketKeys& keys = *native->ticket_keys;
  TicketKeys::Found found{{}, true};
  if (is_sealing && facts_of(ssl).client_certificate != nullptr) {
    return 0;  // An empty ticket.
  }
  if (is_sealing) {
    found.key = keys.current(base::monotonic_ms());
    std::memcpy(name, found.key.name.data(), found.key.name.size());
    if (RAND_bytes(iv, 16) != 1) {
      return -1;
    }
  } else {
    const auto known =
        keys.find(std::span<const std::byte, 16>(reinterpret_cast<const std::byte*>(name), 16),
                  base::monotonic_ms());
    if (!known) {
      return 0;
    }
    found = *known;
  }
  char digest[] = "SHA256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, found.key.mac_key.data(),
                                        found.key.mac_key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  const auto* key = reinterpret_cast<const unsigned char*>(found.key.cipher_key.data());
  if (EVP_MAC_CTX_set_params(mac, parameters) != 1 ||
      EVP_CipherInit_ex2(cipher, ticket_cipher(), key, iv, is_sealing, nullptr) != 1) {
    return -1;
  }
  // RFC 8446 §C.4: a ticket should serve once, or its connections could be linked.
  const bool is_single_use = SSL_version(ssl) >= TLS1_3_VERSION;
  return found.is_current && (is_sealing || !is_single_use) ? 1 : 2;
}

/// The ticket remembers which certificate the client saw: tls-server-end-point is about that one,
/// also when the session is resumed after the certificate was replaced.
int on_make_ticket(SSL* ssl, void*) {
  if (SSL_session_reused(ssl) == 1) {
    return 1;  // The session brought it along.
  }
  const auto* host = facts_of(ssl).host;
  const std::string hash = host ? host->end_point(SSL_get_certificate(ssl)) : std::string();
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), hash.data(), hash.size());
}

/// Staples what is known about the certificate that this client gets. Source: RFC 6066 §8, RFC 8446
/// §4.4.2.1.
int on_status_request(SSL* ssl, void*) {
  const HandshakeFacts& facts = facts_of(ssl);
  const X509* certificate = SSL_get_certificate(ssl);
  if (certificate == nullptr || facts.host == nullptr) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  for (const auto& staple : facts.host->staples) {
    if (X509_cmp(staple.certificate.get(), certificate) != 0 ||
        !staple.response.is_current(base::wall_clock_now())) {
      continue;
    }
    const std::string& der = staple.response.der;
    void* copy = OPENSSL_memdup(der.data(), der.size());  // OpenSSL frees it.
    if (copy == nullptr) {
      return SSL_TLSEXT_ERR_NOACK;
    }
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(der.size()));
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

/// The bytes that the digits stand for; nothing if they are not digits of a secret.
void read_secret(std::string_view digits, HandshakeSecrets::Secret& secret) {
  const auto value = [](char c) {
    return static_cast<unsigned>(c >= 'a' ? c - 'a' + 10 : c >= 'A' ? c - 'A' + 10 : c - '0');
  };
  if (digits.size() % 2 != 0 || digits.size() / 2 > secret.data.size()) {
    return;  // Of a hash that none of our ciphers has: the connection stays with OpenSSL.
  }
  secret.size = digits.size() / 2;
  for (std::size_t i = 0; i < secret.size; ++i) {
    secret.data[i] = static_cast<std::byte>(value(digits[2 * i]) << 4 | value(digits[2 * i + 1]));
  }
}

/// Where the keys are derived by other code than ours, OpenSSL tells its secrets in lines for a
/// debugger: label, client's random, secret. They go nowhere but into the handshake's own memory,
/// and OpenSSL wipes the line. Printing them costs it a twentieth of a handshake.
void on_key_line(const SSL* ssl, const char* text) {
  auto* facts = static_cast<HandshakeFacts*>(SSL_get_app_data(ssl));
  if (facts == nullptr || facts->options.records == Records::retained) {
    return;
  }
  const std::string_view line(text);
  const std::string_view label = line.substr(0, line.find(' '));
  const std::string_view digits = line.substr(line.rfind(' ') + 1);
  if (label == "CLIENT_TRAFFIC_SECRET_0") {
    read_secret(digits, facts->secrets.client);
  } else if (label == "SERVER_TRAFFIC_SECRET_0") {
    read_secret(digits, facts->secrets.server);
  }
}

void set_callbacks(SSL_CTX* context, TlsContexts::Native& native, bool has_own_derivation) {
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &on_ticket_key);
  SSL_CTX_set_session_ticket_cb(context, &on_make_ticket, nullptr, nullptr);
  SSL_CTX_set_client_hello_cb(context, &on_client_hello, &native);
  // What the macros of the header do, without their old-style casts.
  SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(&on_server_name));
  SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB,
                        reinterpret_cast<void (*)()>(&on_status_request));
  SSL_CTX_set_alpn_select_cb(context, &on_alpn, nullptr);
  if (!has_own_derivation) {
    SSL_CTX_set_keylog_callback(context, &on_key_line);
  }
  SSL_CTX_set_cert_verify_callback(context, &on_client_certificate, nullptr);
  SSL_CTX_set_app_data(context, &native);
}

}  // namespace

std::string TlsContexts::Native::Host::end_point(const x509_st* certificate) const {
  for (const auto& [known, hash] : end_points) {
    if (known == certificate) {
      return hash;
    }
  }
  return {};
}

HandshakeSecrets::~HandshakeSecrets() {
  for (Secret* secret : {&client, &server, &exporter, &resumption}) {
    base::wipe(secret->data);
  }
}

void HandshakeSecrets::derived(std::string_view label, std::span<const std::byte> secret) {
  Secret& kept = label == "c ap traffic"   ? client
                 : label == "s ap traffic" ? server
                 : label == "exp master"   ? exporter
                                           : resumption;
  if (secret.size() <= kept.data.size()) {
    std::copy(secret.begin(), secret.end(), kept.data.begin());
    kept.size = secret.size();
  }
}

std::string normal_name(std::string_view name) {
  std::string text(name.ends_with('.') ? name.substr(0, name.size() - 1) : name);
  for (char& c : text) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return text;
}

const TlsContexts::Native::Host* TlsContexts::Native::find(std::string_view name) const {
  if (const auto at = exact.find(name); at != exact.end()) {
    return &hosts[at->second];
  }
  const std::size_t dot = name.find('.');
  if (dot != std::string_view::npos && dot != 0) {
    if (const auto at = wildcards.find(name.substr(dot + 1)); at != wildcards.end()) {
      return &hosts[at->second];
    }
  }
  return nullptr;
}

base::Result<OpensslPtr<ssl_ctx_st>> make_host_context(const TlsPolicy& policy,
                                                       const std::string& host,
                                                       TlsContexts::Native& native) {
  ERR_clear_error();
  const char* const query = handshake_property_query();
  OpensslPtr<ssl_ctx_st> made(SSL_CTX_new_ex(nullptr, query, TLS_server_method()));
  SSL_CTX* context = made.get();
  if (context == nullptr) {
    return base::Unexpected(base::Error("OpenSSL gives no context: " + take_openssl_errors()));
  }
  const auto choose = [](const std::string& text, const char* otherwise) {
    return text.empty() ? otherwise : text.c_str();
  };
  const auto refuse = [](std::string_view what, const char* list) {
    return base::Unexpected(base::Error(
        fmt::format("OpenSSL does not take the {} '{}': {}", what, list, take_openssl_errors())));
  };
  // System-wide settings of openssl.cnf may have come before: everything is set, not added.
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_min_proto_version(context, policy.is_tls12_allowed ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_clear_options(context, SSL_CTX_get_options(context));
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  if (const char* list = choose(policy.ciphers_tls12, kCiphers12);
      SSL_CTX_set_cipher_list(context, list) != 1) {
    return refuse("TLS 1.2 ciphers", list);
  }
  if (const char* list = choose(policy.ciphers_tls13, kCiphers13);
      SSL_CTX_set_ciphersuites(context, list) != 1) {
    return refuse("TLS 1.3 ciphers", list);
  }
  if (const char* list = choose(policy.groups, kGroups);
      // What the macro does, with a cast that says so.
      SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, const_cast<char*>(list)) != 1) {
    return refuse("key exchange groups", list);
  }
  // A session belongs to its host: one of another host is not resumed.
  unsigned char id[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(host.data()), host.size(), id);
  SSL_CTX_set_session_id_context(context, id, sizeof(id));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, static_cast<long>(kTicketLifetimeMs / 1000));
  SSL_CTX_set_num_tickets(context, static_cast<std::size_t>(policy.tickets));
  if (policy.tickets == 0) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);  // TLS 1.2 does not look at the number.
  }
  set_callbacks(context, native, query != nullptr);
  ERR_clear_error();
  return made;
}

}  // namespace rondel::tls
