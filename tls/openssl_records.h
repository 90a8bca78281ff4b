// The retained engine and the handshake of all engines: OpenSSL on memory; for this room's sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "tls/channel.h"
#include "tls/context_native.h"
#include "tls/openssl_handle.h"
#include "tls/wire_bio.h"

namespace rondel::tls {

/// One OpenSSL object with its two ends in memory. Shakes hands; then either goes on with the
/// records or is freed, once its secrets have been taken out of facts().
class OpensslRecords {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<OpensslRecords>> make(
      const TlsContexts& contexts, const AcceptOptions& options);

  OpensslRecords(const OpensslRecords&) = delete;
  OpensslRecords& operator=(const OpensslRecords&) = delete;

  /// Takes from the front of `wire` what belongs to the handshake; what follows its end stays.
  /// `ok`: done, if is_done(), else more bytes are needed.
  [[nodiscard]] Status shake_hands(std::span<const std::byte>& wire, base::ByteBuffer& wire_out);
  [[nodiscard]] bool is_done() const { return is_done_; }
  /// Sends the tickets of facts(), where OpenSSL keeps the records after all.
  [[nodiscard]] Status send_tickets(base::ByteBuffer& wire_out);
  /// Forgets what only the handshake needed.
  void finish() { facts_.reset(); }

  [[nodiscard]] Status receive(std::span<const std::byte> wire,
                               base::ByteBuffer& plain,
                               base::ByteBuffer& wire_out);
  [[nodiscard]] Status send(std::span<const std::byte> plain, base::ByteBuffer& wire_out);
  /// close_notify.
  void close(base::ByteBuffer& wire_out);

  /// Until finish().
  [[nodiscard]] HandshakeFacts& facts() { return *facts_; }
  [[nodiscard]] ssl_st& ssl() { return *ssl_; }
  /// Set once a call has returned `failed`.
  [[nodiscard]] const Failure& failure() const { return failure_; }

 private:
  /// OpenSSL's callbacks, which need its types, stand in the source.
  friend struct OpensslCallbacks;

  OpensslRecords() = default;

  [[nodiscard]] Status read_records(base::ByteBuffer& plain);
  /// Turns OpenSSL's result into ours: `ok` if it only wants more bytes.
  [[nodiscard]] Status judge(int result);
  [[nodiscard]] Status fail(std::string text);
  [[nodiscard]] std::string refusal() const;

  std::unique_ptr<HandshakeFacts> facts_;
  Wire wire_;
  OpensslPtr<ssl_st> ssl_;  ///< Before wire_, which its BIO reads.
  Failure failure_;
  std::uint64_t plain_bytes_ = 0;
  std::uint32_t control_records_ = 0;
  bool is_done_ = false;
  bool is_tls13_ = false;
  bool is_close_sent_ = false;
  bool has_refused_renegotiation_ = false;
};

}  // namespace rondel::tls
