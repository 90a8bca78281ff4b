// What TLS costs with each record engine: a handshake, a record each way, an idle connection, and
// a message there and back through a socket. Server side only; the client's work is not counted.
#include <algorithm>
#include <array>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <malloc.h>
#include <memory>
#include <netinet/in.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "perf/micro/counted.h"
#include "tls/channel.h"
#include "tls/context.h"
#include "tls/handshake_provider.h"
#include "tls/kernel_support.h"
#include "tls/key_derivation.h"
#include "tls/openssl_handle.h"
#include "tls/self_signed.h"

namespace rondel::tls {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

constexpr const char* kCiphers[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                    "TLS_CHACHA20_POLY1305_SHA256"};

/// A certificate of this run, gone with it.
std::shared_ptr<const TlsContexts> contexts() {
  static const auto loaded = [] {
    char name[] = "/tmp/rondel-tls-perf-XXXXXX";
    const std::filesystem::path folder(::mkdtemp(name));
    const std::string hosts[] = {"one.example"};
    const HostCertificate given{hosts[0], folder / "crt", folder / "key"};
    RONDEL_CHECK(generate_self_signed(hosts, 30, given.certificate_path, given.key_path));
    auto result = TlsContexts::load(std::span(&given, 1), {}).value();
    std::filesystem::remove_all(folder);
    return result;
  }();
  return loaded;
}

/// An OpenSSL client on memory.
class Client {
 public:
  explicit Client(const char* cipher) : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_ciphersuites(context_.get(), cipher);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
  }
  void shake_hands() { SSL_do_handshake(ssl_.get()); }
  void receive(std::string_view wire) {
    BIO_write(SSL_get_rbio(ssl_.get()), wire.data(), static_cast<int>(wire.size()));
    char block[16384];
    while (SSL_read(ssl_.get(), block, sizeof(block)) > 0) {
    }
  }
  void send(std::string_view plain) {
    SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
  }
  std::string take_wire() {
    BIO* out = SSL_get_wbio(ssl_.get());
    std::string wire(BIO_ctrl_pending(out), '\0');
    BIO_read(out, wire.data(), static_cast<int>(wire.size()));
    return wire;
  }

 private:
  OpensslPtr<ssl_ctx_st> context_;
  OpensslPtr<ssl_st> ssl_;
};

/// A connection after its handshake.
struct Pair {
  Pair(Records records, const char* cipher) : client(cipher) {
    AcceptOptions options;
    options.records = records;
    client.shake_hands();
    const std::string hello = client.take_wire();
    const auto first = Clock::now();
    channel = accept_channel(contexts(), options).value();
    RONDEL_CHECK(channel->receive(base::as_bytes(hello), plain, wire) == Status::ok);
    handshake_seconds = seconds_since(first);
    client.receive(wire.text());
    wire.clear();
    const std::string finished = client.take_wire();
    const auto second = Clock::now();
    RONDEL_CHECK(channel->receive(base::as_bytes(finished), plain, wire) == Status::ok);
    handshake_seconds += seconds_since(second);
    RONDEL_CHECK(channel->is_established());
  }

  Client client;
  std::unique_ptr<Channel> channel;
  base::ByteBuffer plain;
  base::ByteBuffer wire;
  double handshake_seconds = 0;
};

Records records_of(std::int64_t number) {
  return number == 0 ? Records::retained : number == 1 ? Records::compact : Records::kernel;
}
std::string label_of(const benchmark::State& state) {
  constexpr const char* kEngines[] = {"retained", "compact", "kernel"};
  return std::string(kEngines[state.range(0)]) + " " + kCiphers[state.range(1)];
}

void bm_handshake(benchmark::State& state) {
  for (auto unused : state) {
    state.SetIterationTime(
        Pair(records_of(state.range(0)), kCiphers[state.range(1)]).handshake_seconds);
  }
  state.SetLabel(label_of(state));
}
BENCHMARK(bm_handshake)->ArgsProduct({{0, 1}, {0}})->UseManualTime()->MinTime(0.5);

/// A key of 16 bytes, as two dozen are derived in a handshake and four behind it.
void bm_derive_key(benchmark::State& state) {
  const auto hash = state.range(0) == 256 ? KeyHash::sha256 : KeyHash::sha384;
  const std::vector<std::byte> secret(hash_bytes(hash), std::byte{7});
  std::array<std::byte, 16> key;
  for (auto unused : state) {
    RONDEL_CHECK(try_expand_label(hash, secret, kLabelPrefix, "key", {}, key));
    benchmark::DoNotOptimize(key);
  }
}
BENCHMARK(bm_derive_key)->Arg(256)->Arg(384)->ArgName("SHA")->Apply(rondel::perf::counted);

/// The same, as OpenSSL's handshakes ask for it: from OpenSSL's own provider, and from ours.
void bm_derive_key_for_openssl(benchmark::State& state) {
  const char* query = state.range(0) == 0 ? "provider=default" : handshake_property_query();
  RONDEL_CHECK(query != nullptr);
  std::array<unsigned char, 32> secret{};
  std::array<unsigned char, 16> key;
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  char digest[] = "SHA2-256";
  char prefix[] = "tls13 ";
  char label[] = "key";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix, 6),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, label, 3),
      OSSL_PARAM_construct_end()};
  for (auto unused : state) {
    EVP_KDF* kdf = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, query);
    EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
    EVP_KDF_free(kdf);
    RONDEL_CHECK(EVP_KDF_derive(context, key.data(), key.size(), parameters) == 1);
    EVP_KDF_CTX_free(context);
  }
  state.SetLabel(state.range(0) == 0 ? "OpenSSL's" : "ours");
}
BENCHMARK(bm_derive_key_for_openssl)->Arg(0)->Arg(1)->Apply(rondel::perf::counted);

void bm_send(benchmark::State& state) {
  Pair pair(records_of(state.range(0)), kCiphers[state.range(1)]);
  const std::string text(static_cast<std::size_t>(state.range(2)), 'x');
  for (auto unused : state) {
    pair.wire.clear();
    RONDEL_CHECK(pair.channel->send(base::as_bytes(text), pair.wire) == Status::ok);
  }
  state.SetLabel(label_of(state));
}
BENCHMARK(bm_send)->ArgsProduct({{0, 1}, {0, 1, 2}, {200, 16384}})->Apply(rondel::perf::counted);

/// `range(3)` records arrive together.
void bm_receive(benchmark::State& state) {
  Pair pair(records_of(state.range(0)), kCiphers[state.range(1)]);
  const std::string text(static_cast<std::size_t>(state.range(2)), 'x');
  const auto together = static_cast<std::size_t>(state.range(3));
  constexpr std::size_t kBatches = 200;
  std::vector<std::string> batches(kBatches);
  std::size_t next = kBatches;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(kBatches * together))) {
    for (std::string& batch : batches) {
      for (std::size_t i = 0; i < together; ++i) {
        pair.client.send(text);
      }
      batch = pair.client.take_wire();
    }
    const auto begin = Clock::now();
    for (next = 0; next < kBatches; ++next) {
      pair.plain.clear();
      RONDEL_CHECK(pair.channel->receive(base::as_bytes(batches[next]), pair.plain, pair.wire) ==
                   Status::ok);
    }
    state.SetIterationTime(seconds_since(begin));
  }
  state.SetLabel(label_of(state));
}
BENCHMARK(bm_receive)->ArgsProduct({{0, 1}, {0, 1, 2}, {200}, {1, 8}})->UseManualTime();
BENCHMARK(bm_receive)->ArgsProduct({{0, 1}, {0, 1, 2}, {16384}, {1}})->UseManualTime();

void bm_idle_heap(benchmark::State& state) {
  constexpr std::size_t kConnections = 1000;
  std::vector<std::unique_ptr<Channel>> channels;
  channels.reserve(kConnections + 1);
  channels.push_back(std::move(Pair(records_of(state.range(0)), kCiphers[0]).channel));
  for (auto unused : state) {
    const std::size_t before = ::mallinfo2().uordblks;
    for (std::size_t i = 0; i < kConnections; ++i) {
      channels.push_back(std::move(Pair(records_of(state.range(0)), kCiphers[0]).channel));
    }
    state.counters["bytes"] = static_cast<double>(::mallinfo2().uordblks - before) / kConnections;
  }
  state.SetLabel(label_of(state));
}
BENCHMARK(bm_idle_heap)->ArgsProduct({{0, 1}, {0}})->Iterations(1);

struct Sockets {
  Sockets() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    client = ::socket(AF_INET, SOCK_STREAM, 0);
    RONDEL_CHECK(::bind(listener, generic, size) == 0 && ::listen(listener, 1) == 0 &&
                 ::getsockname(listener, generic, &size) == 0 &&
                 ::connect(client, generic, size) == 0);
    server = ::accept(listener, nullptr, nullptr);
    ::close(listener);
  }
  ~Sockets() {
    ::close(client);
    ::close(server);
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  int client;
  int server;
};

/// One message in and out again, system calls and all; range(0) 3 is a connection without TLS.
void bm_socket_echo(benchmark::State& state) {
  const bool is_plain = state.range(0) == 3;
  Sockets sockets;
  Pair pair(is_plain ? Records::compact : records_of(state.range(0)), kCiphers[state.range(1)]);
  if (state.range(0) == 2 &&
      (!pair.channel->may_enter_kernel() ||
       pair.channel->try_enter_kernel(sockets.server) != EnterResult::entered)) {
    state.SkipWithError("this kernel has no TLS");
    return;
  }
  const bool is_bare = is_plain || pair.channel->is_transparent();
  const std::string text(static_cast<std::size_t>(state.range(2)), 'x');
  std::vector<std::byte> block(64 * 1024);
  for (auto unused : state) {
    pair.client.send(text);
    const std::string up = is_plain ? text : pair.client.take_wire();
    RONDEL_CHECK(::send(sockets.client, up.data(), up.size(), 0) ==
                 static_cast<ssize_t>(up.size()));
    const auto begin = Clock::now();
    pair.plain.clear();
    pair.wire.clear();
    while (pair.plain.size() < text.size()) {
      const ssize_t count = ::recv(sockets.server, block.data(), block.size(), 0);
      RONDEL_CHECK(count > 0);
      const auto bytes = std::span<const std::byte>(block).first(static_cast<std::size_t>(count));
      if (is_bare) {
        pair.plain.append(bytes);
      } else {
        RONDEL_CHECK(pair.channel->receive(bytes, pair.plain, pair.wire) == Status::ok);
      }
    }
    if (!is_bare) {
      RONDEL_CHECK(pair.channel->send(pair.plain.bytes(), pair.wire) == Status::ok);
    }
    const base::ByteBuffer& out = is_bare ? pair.plain : pair.wire;
    const ssize_t sent = ::send(sockets.server, out.bytes().data(), out.size(), 0);
    state.SetIterationTime(seconds_since(begin));
    RONDEL_CHECK(sent == static_cast<ssize_t>(out.size()));
    for (ssize_t back = 0; back < static_cast<ssize_t>(text.size());) {
      back += std::max<ssize_t>(::recv(sockets.client, block.data(), block.size(), 0), 1);
    }
    while (::recv(sockets.client, block.data(), block.size(), MSG_DONTWAIT) > 0) {
    }
  }
  state.SetLabel(is_plain ? "plain" : label_of(state));
}
BENCHMARK(bm_socket_echo)->ArgsProduct({{3, 0, 1, 2}, {0}, {200, 16384}})->UseManualTime();

}  // namespace
}  // namespace rondel::tls
