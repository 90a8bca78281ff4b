// A client's connection: socket, layers, framing, output, and its end.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_buffer.h"
#include "base/timer_wheel.h"
#include "modules/api/connection.h"
#include "ring/ring.h"
#include "server/allowance.h"
#include "server/endpoint.h"
#include "server/interface.h"
#include "server/outbox.h"
#include "server/sent_marks.h"
#include "server/stream.h"
#include "xml/framer.h"

namespace rondel::server {

class Shard;

/// Bytes between the ring and the stream.
///
/// Reads one receive at a time until a session is bound, so that nothing is in flight when a layer
/// is put in or the connection moves; multishot afterwards. Writes one send at a time; what
/// accumulates meanwhile goes with the next. Closes in stages: the end is written, the socket is
/// shut down for writing, the peer's end is awaited for kCloseDeadlineMs, and the object goes once
/// no operation is under way. Owner: its shard. Thread: the shard's. Limits: output
/// above kOutputBytesHigh makes its senders wait until it is below kOutputBytesLow; above
/// kOutputBytesMax, or when they have waited for kSlowReaderDeadlineMs, the connection is cut;
/// input one stanza plus kPausedBytesMax, then reading stops; who sends more than its interface's
/// receive_rate is read later.
class Connection final : public api::Connection, public Endpoint {
 public:
  static constexpr std::size_t kPausedBytesMax = 64 * 1024;

  Connection(Shard& shard, int fd, const api::PeerAddress& peer, const ListenerSpec& listener);
  ~Connection() override;

  // What modules see.
  [[nodiscard]] base::ConnectionId id() const override { return id_; }
  [[nodiscard]] const api::PeerAddress& peer() const override { return peer_; }
  [[nodiscard]] std::string_view interface_name() const override;
  [[nodiscard]] std::string_view host() const override { return stream_.host(); }
  [[nodiscard]] const api::Layer* layer() const override { return layer_.get(); }
  [[nodiscard]] api::Session* session() override { return stream_.session(); }
  void set_tag(std::string tag) override {
    tag_ = std::make_unique<const std::string>(std::move(tag));
  }
  [[nodiscard]] std::string_view tag() const override {
    return tag_ ? std::string_view(*tag_) : std::string_view();
  }
  void set_limits(const base::StanzaLimits& limits) override { limits_ = limits; }
  [[nodiscard]] bool has_unread_bytes() const override { return has_pending_input(); }
  void install_layer(std::unique_ptr<api::Layer> layer) override;
  void send_element(const xml::Element& element) override;
  void close(xmpp::StreamErrorCondition condition, std::string_view text) override;

  // For the shard.
  /// A connection comes to this shard, by accept or from another one.
  void attach(Shard& shard, base::SlotHandle handle);
  /// Begins to read.
  void start();
  void completed(const ring::Completion& completion) override;
  /// Starts a send of what was written, if none is under way. Once in a loop turn.
  void flush() override;
  /// Handles input that came while the stream was paused, and reads on.
  void run_ready() override;
  /// It goes to another shard: nothing of this one holds it any more.
  void leave() { deadline_.cancel(); }
  /// The other shard has it: resource binding goes on.
  void arrived();
  /// Nothing in flight and nothing to send: it may change shards.
  [[nodiscard]] bool may_move() const {
    return operations_ == 0 && is_output_empty() && !is_closing();
  }
  [[nodiscard]] bool is_closing() const { return phase_ != Phase::open; }
  [[nodiscard]] bool is_dead() const override { return phase_ == Phase::dead && operations_ == 0; }
  [[nodiscard]] base::SlotHandle handle() const override { return id_.handle; }
  [[nodiscard]] int fd() const override { return fd_; }
  [[nodiscard]] Connection* as_connection() override { return this; }
  /// Cuts the connection without a word.
  void abort(std::string_view why);

  // For the stream.
  [[nodiscard]] Shard& shard() const { return *shard_; }
  [[nodiscard]] const ListenerSpec& listener() const { return *listener_; }
  [[nodiscard]] Stream& stream() { return stream_; }
  /// Where to write; flushed at the end of the turn.
  [[nodiscard]] base::ByteBuffer& output();
  /// Tells when the kernel has taken all that was written until now, or that it was lost.
  void when_sent(SentMarks::Told told);
  /// The peer is authenticated for good: no binding is asked for any more.
  void forget_channel_bindings();
  /// The stream begins anew (RFC 6120 §4.3.3).
  void restart_input() { framer_.reset(); }
  /// Something else than white space has come behind the element that was handled last.
  [[nodiscard]] bool has_pending_input() const;
  /// Reads on, but hands nothing to the stream until resume().
  void pause() { ++pauses_; }
  void resume();
  /// From now on the client may send so much.
  void set_receive_rate(const ReceiveRate& rate) { receive_rate_ = rate; }
  /// Ends the connection once everything is written.
  void begin_end();
  /// Notes that `source` waits until this connection has caught up. False: it does so already.
  [[nodiscard]] bool remember_held(base::ConnectionId source);
  void set_deadline(std::uint64_t delay_ms);
  void cancel_deadline() { deadline_.cancel(); }
  /// From now on reads by multishot, and stays on this shard.
  void read_continuously();
  [[nodiscard]] std::size_t output_bytes() const { return outbox_ ? outbox_->bytes() : 0; }
  struct Traffic {
    std::uint64_t bytes_received = 0, bytes_sent = 0;
  };
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

 private:
  enum class Phase : std::uint8_t {
    open,
    ending,  ///< The last bytes are on their way out.
    shut,    ///< We have said everything; the peer may still.
    dead,    ///< Waits for its operations.
  };
  void deadline_expired();
  void rested();
  using Deadline = base::OwnedTimer<Connection, &Connection::deadline_expired>;
  using Rest = base::OwnedTimer<Connection, &Connection::rested>;

  [[nodiscard]] ring::Tag tag_of(ring::Op op) const { return {op, id_.handle}; }
  [[nodiscard]] bool is_output_empty() const { return !outbox_ || outbox_->empty(); }
  [[nodiscard]] Outbox& outbox();
  /// Gives the outbox back if there is nothing in it.
  void settle_outbox();
  void mark_dirty();
  void arm_receive();
  void enter_kernel();
  void receive_failed(int error);
  /// The socket carries stream bytes: there is no layer, or the kernel has taken its work over.
  [[nodiscard]] bool is_plain_socket() const { return !layer_ || layer_->is_transparent(); }
  void received(const ring::Completion& completion);
  void received_bytes(std::span<const std::byte> bytes);
  void received_through_layer(std::span<const std::byte> bytes);
  void received_plain(std::span<const std::byte> bytes);
  void charge(std::size_t bytes);
  std::size_t run_frames(std::span<const std::byte> bytes);
  void dispatch(const xml::FrameEvent& event, std::string_view element);
  /// Brings what was written through the layer.
  void pass_to_wire();
  /// Hands to the ring what is to be sent.
  void send_on();
  void sent(const ring::Completion& completion);
  void tell_sent(bool is_sent);
  void peer_ended();
  void all_sent();
  void die();
  void release_held();
  void layer_failed();

  Shard* shard_;
  base::ConnectionId id_;
  int fd_;  ///< A descriptor, or what stands for it in the shard's ring.
  Phase phase_ = Phase::open;
  bool is_receiving_ = false;
  bool is_sending_ = false;
  bool is_dirty_ = false;
  bool is_multishot_ = false;
  bool has_peer_ended_ = false;
  bool is_farewell_said_ = false;
  std::uint8_t operations_ = 0;
  std::uint16_t pauses_ = 0;
  // From shard_ to traffic_ stands what a stanza for it touches: each line of memory is waited for.
  std::unique_ptr<api::Layer> layer_;
  std::unique_ptr<Outbox> outbox_;        ///< Null while there is nothing to write.
  std::unique_ptr<SentMarks> marks_;      ///< Null while nobody waits.
  std::vector<base::ConnectionId> held_;  ///< Senders that wait for this slow reader; each once.
  std::uint64_t written_bytes_ = 0;  ///< Of the stream, handed on since the beginning; for marks_.
  Traffic traffic_;
  base::StanzaLimits limits_ = base::kUnauthenticatedLimits;
  xml::Framer framer_;
  std::size_t scanned_ = 0;            ///< Bytes at the front of input_ that the framer has seen.
  std::span<const std::byte> unread_;  ///< Behind the element that is being handled.
  bool is_dispatching_ = false;
  base::ByteBuffer input_;    ///< An element that is not complete, or input while paused.
  ReceiveRate receive_rate_;  ///< Any until a session begins.
  Allowance allowance_;
  std::unique_ptr<Rest> rest_;  ///< Null while the client sends no more than it may.
  const api::PeerAddress peer_;
  const ListenerSpec* listener_;
  std::unique_ptr<const std::string> tag_;  ///< Null, as few connections have one.
  Deadline deadline_;
  Stream stream_;
};

}  // namespace rondel::server
