#include "tls/record_cipher.h"

#include <algorithm>
#include <array>
#include <memory>

#include "base/check.h"
#include "base/encoding.h"

namespace rondel::tls {
namespace {

/// Up to so many bytes are copied to where they are sealed, for one call of the cipher instead of
/// two: the record's type stands behind them.
constexpr std::size_t kCopiedBytesMax = 2048;

/// The contexts of one thread, made when first needed.
class ThreadContexts {
 public:
  AeadContext& get(Aead aead, AeadContext::Direction direction) {
    auto& context = contexts_[static_cast<std::size_t>(aead)][static_cast<std::size_t>(direction)];
    if (context == nullptr) [[unlikely]] {
      context = std::make_unique<AeadContext>(aead, direction);
    }
    return *context;
  }

 private:
  std::array<std::array<std::unique_ptr<AeadContext>, 2>, 3> contexts_;
};

void write_header(std::size_t sealed_size, std::byte* out) {
  out[0] = static_cast<std::byte>(ContentType::application_data);
  out[1] = std::byte{3};
  out[2] = std::byte{3};
  out[3] = static_cast<std::byte>(sealed_size >> 8);
  out[4] = static_cast<std::byte>(sealed_size);
}

}  // namespace

RecordRun::RecordRun(Direction direction, Aead aead, TrafficKeys& keys)
    : keys_(keys), aead_(aead), direction_(direction) {
  thread_local ThreadContexts contexts;
  context_ = &contexts.get(aead, direction);
}

void RecordRun::begin_record() {
  // The nonce is the record's number, in the last eight bytes, over the iv: RFC 8446 §5.3.
  std::array<std::byte, kIvBytes> nonce = keys_.iv;
  for (std::size_t i = 0; i < 8; ++i) {
    nonce[kIvBytes - 1 - i] ^= static_cast<std::byte>(keys_.sequence >> (8 * i));
  }
  const auto key = std::span(keys_.key).first(is_keyed_ ? 0 : key_bytes(aead_));
  RONDEL_CHECK(context_->begin(key, nonce));
  is_keyed_ = true;
}

void RecordRun::seal(ContentType type, std::span<const std::byte> plain, std::byte* out) {
  RONDEL_ASSERT(direction_ == Direction::sealing && plain.size() <= kRecordPlainMax);
  begin_record();
  write_header(plain.size() + 1 + kTagBytes, out);
  bool is_good = context_->authenticate({out, kHeaderBytes});
  std::byte* const body = out + kHeaderBytes;
  std::byte* const type_byte = body + plain.size();
  *type_byte = static_cast<std::byte>(type);
  if (plain.size() <= kCopiedBytesMax) {
    std::copy(plain.begin(), plain.end(), body);
    is_good = is_good && context_->update({body, plain.size() + 1}, body);
  } else {
    is_good =
        is_good && context_->update(plain, body) && context_->update({type_byte, 1}, type_byte);
  }
  is_good = is_good && context_->finish({type_byte + 1, kTagBytes});
  RONDEL_CHECK(is_good);  // Nothing half sealed may leave.
  ++keys_.sequence;
}

bool RecordRun::open(std::span<const std::byte> record, std::byte* out) {
  RONDEL_ASSERT(direction_ == Direction::opening && record.size() > kHeaderBytes + kTagBytes);
  begin_record();
  const auto body = record.subspan(kHeaderBytes, record.size() - kHeaderBytes - kTagBytes);
  if (!context_->authenticate(record.first(kHeaderBytes)) || !context_->update(body, out) ||
      !context_->verify(record.last(kTagBytes))) {
    base::wipe({out, body.size()});
    return false;
  }
  ++keys_.sequence;
  return true;
}

}  // namespace rondel::tls
