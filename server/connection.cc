#include "server/connection.h"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <system_error>

#include "log/log.h"
#include "server/shard.h"
#include "xml/parser.h"
#include "xml/writer.h"
#include "xmpp/stream_error.h"

namespace rondel::server {

Connection::Connection(Shard& shard,
                       int fd,
                       const api::PeerAddress& peer,
                       const ListenerSpec& listener)
    : shard_(&shard), fd_(fd), peer_(peer), listener_(&listener), deadline_(*this), stream_(*this) {
}

Connection::~Connection() {
  RONDEL_CHECK(operations_ == 0);
}

std::string_view Connection::interface_name() const {
  if (stream_.interface() != nullptr) {
    return stream_.interface()->options.name;
  }
  return listener_->interfaces.size() == 1
             ? std::string_view(listener_->interfaces.front()->options.name)
             : std::string_view();
}

void Connection::attach(Shard& shard, base::SlotHandle handle) {
  shard_ = &shard;
  id_ = {shard.index(), handle};
}

void Connection::start() {
  arm_receive();
}

void Connection::arrived() {
  if (phase_ == Phase::open) {
    set_deadline(base::kAuthenticationDeadlineMs);
    stream_.arrived();
  }
}

void Connection::read_continuously() {
  is_multishot_ = true;
  // Kernel TLS is set up and looked after through a descriptor.
  const bool needs_descriptor = layer_ && (layer_->is_transparent() || layer_->wants_socket());
  if (operations_ == 0 && !needs_descriptor) {
    fd_ = shard_->ring().keep(fd_);
  }
}

void Connection::enter_kernel() {
  if (!layer_ || is_receiving_ || is_sending_ || !is_output_empty() || is_closing() ||
      layer_->is_transparent() || !layer_->wants_socket()) {
    return;
  }
  if (layer_->enter_socket(fd_) == api::Layer::Status::failed) {
    layer_failed();
  }
  stream_.count_session();
}

void Connection::arm_receive() {
  enter_kernel();
  // What is on its way out has to leave before the kernel takes over; what comes meanwhile waits in
  // the socket.
  if (layer_ && !is_multishot_ && !is_output_empty() && phase_ == Phase::open &&
      !layer_->is_transparent() && layer_->wants_socket()) {
    return;
  }
  if (is_receiving_ || has_peer_ended_ || phase_ == Phase::dead ||
      (pauses_ > 0 && (!is_multishot_ || input_.size() > kPausedBytesMax))) {
    return;
  }
  is_receiving_ = true;
  ++operations_;
  shard_->ring().receive(
      fd_, tag_of(ring::Op::receive),
      is_multishot_ ? ring::ReceiveMode::multishot : ring::ReceiveMode::one_shot);
}

void Connection::completed(const ring::Completion& completion) {
  if (completion.tag.op == ring::Op::receive) {
    if (!completion.has_more) {
      is_receiving_ = false;
      --operations_;
    }
    received(completion);
    arm_receive();
  } else if (completion.tag.op == ring::Op::send) {
    is_sending_ = false;
    --operations_;
    sent(completion);
    arm_receive();
  }
  if (is_dead()) {
    shard_->bury(*this);
  }
}

void Connection::received(const ring::Completion& completion) {
  if (phase_ == Phase::dead) {
    return;
  }
  if (completion.result > 0) {
    traffic_.bytes_received += static_cast<std::uint64_t>(completion.result);
    shard_->counters().bytes_received += static_cast<std::uint64_t>(completion.result);
    // After our own end nothing that the peer says matters, but its end has to be read.
    if (phase_ == Phase::open) {
      received_bytes(completion.data);
    }
  } else if (completion.result == 0) {
    peer_ended();
  } else if (completion.result != -ECANCELED) {
    receive_failed(-completion.result);
  }
}

void Connection::receive_failed(int error) {
  if (!layer_ || !layer_->is_transparent() || phase_ != Phase::open) {
    abort(std::system_category().message(error));
    return;
  }
  base::ByteBuffer& plain = shard_->scratch();
  plain.clear();
  const api::Layer::Status status = layer_->receive_error(fd_, error, plain);
  if (!plain.empty()) {
    received_plain(plain.bytes());
  }
  if (status == api::Layer::Status::closed) {
    peer_ended();
  } else if (status == api::Layer::Status::failed) {
    layer_failed();
  }
}

void Connection::received_bytes(std::span<const std::byte> bytes) {
  if (is_plain_socket()) {
    received_plain(bytes);
  } else {
    received_through_layer(bytes);
  }
  // A paused stream that goes on sending must not fill our memory: what it sends stays in its
  // socket.
  if (pauses_ > 0 && is_receiving_ && input_.size() > kPausedBytesMax) {
    shard_->ring().cancel(tag_of(ring::Op::receive));
  }
}

void Connection::received_through_layer(std::span<const std::byte> bytes) {
  base::ByteBuffer& plain = shard_->scratch();
  plain.clear();
  const bool was_up = layer_->is_up();
  const api::Layer::Status status = layer_->receive(bytes, plain, outbox().wire);
  if (!outbox_->wire.empty()) {
    mark_dirty();
  } else {
    settle_outbox();
  }
  if (!was_up && layer_->is_up() && !stream_.layer_came_up(*layer_)) {
    return;
  }
  if (!plain.empty()) {
    received_plain(plain.bytes());
  }
  if (status == api::Layer::Status::closed) {
    peer_ended();
  } else if (status == api::Layer::Status::failed) {
    layer_failed();
  }
}

void Connection::layer_failed() {
  RONDEL_LOG_INFO_WITH(stream_.log(),
                       (log::Fields{.connection = id_, .remote_address = peer_.text()}),
                       "layer.failed", "{}", layer_->failure());
  stream_.ended();
  if (outbox_) {
    outbox_->output.clear();
  }
  is_farewell_said_ = true;  // The layer has put its alert into `wire` itself.
  begin_end();
}

void Connection::received_plain(std::span<const std::byte> bytes) {
  charge(bytes.size());
  if (!input_.empty() || pauses_ > 0) {
    input_.append(bytes);
    if (pauses_ == 0) {
      input_.consume(run_frames(input_.bytes()));
    }
  } else {
    const std::size_t used = run_frames(bytes);
    if (used < bytes.size() && phase_ == Phase::open) {
      input_.append(bytes.subspan(used));
    }
  }
  if (input_.empty() || phase_ != Phase::open) {
    input_.release();
  }
}

std::size_t Connection::run_frames(std::span<const std::byte> bytes) {
  std::size_t begin = 0;
  std::size_t at = scanned_;
  while (at < bytes.size() && pauses_ == 0 && phase_ == Phase::open) {
    const std::span<const std::byte> rest = bytes.subspan(at);
    xml::ThreadParser::Taken taken;  // Most stanzas are taken at once.
    if (framer_.is_between_stanzas()) {
      taken = shard_->parser().try_take(base::as_text(rest), stream_.namespaces(), limits_);
    }
    xml::FrameEvent event{xml::FrameKind::stanza, {}, taken.bytes};
    if (taken.stanza.empty()) {
      event = framer_.feed(rest, limits_);
    }
    at += event.consumed;
    if (event.kind == xml::FrameKind::need_more) {
      break;
    }
    const std::string_view element = base::as_text(bytes.subspan(begin, at - begin));
    begin = at;
    unread_ = bytes.subspan(at);
    is_dispatching_ = true;
    if (taken.stanza.empty()) {
      dispatch(event, element);
    } else {
      stream_.received(std::move(taken.stanza));
    }
    is_dispatching_ = false;
    unread_ = {};
  }
  scanned_ = at - begin;
  return begin;
}

void Connection::charge(std::size_t bytes) {
  const std::uint64_t rest_ms = allowance_.spend(bytes, shard_->timers().now_ms(), receive_rate_);
  if (rest_ms == 0 || phase_ != Phase::open) {
    return;
  }
  if (!rest_) {
    rest_ = std::make_unique<Rest>(*this);
    pause();
  }
  shard_->timers().set(*rest_, rest_ms);
}

void Connection::rested() {
  rest_.reset();  // The timer itself, which the wheel has let go of.
  resume();
}

bool Connection::has_pending_input() const {
  const std::span<const std::byte> pending = is_dispatching_ ? unread_ : input_.bytes();
  return base::as_text(pending).find_first_not_of(" \t\r\n") != std::string_view::npos;
}

void Connection::dispatch(const xml::FrameEvent& event, std::string_view element) {
  switch (event.kind) {
    case xml::FrameKind::stream_open:
      stream_.opened(element);
      return;
    case xml::FrameKind::stanza: {
      auto document = shard_->parser().parse(element, stream_.namespaces());
      if (!document) {
        close(xmpp::to_stream_error(document.error()), {});
        return;
      }
      stream_.received(std::move(*document));
      return;
    }
    case xml::FrameKind::stream_close:
      stream_.closed_by_peer();
      return;
    case xml::FrameKind::error:
      close(xmpp::to_stream_error(event.error), {});
      return;
    case xml::FrameKind::whitespace:
    case xml::FrameKind::need_more:
      return;
  }
}

void Connection::resume() {
  RONDEL_ASSERT(pauses_ > 0);
  if (--pauses_ == 0) {
    shard_->make_ready(*this);
  }
}

void Connection::run_ready() {
  if (pauses_ == 0 && phase_ == Phase::open && !input_.empty()) {
    input_.consume(run_frames(input_.bytes()));
    if (input_.empty()) {
      input_.release();
    }
  }
  if (has_peer_ended_ && pauses_ == 0 && phase_ == Phase::open) {
    abort("the peer closed its connection");
    return;
  }
  arm_receive();
}

void Connection::install_layer(std::unique_ptr<api::Layer> layer) {
  RONDEL_CHECK(layer_ == nullptr);
  if (has_unread_bytes()) {
    close(xmpp::StreamErrorCondition::policy_violation, "bytes behind the request for a layer");
    return;
  }
  Outbox& out = outbox();
  out.wire.append(out.output.bytes());
  written_bytes_ += out.output.size();
  out.output.clear();
  mark_dirty();
  layer_ = std::move(layer);
  restart_input();
  stream_.restart();
}

void Connection::forget_channel_bindings() {
  if (layer_) {
    layer_->forget_channel_bindings();
  }
}

void Connection::close(xmpp::StreamErrorCondition condition, std::string_view text) {
  if (phase_ != Phase::open) {
    return;
  }
  stream_.write_error(condition, text);
  begin_end();  // First: behind the end of the stream nobody may write, nor close it once more.
  stream_.ended();
}

void Connection::begin_end() {
  if (phase_ != Phase::open) {
    return;
  }
  phase_ = Phase::ending;
  set_deadline(base::kCloseDeadlineMs);
  mark_dirty();
}

void Connection::all_sent() {
  if (layer_ && layer_->is_transparent() && !is_farewell_said_) {
    is_farewell_said_ = true;
    layer_->close_socket(fd_);
  }
  phase_ = Phase::shut;
  shard_->ring().shut_down(fd_, SHUT_WR);
  if (has_peer_ended_) {
    die();
  } else {
    arm_receive();
  }
}

void Connection::peer_ended() {
  has_peer_ended_ = true;
  switch (phase_) {
    case Phase::open:
      if (pauses_ == 0) {  // Else what it has asked for last is answered first.
        abort("the peer closed its connection");
      }
      return;
    case Phase::ending:
      return;  // It may still read what is on its way.
    case Phase::shut:
      die();
      return;
    case Phase::dead:
      return;
  }
}

void Connection::abort(std::string_view why) {
  if (phase_ == Phase::dead) {
    return;
  }
  if (phase_ == Phase::open) {
    stream_.lost(why);
  }
  die();
}

void Connection::die() {
  phase_ = Phase::dead;
  deadline_.cancel();
  rest_.reset();
  release_held();
  tell_sent(false);
  input_.release();
  if (outbox_) {
    outbox_->output.clear();
    outbox_->wire.clear();
    settle_outbox();
  }
  if (is_receiving_) {
    shard_->ring().cancel(tag_of(ring::Op::receive));
  }
  if (is_sending_) {
    // A send to a peer that does not read would wait for ever.
    shard_->ring().shut_down(fd_, SHUT_RDWR);
    shard_->ring().cancel(tag_of(ring::Op::send));
  }
  if (is_dead()) {
    shard_->bury(*this);
  }
}

void Connection::set_deadline(std::uint64_t delay_ms) {
  shard_->timers().set(deadline_, delay_ms);
}

void Connection::deadline_expired() {
  if (phase_ == Phase::open) {
    if (!held_.empty()) {
      abort("others have waited too long for it to read");
    } else if (layer_ && !layer_->is_up()) {
      abort("the handshake took too long");
    } else {
      close(xmpp::StreamErrorCondition::connection_timeout, "authentication took too long");
    }
  } else {
    die();
  }
}

}  // namespace rondel::server
