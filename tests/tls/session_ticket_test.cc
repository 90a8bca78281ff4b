#include "tls/session_ticket.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <vector>

#include "tests/tls/tls_client.h"

namespace rondel::tls {
namespace {

using Bytes = std::vector<std::byte>;

class SessionTicket : public testing::Test {
 protected:
  SessionTicket()
      : context_(SSL_CTX_new(TLS_method())),
        session_(SSL_SESSION_new()),
        key_(TicketKeys(0).current(0)) {
    SSL_SESSION_set_protocol_version(session_.get(), TLS1_3_VERSION);
    SSL_SESSION_set_cipher(session_.get(),
                           sk_SSL_CIPHER_value(SSL_CTX_get_ciphers(context_.get()), 0));
  }

  bool append(KeyHash hash, const Bytes& secret, std::uint8_t number) {
    return append_session_ticket(*session_, {hash, secret}, number, key_, message_);
  }
  [[nodiscard]] std::size_t number_at(std::size_t at, std::size_t size) const {
    std::size_t value = 0;
    for (const std::byte byte : message_.bytes().subspan(at, size)) {
      value = value << 8 | std::to_integer<std::size_t>(byte);
    }
    return value;
  }

  OpensslPtr<ssl_ctx_st> context_;  // Its list has the cipher.
  SessionPtr session_;
  TicketKey key_;
  base::ByteBuffer message_;
};

// RFC 8446 §4.6.1.
TEST_F(SessionTicket, IsAMessageWhoseLengthsAgree) {
  ASSERT_TRUE(append(KeyHash::sha256, Bytes(32, std::byte{7}), 3));
  EXPECT_EQ(number_at(0, 1), 4U) << "new_session_ticket";
  EXPECT_EQ(number_at(1, 3), message_.size() - 4);
  EXPECT_EQ(number_at(4, 4), kTicketLifetimeMs / 1000);
  EXPECT_EQ(number_at(12, 1), 1U) << "bytes of the nonce";
  EXPECT_EQ(number_at(13, 1), 3U);
  EXPECT_EQ(number_at(14, 2), message_.size() - 16 - 2);
  const auto name = message_.bytes().subspan(16, key_.name.size());
  EXPECT_TRUE(std::equal(name.begin(), name.end(), key_.name.begin()));
  EXPECT_EQ(number_at(message_.size() - 2, 2), 0U) << "no extension, so no early data";
}

TEST_F(SessionTicket, NoTwoOfThemAreAlike) {
  const Bytes secret(48, std::byte{7});
  ASSERT_TRUE(append(KeyHash::sha384, secret, 0));
  const std::string first(message_.text());
  message_.clear();
  ASSERT_TRUE(append(KeyHash::sha384, secret, 0));
  EXPECT_NE(message_.text(), first);
}

TEST_F(SessionTicket, WithoutASecretOfTheHashThereIsNone) {
  for (const std::size_t size : {0, 31, 33, 48}) {
    EXPECT_FALSE(append(KeyHash::sha256, Bytes(size), 0)) << size;
  }
  EXPECT_FALSE(append(KeyHash::sha384, Bytes(32), 0));
  EXPECT_TRUE(message_.empty());
}

}  // namespace
}  // namespace rondel::tls
