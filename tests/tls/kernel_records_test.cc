// What one kernel cannot show: refusals half-way, and re-keying as Linux 6.14 and later do it.
// The matrix runs the rest on a real one.
#include "tls/kernel_records.h"

#include <cerrno>
#include <cstring>
#include <gmock/gmock.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tls/messages.h"

namespace rondel::tls {
namespace {

using namespace std::string_literals;

/// A kernel that does what the test says and notes what it was given.
struct FakeKernel {
  int tx_error = 0;
  int rx_error = 0;
  int ulp_error = 0;
  int send_error = 0;
  int receive_error = 0;
  int record_type = 22;
  std::string record;
  std::uint64_t tx_sequence = 0;
  std::vector<std::string> steps;  ///< "ulp", "tx", "rx", "send 21 0100", in order.
  std::string tx_info;
  std::string rx_info;
};
FakeKernel* fake = nullptr;

int refuse(int error) {
  errno = error;
  return error == 0 ? 0 : -1;
}

int fake_set_option(int, int level, int name, const void* value, unsigned size) {
  const std::string bytes(static_cast<const char*>(value), size);
  if (level == IPPROTO_TCP) {
    EXPECT_EQ(name, TCP_ULP);
    EXPECT_EQ(bytes, "tls\0"s);
    fake->steps.emplace_back("ulp");
    return refuse(fake->ulp_error);
  }
  EXPECT_EQ(level, SOL_TLS);
  const bool is_tx = name == TLS_TX;
  fake->steps.emplace_back(is_tx ? "tx" : "rx");
  const int error = is_tx ? fake->tx_error : fake->rx_error;
  if (error == 0) {
    (is_tx ? fake->tx_info : fake->rx_info) = bytes;
  }
  return refuse(error);
}

int fake_get_option(int, int level, int name, void* value, unsigned* size) {
  EXPECT_TRUE(level == SOL_TLS && name == TLS_TX);
  tls12_crypto_info_aes_gcm_128 info{};
  EXPECT_EQ(*size, sizeof(info));
  for (int i = 0; i < 8; ++i) {
    info.rec_seq[7 - i] = static_cast<unsigned char>(fake->tx_sequence >> (8 * i));
  }
  std::memcpy(value, &info, sizeof(info));
  return 0;
}

ssize_t fake_receive(int, msghdr* message, int flags) {
  EXPECT_NE(flags & MSG_DONTWAIT, 0);
  if (fake->receive_error != 0) {
    return refuse(fake->receive_error);
  }
  std::memcpy(message->msg_iov->iov_base, fake->record.data(), fake->record.size());
  cmsghdr* header = CMSG_FIRSTHDR(message);
  header->cmsg_level = SOL_TLS;
  header->cmsg_type = TLS_GET_RECORD_TYPE;
  header->cmsg_len = CMSG_LEN(1);
  *CMSG_DATA(header) = static_cast<unsigned char>(fake->record_type);
  return static_cast<ssize_t>(fake->record.size());
}

ssize_t fake_send(int, const msghdr* message, int flags) {
  EXPECT_NE(flags & MSG_NOSIGNAL, 0);
  const std::string bytes(static_cast<const char*>(message->msg_iov->iov_base),
                          message->msg_iov->iov_len);
  const cmsghdr* header = CMSG_FIRSTHDR(message);
  EXPECT_TRUE(header->cmsg_level == SOL_TLS && header->cmsg_type == TLS_SET_RECORD_TYPE);
  std::string step = "send " + std::to_string(*CMSG_DATA(header));
  for (const char c : bytes) {
    step += " " + std::to_string(static_cast<unsigned char>(c));
  }
  fake->steps.push_back(step);
  return fake->send_error != 0 ? refuse(fake->send_error) : static_cast<ssize_t>(bytes.size());
}

constexpr KernelCalls kFakeCalls{&fake_set_option, &fake_get_option, &fake_receive, &fake_send};

class Kernel : public testing::Test {
 protected:
  Kernel() {
    fake = &kernel_;
    const std::string secret(32, 's');
    receive_.start(Aead::aes_128_gcm, base::as_bytes(secret), 5);
    send_.start(Aead::aes_128_gcm, base::as_bytes(secret), 0x0102);
    expected_.start(Aead::aes_128_gcm, base::as_bytes(secret), 0x0102);
  }
  ~Kernel() override { fake = nullptr; }

  KernelRecords records(bool can_rekey) {
    return {3, {Aead::aes_128_gcm, receive_, send_, can_rekey}, kFakeCalls};
  }
  static bool is_zero(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
      if (byte != std::byte{0}) {
        return false;
      }
    }
    return true;
  }
  KernelRecords::Outcome take(bool can_rekey, int type, const std::string& content) {
    kernel_.record_type = type;
    kernel_.record = content;
    return records(can_rekey).take_record(plain_);
  }

  FakeKernel kernel_;
  TrafficKeys receive_;
  TrafficKeys send_;
  TrafficKeys expected_;
  base::ByteBuffer plain_;
};

TEST_F(Kernel, GetsKeysNoncesAndNumbersInItsOwnLayoutAndWeForgetThem) {
  Failure failure;
  EXPECT_EQ(records(false).enter(failure), EnterResult::entered);
  EXPECT_THAT(kernel_.steps, testing::ElementsAre("ulp", "tx", "rx"));
  tls12_crypto_info_aes_gcm_128 info{};
  ASSERT_EQ(kernel_.tx_info.size(), sizeof(info));
  std::memcpy(&info, kernel_.tx_info.data(), sizeof(info));
  EXPECT_EQ(info.info.version, TLS_1_3_VERSION);
  EXPECT_EQ(info.info.cipher_type, TLS_CIPHER_AES_GCM_128);
  const auto same = [](const unsigned char* a, const std::byte* b, std::size_t size) {
    return std::equal(a, a + size, reinterpret_cast<const unsigned char*>(b));
  };
  EXPECT_TRUE(same(info.key, expected_.key.data(), 16));
  EXPECT_TRUE(same(info.salt, expected_.iv.data(), 4));
  EXPECT_TRUE(same(info.iv, expected_.iv.data() + 4, 8));
  EXPECT_EQ(info.rec_seq[6], 1);
  EXPECT_EQ(info.rec_seq[7], 2);
  EXPECT_TRUE(is_zero(send_.key) && is_zero(send_.iv) && is_zero(send_.secret));
  EXPECT_TRUE(is_zero(receive_.key) && is_zero(receive_.iv) && is_zero(receive_.secret));
}

TEST_F(Kernel, KeepsTheSecretsWhereTheyWillBeNeeded) {
  Failure failure;
  EXPECT_EQ(records(true).enter(failure), EnterResult::entered);
  EXPECT_TRUE(is_zero(send_.key) && is_zero(receive_.key));
  EXPECT_FALSE(is_zero(send_.secret) || is_zero(receive_.secret));
}

TEST_F(Kernel, RefusalsBeforeTheFirstKeyChangeNothing) {
  Failure failure;
  kernel_.ulp_error = ENOENT;
  EXPECT_EQ(records(false).enter(failure), EnterResult::refused);
  kernel_.ulp_error = 0;
  kernel_.tx_error = EINVAL;
  EXPECT_EQ(records(false).enter(failure), EnterResult::refused);
  EXPECT_EQ(send_.key, expected_.key);
  EXPECT_EQ(receive_.key, expected_.key);
}

TEST_F(Kernel, HalfAnEntryIsAFailure) {
  Failure failure;
  kernel_.rx_error = ENOMEM;
  EXPECT_EQ(records(true).enter(failure), EnterResult::failed);
  EXPECT_THAT(failure.text, testing::HasSubstr("memory"));
  EXPECT_TRUE(is_zero(send_.secret) && is_zero(receive_.secret));
}

TEST_F(Kernel, AKeyUpdateIsFollowedWhereKeysCanBeSetAgain) {
  const auto outcome = take(true, 22, "\x18\x00\x00\x01\x00"s);
  EXPECT_EQ(outcome.status, Status::ok);
  EXPECT_TRUE(outcome.was_control);
  EXPECT_THAT(kernel_.steps, testing::ElementsAre("rx"));
  expected_.update(Aead::aes_128_gcm);
  EXPECT_EQ(receive_.secret, expected_.secret);
  EXPECT_EQ(kernel_.rx_info.substr(4 + 8, 16), base::as_text(std::span(expected_.key).first(16)));
  EXPECT_EQ(kernel_.rx_info.substr(32, 8), std::string(8, '\0')) << "numbers begin anew";
}

TEST_F(Kernel, AnAnswerIsSaidWithTheOldKeyBeforeTheNewOneIsSet) {
  EXPECT_EQ(take(true, 22, "\x18\x00\x00\x01\x01"s).status, Status::ok);
  EXPECT_THAT(kernel_.steps, testing::ElementsAre("rx", "send 22 24 0 0 1 0", "tx"));
  expected_.update(Aead::aes_128_gcm);
  EXPECT_EQ(send_.secret, expected_.secret);
}

TEST_F(Kernel, AnAnswerThatFindsNoRoomWaits) {
  kernel_.send_error = EAGAIN;
  const auto outcome = take(true, 22, "\x18\x00\x00\x01\x01"s);
  EXPECT_EQ(outcome.status, Status::ok);
  EXPECT_TRUE(outcome.must_answer);
  EXPECT_EQ(send_.secret, expected_.secret) << "the old key serves until then";
  kernel_.send_error = 0;
  EXPECT_EQ(records(true).refresh(true).status, Status::ok);
  EXPECT_NE(send_.secret, expected_.secret);
}

TEST_F(Kernel, AKeyUpdateThatCannotBeFollowedEndsInCloseNotify) {
  const auto outcome = take(false, 22, "\x18\x00\x00\x01\x01"s);
  EXPECT_EQ(outcome.status, Status::closed);
  EXPECT_TRUE(outcome.is_close_said);
  EXPECT_THAT(kernel_.steps, testing::ElementsAre("send 21 1 0"));
  kernel_.steps.clear();
  kernel_.rx_error = EBUSY;  // It was thought that it could.
  EXPECT_EQ(take(true, 22, "\x18\x00\x00\x01\x00"s).status, Status::closed);
  EXPECT_THAT(kernel_.steps, testing::ElementsAre("rx", "send 21 1 0"));
}

TEST_F(Kernel, AWornKeyIsChangedOrTheConnectionCloses) {
  kernel_.tx_sequence = kRecordsPerKeyMax - 1;
  EXPECT_EQ(records(true).refresh(false).status, Status::ok);
  EXPECT_TRUE(kernel_.steps.empty());
  kernel_.tx_sequence = kRecordsPerKeyMax;
  EXPECT_EQ(records(true).refresh(false).status, Status::ok);
  EXPECT_THAT(kernel_.steps, testing::ElementsAre("send 22 24 0 0 1 0", "tx"));
  EXPECT_EQ(records(false).refresh(false).status, Status::closed);
  EXPECT_EQ(kernel_.steps.back(), "send 21 1 0");
}

TEST_F(Kernel, RecordsAndErrorsAreJudgedAsTheCompactEngineDoes) {
  EXPECT_EQ(take(false, 23, "data").status, Status::ok);
  EXPECT_EQ(plain_.text(), "data");
  EXPECT_EQ(take(false, 21, "\x01\x00"s).status, Status::closed);
  EXPECT_EQ(take(false, 21, "\x01\x5a").status, Status::ok);
  const auto alert_of_peer = take(false, 21, "\x02\x14");
  EXPECT_TRUE(alert_of_peer.failure.is_from_peer);
  EXPECT_EQ(alert_of_peer.failure.alert, alert::kBadRecordMac);
  EXPECT_EQ(take(false, 21, "\x01").failure.alert, alert::kDecodeError);
  EXPECT_EQ(take(false, 22, "\x18\x00"s).failure.alert, alert::kUnexpectedMessage);
  EXPECT_EQ(take(false, 22, "\x01\x00\x00\x01\x00"s).failure.alert, alert::kUnexpectedMessage);
  EXPECT_EQ(take(false, 20, "\x01").failure.alert, alert::kUnexpectedMessage);
  EXPECT_EQ(kernel_.steps.back(), "send 21 2 10");
  EXPECT_EQ(records(false).take_error(EBADMSG).failure.alert, alert::kBadRecordMac);
  EXPECT_EQ(records(false).take_error(EMSGSIZE).failure.alert, alert::kRecordOverflow);
  EXPECT_EQ(records(false).take_error(ECONNRESET).status, Status::truncated);
  kernel_.receive_error = EAGAIN;
  EXPECT_EQ(take(false, 22, "").status, Status::ok) << "somebody has read it already";
  EXPECT_EQ(plain_.text(), "data");
}

}  // namespace
}  // namespace rondel::tls
