// A connection of a special interface: bytes in and out, the protocol is a module's.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/byte_buffer.h"
#include "modules/api/raw_interface.h"
#include "ring/ring.h"
#include "server/endpoint.h"

namespace rondel::server {

class Shard;

/// Owner: its shard. Thread: the shard's. Limits: output kOutputBytesMax, then it is cut.
class RawEndpoint final : public api::RawConnection, public Endpoint {
 public:
  /// Room for one answer about all sessions of a large server.
  static constexpr std::size_t kOutputBytesMax = 64 * 1024 * 1024;

  RawEndpoint(Shard& shard, int fd, const api::PeerAddress& peer);
  ~RawEndpoint() override;

  void attach(base::SlotHandle handle);
  void start(std::unique_ptr<api::RawProtocol> protocol);
  /// Cuts the connection, whatever is still to be sent.
  void abort() { die(); }

  [[nodiscard]] base::ConnectionId id() const override { return id_; }
  [[nodiscard]] const api::PeerAddress& peer() const override { return peer_; }
  [[nodiscard]] int peer_user_id() const override;
  void send(std::string_view bytes) override;
  void close() override;
  void pause_reading() override { is_paused_ = true; }
  void resume_reading() override;

  void completed(const ring::Completion& completion) override;
  void flush() override;
  void run_ready() override { arm_receive(); }
  [[nodiscard]] bool is_dead() const override { return is_gone_ && operations_ == 0; }
  [[nodiscard]] base::SlotHandle handle() const override { return id_.handle; }
  [[nodiscard]] int fd() const override { return fd_; }
  [[nodiscard]] RawEndpoint* as_raw() override { return this; }

 private:
  void arm_receive();
  void mark_dirty();
  void die();

  Shard& shard_;
  base::ConnectionId id_;
  const int fd_;
  const api::PeerAddress peer_;
  std::unique_ptr<api::RawProtocol> protocol_;
  base::ByteBuffer output_;
  base::ByteBuffer sending_;
  std::uint8_t operations_ = 0;
  bool is_receiving_ = false;
  bool is_sending_ = false;
  bool is_dirty_ = false;
  bool is_paused_ = false;
  bool is_closing_ = false;
  bool is_gone_ = false;
};

}  // namespace rondel::server
