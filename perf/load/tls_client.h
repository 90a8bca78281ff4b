// TLS as a client sees it: a handshake by OpenSSL, then records by ourselves where they are 1.3.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/byte_buffer.h"
#include "base/result.h"
#include "perf/load/client_records.h"

struct ssl_ctx_st;

namespace rondel::load {

/// Settings of all connections. The certificate is not looked at: it is a test's own.
class TlsContext {
 public:
  /// `version`: "1.2" or "1.3". Errors: what OpenSSL says.
  static base::Result<std::unique_ptr<TlsContext>> create(const std::string& version,
                                                          const std::string& domain,
                                                          bool is_direct);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsClient;
  TlsContext(ssl_ctx_st* native, std::string domain)
      : native_(native), domain_(std::move(domain)) {}

  ssl_ctx_st* native_;
  std::string domain_;
};

/// One connection's TLS. Memory: some 500 bytes after a handshake of TLS 1.3; OpenSSL's object
/// stays for 1.2.
class TlsClient {
 public:
  /// Its first message is in wire_out().
  explicit TlsClient(const TlsContext& context);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// Takes bytes from the wire; what answers them by itself goes to wire_out().
  [[nodiscard]] TlsStatus receive(std::span<const std::byte> wire, base::ByteBuffer& plain);
  /// After is_established().
  void send(std::span<const std::byte> plain, base::ByteBuffer& wire);
  void close(base::ByteBuffer& wire);

  [[nodiscard]] bool is_established() const { return is_established_; }
  [[nodiscard]] base::ByteBuffer& wire_out() { return wire_out_; }
  /// After `failed`.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  struct Handshake;

  [[nodiscard]] TlsStatus shake(std::span<const std::byte> wire, base::ByteBuffer& rest);
  [[nodiscard]] TlsStatus take(std::span<const std::byte> wire, base::ByteBuffer& plain);
  void hand_over();
  TlsStatus fail(std::string text);

  std::unique_ptr<Handshake> handshake_;
  std::optional<ClientRecords> records_;
  base::ByteBuffer wire_out_;
  std::string error_;
  bool is_established_ = false;
};

}  // namespace rondel::load
