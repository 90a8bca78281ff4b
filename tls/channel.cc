#include "tls/channel.h"

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "tls/context.h"
#include "tls/server_channel.h"

namespace rondel::tls {

std::string_view engine_name(Engine engine) {
  switch (engine) {
    case Engine::retained:
      return "retained";
    case Engine::compact:
      return "compact";
    case Engine::kernel:
      return "kernel";
  }
  return "unknown";
}

Channel::~Channel() = default;

Status Channel::receive_end() {
  switch (state_) {
    case State::closed:
      return Status::closed;
    case State::failed:
      return Status::failed;
    case State::handshaking:
      fail({-1, false, "the transport ended during the handshake"});
      break;
    case State::established:
      fail({-1, false, "the transport ended without close_notify"});
      break;
  }
  return Status::truncated;
}

Status Channel::handle_control_record(int fd, base::ByteBuffer& plain) {
  return handle_receive_error(fd, EIO, plain);
}

TlsInfo Channel::info() const {
  TlsInfo info;
  if (cipher_ == nullptr) {
    return info;
  }
  info.version = is_tls13_ ? "TLSv1.3" : "TLSv1.2";
  info.cipher = cipher_;
  info.host = *host_;
  info.sni = is_sni_the_host_ ? *host_ : sni_ ? *sni_ : std::string_view();
  info.alpn = alpn_;
  info.engine = engine_;
  info.is_resumed = is_resumed_;
  return info;
}

const Failure& Channel::failure() const {
  static const Failure kNone;
  return failure_ ? *failure_ : kNone;
}

std::optional<std::string> Channel::exporter() const {
  if (!bindings_ || !bindings_->has_exporter) {
    return std::nullopt;
  }
  return std::string(bindings_->exporter.data(), bindings_->exporter.size());
}

std::optional<std::string> Channel::server_end_point() const {
  if (!bindings_ || bindings_->end_point_size == 0) {
    return std::nullopt;
  }
  return std::string(bindings_->end_point.data(), bindings_->end_point_size);
}

void Channel::set_sni(std::string_view sni, const std::string& host) {
  host_ = &host;
  is_sni_the_host_ = sni == host;
  if (!is_sni_the_host_ && !sni.empty()) {
    sni_ = std::make_unique<const std::string>(sni);
  }
}

const ClientCertificate* Channel::client_certificate() const {
  return bindings_ ? bindings_->client_certificate.get() : nullptr;
}

void Channel::set_client_certificate(std::unique_ptr<const ClientCertificate> certificate) {
  bindings().client_certificate = std::move(certificate);
}

Channel::Bindings& Channel::bindings() {
  if (!bindings_) {
    bindings_ = std::make_unique<Bindings>();
  }
  return *bindings_;
}

void Channel::set_exporter(std::string_view bytes) {
  RONDEL_CHECK(bytes.size() == Bindings().exporter.size());
  std::copy(bytes.begin(), bytes.end(), bindings().exporter.begin());
  bindings().has_exporter = true;
}

void Channel::set_end_point(std::string_view hash) {
  RONDEL_CHECK(hash.size() <= Bindings().end_point.size());
  if (!hash.empty()) {
    std::copy(hash.begin(), hash.end(), bindings().end_point.begin());
    bindings().end_point_size = static_cast<std::uint8_t>(hash.size());
  }
}

Status Channel::fail(Failure failure) {
  state_ = State::failed;
  failure_ = std::make_unique<const Failure>(std::move(failure));
  return Status::failed;
}

base::Result<std::unique_ptr<Channel>> accept_channel(std::shared_ptr<const TlsContexts> contexts,
                                                      const AcceptOptions& options) {
  return ServerChannel::make(std::move(contexts), options);
}

}  // namespace rondel::tls
