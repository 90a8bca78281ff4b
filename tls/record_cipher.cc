#include "tls/record_cipher.h"

#include <array>
#include <cstring>
#include <openssl/evp.h>

#include "base/check.h"
#include "base/encoding.h"

namespace rondel::tls {
namespace {

unsigned char* raw(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

constexpr std::size_t kAeads = 3;

/// Fetched once; live as long as the process.
const EVP_CIPHER* cipher_of(Aead aead) {
  static const std::array<const EVP_CIPHER*, kAeads> fetched{
      EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr),
      EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr),
      EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr)};
  return fetched[static_cast<std::size_t>(aead)];
}

/// The contexts of one thread, made when first needed.
class ThreadContexts {
 public:
  ThreadContexts() = default;
  ThreadContexts(const ThreadContexts&) = delete;
  ThreadContexts& operator=(const ThreadContexts&) = delete;
  ~ThreadContexts() {
    for (EVP_CIPHER_CTX* context : contexts_) {
      EVP_CIPHER_CTX_free(context);
    }
  }

  EVP_CIPHER_CTX* get(Aead aead, bool is_sealing) {
    EVP_CIPHER_CTX*& context =
        contexts_[static_cast<std::size_t>(aead) * 2 + (is_sealing ? 1U : 0U)];
    if (context == nullptr) [[unlikely]] {
      context = EVP_CIPHER_CTX_new();
      RONDEL_CHECK(context != nullptr &&
                   EVP_CipherInit_ex2(context, cipher_of(aead), nullptr, nullptr,
                                      is_sealing ? 1 : 0, nullptr) == 1);
    }
    return context;
  }

 private:
  std::array<EVP_CIPHER_CTX*, 2 * kAeads> contexts_{};
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
    : keys_(keys), direction_(direction) {
  thread_local ThreadContexts contexts;
  context_ = contexts.get(aead, direction == Direction::sealing);
}

void RecordRun::begin_record() {
  // The nonce is the record's number, in the last eight bytes, over the iv: RFC 8446 §5.3.
  std::array<std::byte, kIvBytes> nonce = keys_.iv;
  for (std::size_t i = 0; i < 8; ++i) {
    nonce[kIvBytes - 1 - i] ^= static_cast<std::byte>(keys_.sequence >> (8 * i));
  }
  const unsigned char* key = is_keyed_ ? nullptr : raw(keys_.key.data());
  RONDEL_CHECK(EVP_CipherInit_ex2(context_, nullptr, key, raw(nonce.data()),
                                  direction_ == Direction::sealing ? 1 : 0, nullptr) == 1);
  is_keyed_ = true;
}

void RecordRun::seal(ContentType type, std::span<const std::byte> plain, std::byte* out) {
  RONDEL_ASSERT(direction_ == Direction::sealing && plain.size() <= kRecordPlainMax);
  begin_record();
  write_header(plain.size() + 1 + kTagBytes, out);
  std::byte* body = out + kHeaderBytes;
  const auto type_byte = static_cast<unsigned char>(type);
  int size = 0;
  int ok = EVP_EncryptUpdate(context_, nullptr, &size, raw(out), kHeaderBytes);
  if (!plain.empty()) {
    ok &= EVP_EncryptUpdate(context_, raw(body), &size, raw(plain.data()),
                            static_cast<int>(plain.size()));
  }
  body += plain.size();
  ok &= EVP_EncryptUpdate(context_, raw(body), &size, &type_byte, 1);
  ok &= EVP_EncryptFinal_ex(context_, raw(body + 1), &size);
  ok &= EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, kTagBytes, body + 1);
  RONDEL_CHECK(ok == 1);  // Nothing half sealed may leave.
  ++keys_.sequence;
}

bool RecordRun::open(std::span<const std::byte> record, std::byte* out) {
  RONDEL_ASSERT(direction_ == Direction::opening && record.size() > kHeaderBytes + kTagBytes);
  begin_record();
  const std::size_t inner_size = record.size() - kHeaderBytes - kTagBytes;
  std::array<std::byte, kTagBytes> tag;
  std::memcpy(tag.data(), record.data() + record.size() - kTagBytes, kTagBytes);
  int size = 0;
  int ok = EVP_DecryptUpdate(context_, nullptr, &size, raw(record.data()), kHeaderBytes);
  ok &= EVP_DecryptUpdate(context_, raw(out), &size, raw(record.data() + kHeaderBytes),
                          static_cast<int>(inner_size));
  ok &= EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data());
  if (ok != 1 || EVP_DecryptFinal_ex(context_, raw(out) + inner_size, &size) != 1) {
    base::wipe({out, inner_size});
    return false;
  }
  ++keys_.sequence;
  return true;
}

}  // namespace rondel::tls
