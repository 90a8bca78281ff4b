// What a connection writes: one buffer, one send at a time, and who waits while the peer is slow.
#include <algorithm>
#include <system_error>

#include "server/connection.h"
#include "server/shard.h"
#include "xml/writer.h"

namespace rondel::server {

void Connection::mark_dirty() {
  if (!is_dirty_) {
    is_dirty_ = true;
    shard_->flush_later(*this);
  }
}

base::ByteBuffer& Connection::output() {
  mark_dirty();
  return output_;
}

void Connection::mark_stanza_end(std::string_view id, std::uint32_t bytes) {
  if (!marks_) {
    marks_ = std::make_unique<std::deque<StanzaMark>>();
  }
  marks_->push_back({written_bytes_ + output_.size(), bytes, std::string(id)});
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
  if (!output_.empty() && (!layer_ || layer_->is_up())) {
    written_bytes_ += output_.size();
    if (is_plain_socket()) {
      if (wire_.empty()) {
        std::swap(output_, wire_);
      } else {
        wire_.append(output_.bytes());
      }
    } else if (layer_->send(output_.bytes(), wire_) != api::Layer::Status::ok) {
      layer_failed();
    }
    output_.release();
  }
  if (wire_.empty() && phase_ == Phase::ending) {
    all_sent();
  }
  if (!wire_.empty()) {
    std::swap(sending_, wire_);
    wire_.release();
    is_sending_ = true;
    ++operations_;
    shard_->ring().send(fd_, sending_.bytes(), tag_of(ring::Op::send));
  }
}

void Connection::sent(const ring::Completion& completion) {
  if (completion.result < 0) {
    sending_.release();
    abort(std::system_category().message(-completion.result));
    return;
  }
  const auto count = static_cast<std::size_t>(completion.result);
  const bool is_next_gib = ((traffic_.bytes_sent + count) >> 30) != (traffic_.bytes_sent >> 30);
  traffic_.bytes_sent += count;
  shard_->counters().bytes_sent += count;
  sending_.consume(count);
  if (!held_.empty() && output_bytes() < base::kOutputBytesLow) {
    release_held();
  }
  if (phase_ == Phase::dead) {
    sending_.release();
    return;
  }
  if (!sending_.empty()) {  // A short send: nothing may come between.
    is_sending_ = true;
    ++operations_;
    shard_->ring().send(fd_, sending_.bytes(), tag_of(ring::Op::send));
    return;
  }
  sending_.release();
  if (is_next_gib && layer_ && layer_->is_transparent() &&
      layer_->tend_socket(fd_) != api::Layer::Status::ok) {
    layer_failed();
  }
  if (marks_) {
    report_sent(true);
  }
  if (!output_.empty() || !wire_.empty() || phase_ == Phase::ending) {
    mark_dirty();
  }
}

void Connection::report_sent(bool is_sent) {
  while (!marks_->empty() && (!is_sent || marks_->front().end <= written_bytes_)) {
    const StanzaMark mark = std::move(marks_->front());
    marks_->pop_front();
    shard_->run_after_send(*this, mark.id, mark.bytes, is_sent);
  }
  if (marks_->empty()) {
    marks_.reset();
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
