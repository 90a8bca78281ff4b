// What a connection writes: one buffer, one send at a time, and who waits while the peer is slow.
#include <algorithm>
#include <limits>
#include <system_error>

#include "server/connection.h"
#include "server/shard.h"
#include "xml/writer.h"

namespace rondel::server {

void Connection::mark_dirty() {
  if (!is_dirty_) {
    is_dirty_ = true;
    shard_->flush_later(handle());
  }
}

Outbox& Connection::outbox() {
  if (!outbox_) {
    outbox_ = shard_->outboxes().take();
  }
  return *outbox_;
}

void Connection::settle_outbox() {
  if (outbox_ && outbox_->empty() && !is_sending_) {
    shard_->outboxes().give_back(std::move(outbox_));
  }
}

base::ByteBuffer& Connection::output() {
  mark_dirty();
  return outbox().output;
}

void Connection::when_sent(SentMarks::Told told) {
  if (!marks_) {
    marks_ = std::make_unique<SentMarks>();
  }
  marks_->add(written_bytes_ + output().size(), std::move(told));
}

void Connection::send_element(const xml::Element& element) {
  if (phase_ == Phase::open) {
    xml::write(element, output(), {.has_stream_prefix = true});
  }
}

void Connection::flush() {
  is_dirty_ = false;
  if (phase_ == Phase::dead) {
    return;
  }
  // Before anything else: a peer that does not read has a send under way for ever.
  if (output_bytes() > base::kOutputBytesMax) {
    abort("the peer does not read what it is sent");
    return;
  }
  if (is_sending_) {
    return;
  }
  pass_to_wire();
  if (phase_ == Phase::ending) {
    if (!is_farewell_said_ && layer_ && layer_->is_up() && !layer_->is_transparent()) {
      // The layer's last words leave with the stream's: a packet less for every session.
      is_farewell_said_ = true;
      layer_->close(outbox().wire);
    }
    if (!outbox_ || outbox_->wire.empty()) {
      all_sent();
    }
  }
  if (outbox_ && !outbox_->wire.empty()) {
    std::swap(outbox_->sending, outbox_->wire);
    send_on();
  } else {
    tell_sent(true);  // Of nothing that was still to be sent.
    settle_outbox();
  }
}

void Connection::pass_to_wire() {
  if (!outbox_ || outbox_->output.empty() || (layer_ && !layer_->is_up())) {
    return;
  }
  Outbox& out = *outbox_;
  written_bytes_ += out.output.size();
  if (!is_plain_socket()) {
    if (layer_->send(out.output.bytes(), out.wire) != api::Layer::Status::ok) {
      layer_failed();
    }
  } else if (out.wire.empty()) {
    std::swap(out.output, out.wire);
  } else {
    out.wire.append(out.output.bytes());
  }
  out.output.clear();
}

void Connection::send_on() {
  is_sending_ = true;
  ++operations_;
  // Behind the last bytes comes the end of the socket, in the same packet. Not if the kernel seals
  // them: its last record would wait for more.
  const bool is_last = phase_ == Phase::ending && outbox_->output.empty() &&
                       outbox_->wire.empty() && !(layer_ && layer_->is_transparent());
  const std::span<const std::byte> bytes = outbox_->sending.bytes();
  if (is_last) {
    shard_->ring().send_last(fd_, bytes, tag_of(ring::Op::send));
  } else {
    shard_->ring().send(fd_, bytes, tag_of(ring::Op::send));
  }
}

void Connection::sent(const ring::Completion& completion) {
  base::ByteBuffer& sending = outbox_->sending;
  if (completion.result < 0) {
    sending.clear();
    abort(std::system_category().message(-completion.result));
    settle_outbox();  // If it was dead already.
    return;
  }
  const auto count = static_cast<std::size_t>(completion.result);
  const bool is_next_gib = ((traffic_.bytes_sent + count) >> 30) != (traffic_.bytes_sent >> 30);
  traffic_.bytes_sent += count;
  shard_->counters().bytes_sent += count;
  sending.consume(count);
  if (!held_.empty() && output_bytes() < base::kOutputBytesLow) {
    release_held();
  }
  if (phase_ == Phase::dead) {
    sending.clear();
    settle_outbox();
    return;
  }
  if (!sending.empty()) {  // A short send: nothing may come between.
    send_on();
    return;
  }
  if (is_next_gib && layer_ && layer_->is_transparent() &&
      layer_->tend_socket(fd_) != api::Layer::Status::ok) {
    layer_failed();
  }
  tell_sent(true);
  if (!is_output_empty() || phase_ == Phase::ending) {
    mark_dirty();
  }
  settle_outbox();
}

void Connection::tell_sent(bool is_sent) {
  // Who is told may write, mark, or end the connection, which comes here again.
  while (marks_) {
    SentMarks::Told told =
        marks_->take(is_sent ? written_bytes_ : std::numeric_limits<std::uint64_t>::max());
    if (!told) {
      return;
    }
    if (marks_->empty()) {
      marks_.reset();
    }
    told(is_sent);
  }
}

bool Connection::remember_held(base::ConnectionId source) {
  if (std::find(held_.begin(), held_.end(), source) != held_.end()) {
    return false;
  }
  if (held_.empty()) {
    // Nobody may silence others for ever by not reading what they are made to answer.
    set_deadline(base::kSlowReaderDeadlineMs);
  }
  held_.push_back(source);
  return true;
}

void Connection::release_held() {
  if (held_.empty()) {
    return;
  }
  if (phase_ == Phase::open) {
    cancel_deadline();
  }
  std::vector<base::ConnectionId> held;
  std::swap(held, held_);
  for (const base::ConnectionId source : held) {
    shard_->release_source(source);
  }
}

}  // namespace rondel::server
