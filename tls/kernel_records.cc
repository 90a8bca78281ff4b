#include "tls/kernel_records.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <linux/tcp.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/encoding.h"
#include "tls/messages.h"

namespace rondel::tls {
namespace {

/// A cmsghdr with one byte, as the kernel lays it out.
struct RecordTypeMessage {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(1)> bytes{};
};

/// tls12_crypto_info_* of the kernel: version, cipher, then iv, key, salt, record number, without a
/// gap; only the lengths differ. Wipes itself.
class CryptoInfo {
 public:
  explicit CryptoInfo(Aead aead) : key_size_(key_bytes(aead)) {
    // AES-GCM splits the nonce; ChaCha20 has it in one piece.
    salt_size_ = aead == Aead::chacha20_poly1305 ? 0 : 4;
  }
  CryptoInfo(Aead aead, const TrafficKeys& keys) : CryptoInfo(aead) {
    tls_crypto_info head{};
    head.version = TLS_1_3_VERSION;
    head.cipher_type = cipher_type(aead);
    std::memcpy(bytes_.data(), &head, sizeof(head));
    std::byte* at = bytes_.data() + sizeof(head);
    at = std::copy(keys.iv.begin() + salt_size_, keys.iv.end(), at);
    at = std::copy_n(keys.key.begin(), key_size_, at);
    at = std::copy_n(keys.iv.begin(), salt_size_, at);
    for (int shift = 56; shift >= 0; shift -= 8) {
      *at++ = static_cast<std::byte>(keys.sequence >> shift);
    }
  }
  CryptoInfo(const CryptoInfo&) = delete;
  CryptoInfo& operator=(const CryptoInfo&) = delete;
  ~CryptoInfo() { base::wipe(bytes_); }

  [[nodiscard]] std::byte* data() { return bytes_.data(); }
  [[nodiscard]] unsigned size() const {
    return static_cast<unsigned>(sizeof(tls_crypto_info) + kIvBytes + key_size_ + 8);
  }
  [[nodiscard]] std::uint64_t sequence() const {
    std::uint64_t number = 0;
    for (unsigned i = size() - 8; i < size(); ++i) {
      number = number << 8 | std::to_integer<std::uint64_t>(bytes_[i]);
    }
    return number;
  }

 private:
  static std::uint16_t cipher_type(Aead aead) {
    switch (aead) {
      case Aead::aes_128_gcm:
        return TLS_CIPHER_AES_GCM_128;
      case Aead::aes_256_gcm:
        return TLS_CIPHER_AES_GCM_256;
      case Aead::chacha20_poly1305:
        break;
    }
    return TLS_CIPHER_CHACHA20_POLY1305;
  }

  static constexpr std::size_t kBytesMax = 56;
  static_assert(sizeof(tls12_crypto_info_aes_gcm_128) == 40 &&
                sizeof(tls12_crypto_info_aes_gcm_256) == kBytesMax &&
                sizeof(tls12_crypto_info_chacha20_poly1305) == kBytesMax);
  std::array<std::byte, kBytesMax> bytes_{};
  std::size_t key_size_;
  std::ptrdiff_t salt_size_;
};

}  // namespace

const KernelCalls& KernelCalls::real() {
  static constexpr KernelCalls kReal{&::setsockopt, &::getsockopt, &::recvmsg, &::sendmsg};
  return kReal;
}

EnterResult KernelRecords::enter(Failure& failure) {
  constexpr char kName[] = "tls";
  if (calls_.set_option(fd_, IPPROTO_TCP, TCP_ULP, kName, sizeof(kName)) != 0 ||
      !set_keys(TLS_TX, keys_.send)) {
    return EnterResult::refused;  // A socket with the ULP and no keys goes on as before.
  }
  const bool is_in = set_keys(TLS_RX, keys_.receive);
  if (!is_in) {
    failure = {-1, false,
               fmt::format("the kernel takes no key to receive by: {}", std::strerror(errno))};
  }
  if (is_in && keys_.can_rekey) {
    keys_.receive.wipe_all_but_secret();
    keys_.send.wipe_all_but_secret();
  } else {
    keys_.receive.wipe();
    keys_.send.wipe();
  }
  return is_in ? EnterResult::entered : EnterResult::failed;
}

bool KernelRecords::set_keys(int direction, const TrafficKeys& keys) const {
  CryptoInfo info(keys_.aead, keys);
  return calls_.set_option(fd_, SOL_TLS, direction, info.data(), info.size()) == 0;
}

std::uint64_t KernelRecords::records_sent() const {
  CryptoInfo info(keys_.aead);
  unsigned size = info.size();
  return calls_.get_option(fd_, SOL_TLS, TLS_TX, info.data(), &size) == 0 ? info.sequence() : 0;
}

std::uint64_t KernelRecords::bytes_received() const {
  tcp_info info{};
  unsigned size = sizeof(info);
  return calls_.get_option(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_received
                                                                          : 0;
}

KernelRecords::Outcome KernelRecords::take_record(base::ByteBuffer& plain) {
  const auto room = plain.prepare(kRecordPlainMax);
  iovec data{room.data(), kRecordPlainMax};
  RecordTypeMessage control;
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const ssize_t result = calls_.receive_message(fd_, &message, MSG_DONTWAIT);
  if (result < 0) {
    return errno == EAGAIN || errno == EINTR ? Outcome{} : take_error(errno);
  }
  const auto content = std::span<const std::byte>(room).first(static_cast<std::size_t>(result));
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_level != SOL_TLS ||
      header->cmsg_type != TLS_GET_RECORD_TYPE) {
    // The end of the transport; the next receive says so.
    return content.empty() ? Outcome{} : fail({-1, false, "the kernel told no record type"});
  }
  unsigned char type = 0;
  std::memcpy(&type, CMSG_DATA(header), 1);
  switch (static_cast<ContentType>(type)) {
    case ContentType::application_data:
      plain.commit(content.size());
      return {};
    case ContentType::alert:
      return take_alert(content);
    case ContentType::handshake:
      return take_handshake(content);
  }
  return fail({alert::kUnexpectedMessage, false, fmt::format("a record of type {}", type)});
}

KernelRecords::Outcome KernelRecords::take_alert(std::span<const std::byte> content) {
  const std::optional<Failure> verdict = judge_alert(content);
  if (!verdict) {
    return {.was_control = true};
  }
  if (!verdict->is_from_peer) {
    return fail(*verdict);
  }
  if (verdict->alert == alert::kCloseNotify) {
    return {.status = Status::closed};
  }
  return {.status = Status::failed, .failure = *verdict, .is_close_said = true};
}

KernelRecords::Outcome KernelRecords::take_handshake(std::span<const std::byte> content) {
  // One in two pieces would be lawful, but the kernel holds no records back for a second piece.
  if (content.size() < kKeyUpdateBytes) {
    return fail({alert::kUnexpectedMessage, false, "a piece of a handshake message"});
  }
  if (const std::optional<Failure> fault = judge_key_update(content)) {
    return fail(*fault);
  }
  if (keys_.can_rekey) {
    keys_.receive.update(keys_.aead);
    const bool is_set = set_keys(TLS_RX, keys_.receive);
    keys_.receive.wipe_all_but_secret();
    if (is_set) {
      Outcome outcome = is_update_requested(content) ? refresh(true) : Outcome{};
      outcome.was_control = true;
      return outcome;
    }
  }
  // Before any other receive, which would fail and take the way out along.
  static_cast<void>(say(alert::kCloseNotify));
  return {.status = Status::closed, .is_close_said = true};
}

KernelRecords::Outcome KernelRecords::refresh(bool must_answer) {
  if (!must_answer && records_sent() < kRecordsPerKeyMax) {
    return {};
  }
  if (!keys_.can_rekey) {
    static_cast<void>(say(alert::kCloseNotify));
    return {.status = Status::closed, .is_close_said = true};
  }
  if (!send_record(ContentType::handshake, kKeyUpdate)) {
    // A full socket: later. Until then the old key serves.
    return errno == EAGAIN
               ? Outcome{.must_answer = true}
               : fail({-1, false,
                       fmt::format("the kernel sends no KeyUpdate: {}", std::strerror(errno))});
  }
  keys_.send.update(keys_.aead);
  const bool is_set = set_keys(TLS_TX, keys_.send);
  const int error = errno;
  keys_.send.wipe_all_but_secret();
  if (!is_set) {  // The peer waits for a key that we do not have: nothing can be said any more.
    return {.status = Status::failed,
            .failure = {-1, false,
                        fmt::format("the kernel takes no new key to send by: {}",
                                    std::strerror(error))},
            .is_close_said = true};
  }
  return {};
}

KernelRecords::Outcome KernelRecords::take_error(int error) {
  switch (error) {
    case EBADMSG:
      return fail({alert::kBadRecordMac, false, "decryption failed: bad record mac"});
    case EMSGSIZE:
      return fail({alert::kRecordOverflow, false, "a record that is too long"});
    case EINVAL:
      return fail({alert::kUnexpectedMessage, false, "not a TLS 1.3 record"});
    default:  // The transport's end, not the peer's word.
      return {.status = Status::truncated,
              .failure = {-1, false, std::strerror(error)},
              .is_close_said = true};
  }
}

KernelRecords::Outcome KernelRecords::fail(Failure failure) {
  if (failure.alert >= 0) {
    static_cast<void>(say(static_cast<std::uint8_t>(failure.alert)));
  }
  return {.status = Status::failed, .failure = std::move(failure), .is_close_said = true};
}

bool KernelRecords::say(std::uint8_t alert) {
  return send_record(ContentType::alert, alert_message(alert));
}

bool KernelRecords::send_record(ContentType type, std::span<const std::byte> content) {
  std::array<std::byte, kKeyUpdateBytes> copy{};
  std::copy(content.begin(), content.end(), copy.begin());
  iovec data{copy.data(), content.size()};
  RecordTypeMessage control;
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_TLS;
  header->cmsg_type = TLS_SET_RECORD_TYPE;
  header->cmsg_len = CMSG_LEN(1);
  *CMSG_DATA(header) = static_cast<unsigned char>(type);
  message.msg_controllen = header->cmsg_len;
  return calls_.send_message(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(content.size());
}

}  // namespace rondel::tls
