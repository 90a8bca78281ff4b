// A server's channel: the handshake, and the engine that follows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "tls/channel.h"
#include "tls/compact_records.h"
#include "tls/kernel_records.h"
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

  [[nodiscard]] bool is_settled() const override;
  [[nodiscard]] bool may_enter_kernel() const override;
  [[nodiscard]] EnterResult try_enter_kernel(int fd) override;
  [[nodiscard]] Status handle_receive_error(int fd, int error, base::ByteBuffer& plain) override;
  bool send_close_notify(int fd) override;
  [[nodiscard]] Status refresh_kernel_keys(int fd) override;

 private:
  explicit ServerChannel(std::shared_ptr<const TlsContexts> contexts);

  [[nodiscard]] Status finish_handshake(base::ByteBuffer& wire_out);
  /// Goes on without OpenSSL, if the records are such that we can.
  [[nodiscard]] Status hand_over(base::ByteBuffer& wire_out);
  /// By which the client may resume this session: as many as the policy says.
  void send_tickets(Aead aead, base::ByteBuffer& wire_out);
  [[nodiscard]] bool may_send() const {
    return (state_ == State::established || state_ == State::closed) && !is_close_sent_;
  }
  [[nodiscard]] KernelRecords kernel(int fd);
  /// Takes an engine's status over.
  [[nodiscard]] Status settle(Status status, const Failure& failure);
  [[nodiscard]] Status settle(KernelRecords::Outcome outcome);

  std::shared_ptr<const TlsContexts> contexts_;
  std::unique_ptr<OpensslRecords> openssl_;  ///< Null once another engine is at work.
  CompactRecords compact_;                   ///< Its keys serve the kernel engine, too.
  std::uint32_t control_records_ = 0;        ///< Of the kernel engine.
  Records wanted_ = Records::automatic;
  bool is_kernel_out_ = false;  ///< It was tried in vain.
  bool is_close_sent_ = false;
  bool must_answer_update_ = false;
};

}  // namespace rondel::tls
