// What a session that was opened by a certificate remembers of it.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/timer_wheel.h"
#include "modules/api/connection.h"
#include "modules/api/session.h"
#include "modules/api/shard.h"

namespace rondel::modules::auth_external {

/// Ends the stream when its certificate does. Source: RFC 6120 §13.7.2.3.
///
/// Owner: the session. Thread: the home shard, once watch() was called.
class CertificateLogin final : public api::ModuleState, private base::Timer {
 public:
  CertificateLogin(std::string fingerprint, std::chrono::system_clock::time_point valid_until)
      : fingerprint_(std::move(fingerprint)), valid_until_(valid_until) {}

  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  void watch(api::Shard& shard, base::ConnectionId connection) {
    shard_ = &shard;
    connection_ = connection;
    expired();
  }

 private:
  void expired() override {
    const auto left = valid_until_ - base::wall_clock_now();
    if (left > std::chrono::system_clock::duration::zero()) {
      // Looked at again each day: the clock of the wall may be set meanwhile.
      const auto left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
      constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
      shard_->timers().set(*this, static_cast<std::uint64_t>(std::min(left_ms, kDayMs)));
    } else if (api::Connection* connection = shard_->find_connection(connection_)) {
      connection->close(xmpp::StreamErrorCondition::reset, "the certificate has expired");
    }
  }

  const std::string fingerprint_;
  const std::chrono::system_clock::time_point valid_until_;
  api::Shard* shard_ = nullptr;
  base::ConnectionId connection_{};
};

}  // namespace rondel::modules::auth_external
