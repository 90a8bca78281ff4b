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
  return has_exporter_ ? std::optional<std::string>({exporter_.data(), exporter_.size()})
                       : std::nullopt;
}

std::optional<std::string> Channel::server_end_point() const {
  return end_point_size_ != 0 ? std::optional<std::string>({end_point_.data(), end_point_size_})
                              : std::nullopt;
}

void Channel::set_sni(std::string_view sni, const std::string& host) {
  host_ = &host;
  is_sni_the_host_ = sni == host;
  if (!is_sni_the_host_ && !sni.empty()) {
    sni_ = std::make_unique<const std::string>(sni);
  }
}

void Channel::set_exporter(std::string_view bytes) {
  RONDEL_CHECK(bytes.size() == exporter_.size());
  std::copy(bytes.begin(), bytes.end(), exporter_.begin());
  has_exporter_ = true;
}

void Channel::set_end_point(std::string_view hash) {
  RONDEL_CHECK(hash.size() <= end_point_.size());
  std::copy(hash.begin(), hash.end(), end_point_.begin());
  end_point_size_ = static_cast<std::uint8_t>(hash.size());
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
