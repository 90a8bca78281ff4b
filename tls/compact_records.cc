#include "tls/compact_records.h"

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <utility>

#include "base/check.h"
#include "tls/messages.h"

namespace rondel::tls {
namespace {

std::size_t body_size(std::span<const std::byte> header) {
  return std::to_integer<std::size_t>(header[3]) << 8 | std::to_integer<std::size_t>(header[4]);
}

}  // namespace

/// What one receive() works on.
struct CompactRecords::Call {
  std::span<const std::byte> wire;
  base::ByteBuffer& plain;
  base::ByteBuffer& wire_out;
  Failure& failure;
  RecordRun run;
  Status status = Status::ok;
};

void CompactRecords::start(Aead aead,
                           std::span<const std::byte> receive_secret,
                           std::uint64_t records_received,
                           std::span<const std::byte> send_secret,
                           std::uint64_t records_sent) {
  aead_ = aead;
  receive_.start(aead, receive_secret, records_received);
  send_.start(aead, send_secret, records_sent);
}

Status CompactRecords::receive(std::span<const std::byte> wire,
                               base::ByteBuffer& plain,
                               base::ByteBuffer& wire_out,
                               Failure& failure) {
  Call call{wire,      plain, wire_out, failure, {RecordRun::Direction::opening, aead_, receive_},
            Status::ok};
  while (call.status == Status::ok) {
    const std::span<const std::byte> record = next_record(call);
    if (record.empty()) {
      break;
    }
    call.status = take_record(call, record);
    if (!partial_.empty()) {
      partial_.release();  // It was this record: an idle connection holds no buffer.
    }
  }
  // Once for all that came together: RFC 8446 §4.6.3 allows it, and a flood gains nothing.
  if (std::exchange(must_answer_update_, false) && call.status == Status::ok && !is_close_sent_) {
    update_send_key(wire_out);
  }
  return call.status;
}

std::span<const std::byte> CompactRecords::next_record(Call& call) {
  if (partial_.empty() && call.wire.size() >= kHeaderBytes) {
    if (call.status = check_header(call, call.wire); call.status != Status::ok) {
      return {};
    }
    const std::size_t size = kHeaderBytes + body_size(call.wire);
    if (call.wire.size() >= size) {
      const auto record = call.wire.first(size);
      call.wire = call.wire.subspan(size);
      return record;
    }
  }
  const auto take = [this, &call](std::size_t wanted) {
    const std::size_t count = std::min(wanted - partial_.size(), call.wire.size());
    partial_.append(call.wire.first(count));
    call.wire = call.wire.subspan(count);
    return partial_.size() == wanted;
  };
  if (partial_.size() < kHeaderBytes) {
    if (!take(kHeaderBytes)) {
      return {};
    }
    if (call.status = check_header(call, partial_.bytes()); call.status != Status::ok) {
      return {};
    }
  }
  return take(kHeaderBytes + body_size(partial_.bytes())) ? partial_.bytes()
                                                          : std::span<const std::byte>();
}

Status CompactRecords::check_header(Call& call, std::span<const std::byte> header) {
  // The version is part of what is authenticated, and of no other use: RFC 8446 §5.1.
  if (header[0] != static_cast<std::byte>(ContentType::application_data)) {
    return fail(call, alert::kUnexpectedMessage,
                fmt::format("a record of type {} that is not encrypted",
                            std::to_integer<unsigned>(header[0])));
  }
  const std::size_t size = body_size(header);
  if (size > kSealedMax) {
    return fail(call, alert::kRecordOverflow, fmt::format("a record of {} bytes", size));
  }
  if (size <= kTagBytes) {
    return fail(call, alert::kDecodeError, fmt::format("a record of {} bytes", size));
  }
  return Status::ok;
}

Status CompactRecords::take_record(Call& call, std::span<const std::byte> record) {
  const std::size_t inner_size = record.size() - kHeaderBytes - kTagBytes;
  // Room for everything that this call can still yield, so that the buffer grows once.
  const auto room = call.plain.prepare(std::max(inner_size, call.wire.size()));
  if (!call.run.open(record, room.data())) {
    return fail(call, alert::kBadRecordMac, "decryption failed: bad record mac");
  }
  std::size_t size = inner_size;
  while (size > 0 && room[size - 1] == std::byte{0}) {
    --size;  // Padding: RFC 8446 §5.4.
  }
  if (size == 0) {
    return fail(call, alert::kUnexpectedMessage, "a record of nothing but padding");
  }
  --size;
  const auto type = static_cast<ContentType>(room[size]);
  const auto content = std::span<const std::byte>(room).first(size);
  if (message_size_ != 0 && type != ContentType::handshake) {
    return fail(call, alert::kUnexpectedMessage, "another record within a KeyUpdate");
  }
  switch (type) {
    case ContentType::application_data:
      if (size == 0) {
        return count_control_record(call);
      }
      call.plain.commit(size);
      plain_bytes_ += size;
      return Status::ok;
    case ContentType::alert:
      return take_alert(call, content);
    case ContentType::handshake:
      return take_handshake(call, content);
  }
  return fail(call, alert::kUnexpectedMessage,
              fmt::format("a record of type {}", static_cast<unsigned>(type)));
}

Status CompactRecords::take_alert(Call& call, std::span<const std::byte> content) {
  const std::optional<Failure> verdict = judge_alert(content);
  if (!verdict) {
    return count_control_record(call);
  }
  if (!verdict->is_from_peer) {
    return fail(call, verdict->alert, verdict->text);
  }
  if (verdict->alert == alert::kCloseNotify) {
    return Status::closed;
  }
  call.failure = *verdict;  // It has gone: nothing to answer.
  is_close_sent_ = true;
  return Status::failed;
}

Status CompactRecords::take_handshake(Call& call, std::span<const std::byte> content) {
  if (content.empty()) {
    return fail(call, alert::kUnexpectedMessage, "an empty piece of a handshake message");
  }
  const std::size_t taken = std::min(content.size(), message_.size() - message_size_);
  std::copy_n(content.begin(), taken, message_.begin() + message_size_);
  message_size_ = static_cast<std::uint8_t>(message_size_ + taken);
  const auto message = std::span<const std::byte>(message_).first(message_size_);
  if (const std::optional<Failure> fault = judge_key_update(message)) {
    return fail(call, fault->alert, fault->text);
  }
  if (taken < content.size()) {
    return fail(call, alert::kUnexpectedMessage, "bytes behind a KeyUpdate in its record");
  }
  if (message_size_ == kKeyUpdateBytes) {
    message_size_ = 0;
    must_answer_update_ = must_answer_update_ || is_update_requested(message_);
    receive_.update(aead_);
    call.run.rekey();
  }
  return count_control_record(call);
}

Status CompactRecords::count_control_record(Call& call) {
  if (!is_control_flood(++control_records_, plain_bytes_)) {
    return Status::ok;
  }
  const Failure flood = control_flood(control_records_);
  return fail(call, flood.alert, flood.text);
}

Status CompactRecords::fail(Call& call, int alert, std::string text) {
  call.failure = {alert, false, std::move(text)};
  if (!is_close_sent_) {
    is_close_sent_ = true;
    seal_small(ContentType::alert, alert_message(static_cast<std::uint8_t>(alert)), call.wire_out);
  }
  return Status::failed;
}

void CompactRecords::send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) {
  RONDEL_ASSERT(!is_close_sent_);
  const std::size_t records = (plain.size() + kRecordPlainMax - 1) / kRecordPlainMax;
  if (send_.sequence + records >= kRecordsPerKeyMax) [[unlikely]] {
    update_send_key(wire_out);
  }
  RecordRun run(RecordRun::Direction::sealing, aead_, send_);
  std::byte* out = wire_out.prepare(plain.size() + records * kRecordOverhead).data();
  while (!plain.empty()) {
    const auto part = plain.first(std::min(plain.size(), kRecordPlainMax));
    plain = plain.subspan(part.size());
    run.seal(ContentType::application_data, part, out);
    out += part.size() + kRecordOverhead;
    wire_out.commit(part.size() + kRecordOverhead);
  }
}

void CompactRecords::close(base::ByteBuffer& wire_out) {
  if (!is_close_sent_) {
    is_close_sent_ = true;
    seal_small(ContentType::alert, alert_message(alert::kCloseNotify), wire_out);
  }
}

void CompactRecords::seal_small(ContentType type,
                                std::span<const std::byte> plain,
                                base::ByteBuffer& wire_out) {
  RecordRun run(RecordRun::Direction::sealing, aead_, send_);
  const std::size_t size = plain.size() + kRecordOverhead;
  run.seal(type, plain, wire_out.prepare(size).data());
  wire_out.commit(size);
}

void CompactRecords::update_send_key(base::ByteBuffer& wire_out) {
  seal_small(ContentType::handshake, kKeyUpdate, wire_out);
  send_.update(aead_);
}

}  // namespace rondel::tls
