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

api::CertificateTrust trust_of(tls::CertificateTrust trust) {
  switch (trust) {
    case tls::CertificateTrust::verified:
      return api::CertificateTrust::verified;
    case tls::CertificateTrust::unknown_issuer:
      return api::CertificateTrust::unknown_issuer;
    case tls::CertificateTrust::out_of_date:
    case tls::CertificateTrust::revoked:
    case tls::CertificateTrust::refused:
      break;
  }
  return api::CertificateTrust::unusable;
}

}  // namespace

api::ClientCertificate to_api(const tls::ClientCertificate& certificate) {
  return api::ClientCertificate{.trust = trust_of(certificate.trust),
                                .reason = certificate.reason,
                                .fingerprint = certificate.fingerprint,
                                .xmpp_addresses = certificate.xmpp_addresses,
                                .emails = certificate.emails,
                                .common_name = certificate.common_name,
                                .valid_until = certificate.valid_until};
}

api::Layer::Status TlsLayer::receive(std::span<const std::byte> wire,
                                     base::ByteBuffer& plain,
                                     base::ByteBuffer& wire_out) {
  const tls::Status status = channel_->receive(wire, plain, wire_out);
  // One read may hold the end of the handshake, data and the end of the channel; the version is
  // known from the end of the handshake on, whatever came after it.
  is_up_ = is_up_ || !channel_->info().version.empty();
  return status_of(status);
}

api::LayerInfo TlsLayer::info() const {
  if (!is_up_) {
    return {};
  }
  const tls::TlsInfo tls = channel_->info();
  return {.name = "layer-tls",
          .version = tls.version,
          .cipher = tls.cipher,
          .server_name = tls.sni,
          .protocol = tls.alpn,
          .engine = tls::engine_name(tls.engine),
          .is_encrypted = true,
          .is_resumed = tls.is_resumed};
}

api::Layer::Status TlsLayer::enter_socket(int fd) {
  const tls::EnterResult result = channel_->try_enter_kernel(fd);
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

bool TlsLayer::has_channel_binding(std::string_view type) const {
  return type == "tls-exporter" ? channel_->has_exporter() : channel_binding(type).has_value();
}

std::optional<api::ClientCertificate> TlsLayer::client_certificate() const {
  const tls::ClientCertificate* shown = channel_->client_certificate();
  if (shown == nullptr) {
    return std::nullopt;
  }
  return to_api(*shown);
}

std::string_view TlsLayer::failure() const {
  return channel_->failure().text;
}

}  // namespace rondel::modules::layer_tls
