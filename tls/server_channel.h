// A server's channel: the handshake, and the engine that follows it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "tls/channel.h"
#include "tls/openssl_records.h"

namespace rondel::tls {

/// Shakes hands by OpenSSL and hands the records to the engine that the options ask for.
class ServerChannel final : public Channel {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<Channel>> make(
      std::shared_ptr<const TlsContexts> contexts, const AcceptOptions& options);

  [[nodiscard]] Status receive(std::span<const std::byte> wire,
                               base::ByteBuffer& plain,
                               base::ByteBuffer& wire_out) override;
  [[nodiscard]] Status send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) override;
  void close(base::ByteBuffer& wire_out) override;

  [[nodiscard]] bool may_enter_kernel() const override { return false; }
  [[nodiscard]] EnterResult try_enter_kernel(int) override { return EnterResult::refused; }
  [[nodiscard]] Status handle_receive_error(int, int, base::ByteBuffer&) override {
    return Status::failed;
  }
  bool send_close_notify(int) override { return false; }
  [[nodiscard]] Status refresh_kernel_keys(int) override { return Status::ok; }

 private:
  explicit ServerChannel(std::shared_ptr<const TlsContexts> contexts);

  void finish_handshake();
  /// Takes an engine's status over.
  [[nodiscard]] Status settle(Status status);

  std::shared_ptr<const TlsContexts> contexts_;
  std::unique_ptr<OpensslRecords> openssl_;
  bool is_close_sent_ = false;
};

}  // namespace rondel::tls
