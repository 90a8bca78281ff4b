#include "modules/layer-tls/tls_layer.h"

namespace rondel::modules::layer_tls {
namespace {

api::Layer::Status status_of(tls::Status status) {
  switch (status) {
    case tls::Status::ok:
      return api::Layer::Status::ok;
    case tls::Status::closed:
      return api::Layer::Status::closed;
    case tls::Status::truncated:
    case tls::Status::failed:
      break;
  }
  return api::Layer::Status::failed;
}

api::LayerInfo info_of(const tls::TlsInfo& tls) {
  api::LayerInfo info;
  info.name = "layer-tls";
  info.version = tls.version;
  info.cipher = tls.cipher;
  info.server_name = tls.sni;
  info.protocol = tls.alpn;
  info.engine = tls::engine_name(tls.engine);
  info.is_encrypted = true;
  info.is_resumed = tls.is_resumed;
  return info;
}

}  // namespace

api::Layer::Status TlsLayer::receive(std::span<const std::byte> wire,
                                     base::ByteBuffer& plain,
                                     base::ByteBuffer& wire_out) {
  const tls::Status status = channel_->receive(wire, plain, wire_out);
  // One read may hold the end of the handshake, data and the end of the channel; the version is
  // known from the end of the handshake on, whatever came after it.
  if (!is_up() && !channel_->info().version.empty()) {
    info_ = info_of(channel_->info());
  }
  return status_of(status);
}

api::Layer::Status TlsLayer::enter_socket(int fd) {
  const tls::EnterResult result = channel_->try_enter_kernel(fd);
  info_.engine = tls::engine_name(channel_->info().engine);
  return result == tls::EnterResult::failed ? Status::failed : Status::ok;
}

api::Layer::Status TlsLayer::receive_error(int fd, int error, base::ByteBuffer& plain) {
  return status_of(channel_->handle_receive_error(fd, error, plain));
}

api::Layer::Status TlsLayer::tend_socket(int fd) {
  return status_of(channel_->refresh_kernel_keys(fd));
}

api::Layer::Status TlsLayer::send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) {
  return status_of(channel_->send(plain, wire_out));
}

void TlsLayer::close(base::ByteBuffer& wire_out) {
  channel_->close(wire_out);
}

std::optional<std::string> TlsLayer::channel_binding(std::string_view type) const {
  if (type == "tls-exporter") {
    return channel_->exporter();
  }
  if (type == "tls-server-end-point") {
    return channel_->server_end_point();
  }
  return std::nullopt;
}

std::string_view TlsLayer::failure() const {
  return channel_->failure().text;
}

}  // namespace rondel::modules::layer_tls
