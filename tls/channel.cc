#include "tls/channel.h"

#include <cerrno>

#include "base/check.h"
#include "tls/channel_binding.h"
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

Channel::Channel() = default;
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

bool Channel::has_exporter() const {
  return bindings_ && bindings_->has_exporter();
}

std::optional<std::string> Channel::exporter() const {
  return bindings_ ? bindings_->exporter() : std::nullopt;
}

std::optional<std::string> Channel::server_end_point() const {
  return bindings_ ? bindings_->end_point() : std::nullopt;
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

ChannelBindings& Channel::bindings() {
  if (!bindings_) {
    bindings_ = std::make_unique<ChannelBindings>();
  }
  return *bindings_;
}

void Channel::forget_bindings() {
  bindings_.reset();
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
