#include "tls/session_ticket.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/encoding.h"
#include "tls/record_cipher.h"

namespace rondel::tls {
namespace {

constexpr std::size_t kTicketIvBytes = 16;
constexpr std::size_t kBlockBytes = 16;
constexpr std::size_t kMacBytes = 32;
/// The message goes into one record.
constexpr std::size_t kTicketBytesMax = kRecordPlainMax - 64;
constexpr std::uint8_t kNewSessionTicket = 4;  ///< RFC 8446 §4.

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char* raw(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

/// Takes places from the front of what a message has left.
class Writer {
 public:
  explicit Writer(std::span<std::byte> room) : room_(room) {}
  std::span<std::byte> take(std::size_t size) {
    const auto place = room_.first(size);
    room_ = room_.subspan(size);
    return place;
  }
  /// Big-endian, in `size` bytes.
  void put(std::uint32_t value, std::size_t size) {
    for (std::byte& byte : take(size)) {
      --size;
      byte = static_cast<std::byte>(value >> (8 * size));
    }
  }
  void put(std::span<const std::byte> bytes) {
    std::copy(bytes.begin(), bytes.end(), take(bytes.size()).begin());
  }

 private:
  std::span<std::byte> room_;
};

/// The session as its client resumes it: with a key of this ticket's own. Source: RFC 8446 §4.6.1.
bool set_ticket_key(SSL_SESSION& session, const Resumption& resumption, std::byte nonce) {
  std::array<std::byte, kHashBytesMax> bytes{};
  const auto key = std::span(bytes).first(hash_bytes(resumption.hash));
  const bool is_set = try_expand_label(resumption.hash, resumption.secret, kLabelPrefix,
                                       "resumption", std::span(&nonce, 1), key) &&
                      SSL_SESSION_set1_master_key(&session, raw(key), key.size()) == 1 &&
                      SSL_SESSION_set_time(&session, static_cast<long>(std::time(nullptr))) != 0;
  base::wipe(bytes);
  return is_set;
}

/// Encrypts the first `size` bytes of `room`, which has place for the padding.
bool encrypt(const TicketKey& key,
             std::span<const std::byte> iv,
             std::size_t size,
             std::span<std::byte> room) {
  const CipherContext context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int count = 0;
  int last = 0;
  return context != nullptr &&
         EVP_EncryptInit_ex2(context.get(), ticket_cipher(), raw(key.cipher_key), raw(iv),
                             nullptr) == 1 &&
         EVP_EncryptUpdate(context.get(), raw(room), &count, raw(room), static_cast<int>(size)) ==
             1 &&
         EVP_EncryptFinal_ex(context.get(), raw(room) + count, &last) == 1 &&
         static_cast<std::size_t>(count) + static_cast<std::size_t>(last) == room.size();
}

}  // namespace

const EVP_CIPHER* ticket_cipher() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}

bool append_session_ticket(SSL_SESSION& session,
                           const Resumption& resumption,
                           std::uint8_t number,
                           const TicketKey& key,
                           base::ByteBuffer& message) {
  const std::byte nonce{number};
  // A ticket whose key everybody can compute would be worse than none.
  if (resumption.secret.size() != hash_bytes(resumption.hash)) {
    return false;
  }
  if (!set_ticket_key(session, resumption, nonce)) {
    return false;
  }
  const int encoded = i2d_SSL_SESSION(&session, nullptr);
  std::array<std::byte, 4 + kTicketIvBytes> drawn;
  const std::span<std::byte> fresh(drawn);
  if (encoded <= 0 || RAND_bytes(raw(fresh), static_cast<int>(fresh.size())) != 1) {
    return false;
  }
  const auto size = static_cast<std::size_t>(encoded);
  const std::size_t sealed_size = size / kBlockBytes * kBlockBytes + kBlockBytes;
  const std::size_t ticket_size = key.name.size() + kTicketIvBytes + sealed_size + kMacBytes;
  if (ticket_size > kTicketBytesMax) {
    return false;
  }
  // struct { uint32 ticket_lifetime; uint32 ticket_age_add; opaque ticket_nonce<0..255>;
  //          opaque ticket<1..2^16-1>; Extension extensions<0..2^16-2>; } NewSessionTicket;
  const std::size_t body_size = 4 + 4 + 1 + 1 + 2 + ticket_size + 2;
  const auto room = message.prepare(4 + body_size).first(4 + body_size);
  Writer out(room);
  out.put(kNewSessionTicket, 1);
  out.put(static_cast<std::uint32_t>(body_size), 3);
  out.put(static_cast<std::uint32_t>(kTicketLifetimeMs / 1000), 4);
  // Hides how old the ticket is from who looks on. We need no age: there is no early data.
  out.put(fresh.first(4));
  out.put(1, 1);
  out.put(std::span(&nonce, 1));
  out.put(static_cast<std::uint32_t>(ticket_size), 2);
  const auto ticket = out.take(ticket_size);
  out.put(0, 2);

  Writer parts(ticket);
  const auto iv = fresh.subspan(4);
  parts.put(key.name);
  parts.put(iv);
  const auto sealed = parts.take(sealed_size);
  unsigned char* at = raw(sealed);
  if (i2d_SSL_SESSION(&session, &at) != encoded || !encrypt(key, iv, size, sealed)) {
    base::wipe(sealed);  // The session stands there in the clear, its key too.
    return false;
  }
  hmac(KeyHash::sha256, key.mac_key, {ticket.first(ticket_size - kMacBytes)},
       parts.take(kMacBytes));
  message.commit(room.size());
  return true;
}

}  // namespace rondel::tls
