#include "perf/load/client_records.h"

#include <algorithm>

namespace rondel::load {
namespace {

constexpr std::byte kKeyUpdate{24};
constexpr std::byte kCloseNotify{0};
constexpr std::size_t kHeadBytes = 4;  ///< Type and length of a handshake message.

std::size_t record_size(std::span<const std::byte> header) {
  return tls::kHeaderBytes + (std::to_integer<std::size_t>(header[3]) << 8) +
         std::to_integer<std::size_t>(header[4]);
}

}  // namespace

ClientRecords::ClientRecords(tls::Aead aead,
                             std::span<const std::byte> receive_secret,
                             std::span<const std::byte> send_secret)
    : aead_(aead) {
  receive_.start(aead, receive_secret, 0);
  send_.start(aead, send_secret, 0);
}

TlsStatus ClientRecords::receive(std::span<const std::byte> wire,
                                 base::ByteBuffer& plain,
                                 base::ByteBuffer& wire_out) {
  TlsStatus status = TlsStatus::ok;
  if (!partial_.empty()) {
    partial_.append(wire);
    wire = partial_.bytes();
  }
  std::size_t taken = 0;
  while (status == TlsStatus::ok && wire.size() - taken >= tls::kHeaderBytes) {
    const auto rest = wire.subspan(taken);
    const std::size_t size = record_size(rest);
    if (rest.size() < size) {
      break;
    }
    status = take_record(rest.first(size), plain, wire_out);
    taken += size;
  }
  if (!partial_.empty()) {
    partial_.consume(taken);
    if (partial_.empty()) {
      partial_.release();
    }
  } else {
    partial_.append(wire.subspan(taken));
  }
  return status;
}

TlsStatus ClientRecords::take_record(std::span<const std::byte> record,
                                     base::ByteBuffer& plain,
                                     base::ByteBuffer& wire_out) {
  if (static_cast<tls::ContentType>(record[0]) != tls::ContentType::application_data ||
      record.size() <= tls::kHeaderBytes + tls::kTagBytes) {
    return TlsStatus::failed;
  }
  std::size_t size = record.size() - tls::kHeaderBytes - tls::kTagBytes;
  const auto room = plain.prepare(size);
  tls::RecordRun run(tls::RecordRun::Direction::opening, aead_, receive_);
  if (!run.open(record, room.data())) {
    return TlsStatus::failed;
  }
  while (size > 0 && room[size - 1] == std::byte{0}) {
    --size;
  }
  if (size == 0) {
    return TlsStatus::failed;
  }
  --size;
  const auto content = std::span<const std::byte>(room).first(size);
  switch (static_cast<tls::ContentType>(room[size])) {
    case tls::ContentType::application_data:
      plain.commit(size);
      return TlsStatus::ok;
    case tls::ContentType::handshake:
      return take_messages(content, wire_out);
    case tls::ContentType::alert:
      break;
  }
  const bool is_end = content.size() == 2 && content[1] == kCloseNotify;
  return is_end ? TlsStatus::closed : TlsStatus::failed;
}

TlsStatus ClientRecords::take_messages(std::span<const std::byte> content,
                                       base::ByteBuffer& wire_out) {
  while (!content.empty()) {
    if (body_left_ == 0) {
      const std::size_t taken = std::min(content.size(), kHeadBytes - head_size_);
      std::copy_n(content.begin(), taken, head_.begin() + head_size_);
      head_size_ = static_cast<std::uint8_t>(head_size_ + taken);
      content = content.subspan(taken);
      if (head_size_ < kHeadBytes) {
        break;
      }
      head_size_ = 0;
      body_left_ = std::to_integer<std::uint32_t>(head_[1]) << 16 |
                   std::to_integer<std::uint32_t>(head_[2]) << 8 |
                   std::to_integer<std::uint32_t>(head_[3]);
      continue;
    }
    if (head_[0] == kKeyUpdate) {
      const bool must_answer = content[0] == std::byte{1};
      receive_.update(aead_);
      if (must_answer) {
        constexpr std::array<std::byte, 5> kAnswer{kKeyUpdate, std::byte{0}, std::byte{0},
                                                   std::byte{1}, std::byte{0}};
        seal(tls::ContentType::handshake, kAnswer, wire_out);
        send_.update(aead_);
      }
    }
    const std::size_t taken = std::min<std::size_t>(content.size(), body_left_);
    body_left_ -= static_cast<std::uint32_t>(taken);
    content = content.subspan(taken);
  }
  return TlsStatus::ok;
}

void ClientRecords::send(std::span<const std::byte> plain, base::ByteBuffer& wire_out) {
  tls::RecordRun run(tls::RecordRun::Direction::sealing, aead_, send_);
  while (!plain.empty()) {
    const auto part = plain.first(std::min(plain.size(), tls::kRecordPlainMax));
    const std::size_t size = part.size() + tls::kRecordOverhead;
    run.seal(tls::ContentType::application_data, part, wire_out.prepare(size).data());
    wire_out.commit(size);
    plain = plain.subspan(part.size());
  }
}

void ClientRecords::close(base::ByteBuffer& wire_out) {
  constexpr std::array<std::byte, 2> kAlert{std::byte{1}, kCloseNotify};
  seal(tls::ContentType::alert, kAlert, wire_out);
}

void ClientRecords::seal(tls::ContentType type,
                         std::span<const std::byte> plain,
                         base::ByteBuffer& wire_out) {
  tls::RecordRun run(tls::RecordRun::Direction::sealing, aead_, send_);
  const std::size_t size = plain.size() + tls::kRecordOverhead;
  run.seal(type, plain, wire_out.prepare(size).data());
  wire_out.commit(size);
}

}  // namespace rondel::load
