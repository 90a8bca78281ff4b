// An encrypted connection as a layer of the server's.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "modules/api/layer.h"
#include "tls/channel.h"

namespace rondel::modules::layer_tls {

/// What authentication is told of a certificate.
[[nodiscard]] api::ClientCertificate to_api(const tls::ClientCertificate& certificate);

/// Owner: the connection, with which it moves between shards.
class TlsLayer final : public api::Layer {
 public:
  explicit TlsLayer(std::unique_ptr<tls::Channel> channel) : channel_(std::move(channel)) {}

  Status receive(std::span<const std::byte> wire,
                 base::ByteBuffer& plain,
                 base::ByteBuffer& wire_out) override;
  Status send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) override;
  void close(base::ByteBuffer& wire_out) override;
  /// Stays true when the peer has said close_notify, or the channel has failed afterwards: a stream
  /// byte that was delivered always came through a layer that was up.
  [[nodiscard]] bool is_up() const override { return is_up_; }
  [[nodiscard]] api::LayerInfo info() const override;
  [[nodiscard]] std::optional<std::string> channel_binding(std::string_view type) const override;
  [[nodiscard]] bool has_channel_binding(std::string_view type) const override;
  [[nodiscard]] std::optional<api::ClientCertificate> client_certificate() const override;
  void forget_channel_bindings() override { channel_->forget_bindings(); }
  [[nodiscard]] std::string_view failure() const override;

  [[nodiscard]] bool wants_socket() const override { return channel_->may_enter_kernel(); }
  Status enter_socket(int fd) override;
  [[nodiscard]] bool is_transparent() const override { return channel_->is_transparent(); }
  Status receive_error(int fd, int error, base::ByteBuffer& plain) override;
  void close_socket(int fd) override { channel_->send_close_notify(fd); }
  Status tend_socket(int fd) override;

 private:
  std::unique_ptr<tls::Channel> channel_;
  bool is_up_ = false;
};

}  // namespace rondel::modules::layer_tls
