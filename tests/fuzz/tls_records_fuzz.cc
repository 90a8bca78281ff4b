// Hostile TLS 1.3 records against the compact engine. The first byte chooses: raw bytes as they
// are, or a script that seals records with the peer's true keys, of any type and content, perhaps
// damaged, cut anywhere. Whatever comes: only what was sealed as data is delivered, in order.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/check.h"
#include "tls/compact_records.h"

namespace rondel::tls {
namespace {

class Peer {
 public:
  explicit Peer(Aead aead) : aead_(aead) {
    const std::string up(secret_bytes(aead), 'u');
    const std::string down(secret_bytes(aead), 'd');
    records_.start(aead, base::as_bytes(up), 0, base::as_bytes(down), 0);
    keys_.start(aead, base::as_bytes(up), 0);
  }

  /// In pieces of `cut` bytes. Each call gets a copy of exactly its own size, so that a read past
  /// it is found.
  void give(std::string_view wire, std::size_t cut) {
    while (!wire.empty() && status_ == Status::ok) {
      const std::string piece(wire.substr(0, cut));
      wire.remove_prefix(piece.size());
      status_ = records_.receive(base::as_bytes(piece), plain_, wire_out_, failure_);
      RONDEL_CHECK(std::string_view(expected_).starts_with(plain_.text()));
      // Answers to KeyUpdates and one alert: never more than comes in.
      RONDEL_CHECK(wire_out_.size() <= (kControlRecordsMax + 2 + expected_.size()) * 40);
      RONDEL_CHECK(status_ != Status::failed || failure_.alert >= 0);
    }
  }

  void run_script(std::string_view script) {
    while (script.size() >= 4 && status_ == Status::ok) {
      const auto number = [&script](std::size_t at) {
        return static_cast<unsigned char>(script[at]);
      };
      const unsigned kind = number(0);
      const std::size_t size = std::min<std::size_t>(number(1), script.size() - 4);
      const std::size_t cut = number(2) % 64 + 1;
      const unsigned damage = number(3);
      const std::string_view content = script.substr(4, size);
      script.remove_prefix(4 + size);
      constexpr std::uint8_t kTypes[] = {21, 22, 23, 23, 23, 20, 0, 24};
      const std::uint8_t type = kTypes[kind % 8];
      std::string wire(content.size() + kRecordOverhead, '\0');
      RecordRun run(RecordRun::Direction::sealing, aead_, keys_);
      run.seal(static_cast<ContentType>(type), base::as_bytes(content),
               reinterpret_cast<std::byte*>(wire.data()));
      const bool is_damaged = damage >= 128;
      if (is_damaged) {
        wire[damage % wire.size()] = static_cast<char>(wire[damage % wire.size()] ^ (kind | 1));
      } else if (type == 23) {
        expected_ += content;
      } else if (type == 0) {
        take_padded(content);
      }
      give(wire, cut);
      if (status_ == Status::ok && type == 22 && !is_damaged && records_.is_at_boundary()) {
        keys_.update(aead_);  // It has taken a whole KeyUpdate.
      }
    }
  }

 private:
  /// A record whose last byte is zero: padding, and the type is the last byte that is not.
  void take_padded(std::string_view content) {
    const std::size_t at = content.find_last_not_of('\0');
    if (at != std::string_view::npos && content[at] == 23) {
      expected_ += content.substr(0, at);
    }
  }

  Aead aead_;
  CompactRecords records_;
  TrafficKeys keys_;
  base::ByteBuffer plain_;
  base::ByteBuffer wire_out_;
  Failure failure_;
  std::string expected_;
  Status status_ = Status::ok;
};

}  // namespace
}  // namespace rondel::tls

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rondel::tls;
  if (size < 2) {
    return 0;
  }
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  Peer peer(static_cast<Aead>(data[0] % 3));
  if ((data[0] & 0x80) != 0) {
    peer.give(rest, data[1] % 64 + 1U);
  } else {
    peer.run_script(rest);
  }
  return 0;
}
