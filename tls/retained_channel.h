// The retained engine: OpenSSL keeps the connection after the handshake.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "tls/channel.h"
#include "tls/context_native.h"
#include "tls/openssl_handle.h"
#include "tls/wire_bio.h"

namespace rondel::tls {

/// Shakes hands and, after that, works on the records with the same OpenSSL object.
class RetainedChannel final : public Channel {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<Channel>> make(
      std::shared_ptr<const TlsContexts> contexts, const AcceptOptions& options);

  [[nodiscard]] Status receive(std::span<const std::byte> wire,
                               base::ByteBuffer& plain,
                               base::ByteBuffer& wire_out) override;
  [[nodiscard]] Status receive_end() override;
  [[nodiscard]] Status send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) override;
  void close(base::ByteBuffer& wire_out) override;

 private:
  /// OpenSSL's callbacks, which need its types, stand in the source.
  friend struct RetainedCallbacks;

  RetainedChannel(std::shared_ptr<const TlsContexts> contexts, const AcceptOptions& options);

  [[nodiscard]] Status shake_hands();
  [[nodiscard]] Status read_records(base::ByteBuffer& plain);
  void finish_handshake();
  /// Turns OpenSSL's result into ours: `ok` if it only wants more bytes.
  [[nodiscard]] Status judge(int result);
  [[nodiscard]] Status fail(std::string text);
  [[nodiscard]] std::string refusal() const;

  std::shared_ptr<const TlsContexts> contexts_;
  std::unique_ptr<HandshakeFacts> facts_;  ///< Until the handshake is done.
  Wire wire_;
  OpensslPtr<ssl_st> ssl_;  ///< Before wire_, which its BIO reads.
  std::uint64_t plain_bytes_ = 0;
  std::uint32_t control_records_ = 0;
  bool is_tls13_ = false;
  bool is_close_sent_ = false;
};

}  // namespace rondel::tls
