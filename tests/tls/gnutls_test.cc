// A GnuTLS client agrees with us, also about what two OpenSSL ends could both get wrong.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <gnutls/gnutls.h>
#include <gtest/gtest.h>

#include "tests/tls/test_pki.h"
#include "tls/channel.h"
#include "tls/context.h"

namespace rondel::tls {
namespace {

/// A GnuTLS session and a channel with nothing but memory between them.
class GnutlsLink {
 public:
  GnutlsLink(std::shared_ptr<const TlsContexts> contexts,
             int version,
             const std::string& resumed,
             unsigned flags = 0)
      : channel(accept_channel(std::move(contexts), {true}).value()) {
    gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | flags);
    gnutls_certificate_allocate_credentials(&credentials_);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials_);
    const char* wanted =
        version == 12 ? "NORMAL:-VERS-ALL:+VERS-TLS1.2" : "NORMAL:-VERS-ALL:+VERS-TLS1.3";
    EXPECT_EQ(gnutls_priority_set_direct(session, wanted, nullptr), GNUTLS_E_SUCCESS);
    unsigned char name[] = "xmpp-client";
    const gnutls_datum_t protocol{name, sizeof(name) - 1};
    gnutls_alpn_set_protocols(session, &protocol, 1, 0);
    gnutls_server_name_set(session, GNUTLS_NAME_DNS, "one.example", 11);
    gnutls_transport_set_ptr(session, this);
    gnutls_transport_set_push_function(session, &push);
    gnutls_transport_set_pull_function(session, &pull);
    if (!resumed.empty()) {
      EXPECT_EQ(gnutls_session_set_data(session, resumed.data(), resumed.size()), 0);
    }
    int result = GNUTLS_E_AGAIN;
    for (int flight = 0; flight < 10 && result == GNUTLS_E_AGAIN; ++flight) {
      result = gnutls_handshake(session);
      EXPECT_EQ(carry(), Status::ok) << channel->failure().text;
    }
    EXPECT_EQ(result, GNUTLS_E_SUCCESS) << gnutls_strerror(result);
  }
  ~GnutlsLink() {
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(credentials_);
  }
  GnutlsLink(const GnutlsLink&) = delete;
  GnutlsLink& operator=(const GnutlsLink&) = delete;

  /// Gives the channel what the client wrote.
  Status carry() {
    const Status status = channel->receive(base::as_bytes(up_), plain, down_);
    up_.clear();
    return status;
  }
  void client_send(const std::string& text) {
    ASSERT_EQ(gnutls_record_send(session, text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  void server_send(std::string_view text) {
    ASSERT_EQ(channel->send(base::as_bytes(text), down_), Status::ok);
  }
  void server_close() { channel->close(down_); }
  /// The next bytes for the client; what it says at the end otherwise.
  ssize_t client_receive(std::string& text) {
    char block[20000];
    ssize_t count = GNUTLS_E_AGAIN;
    do {
      count = gnutls_record_recv(session, block, sizeof(block));
    } while (count == GNUTLS_E_AGAIN && !down_.empty());
    text.assign(block, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return count;
  }
  std::string binding(gnutls_channel_binding_t kind) {
    gnutls_datum_t value{};
    EXPECT_EQ(gnutls_session_channel_binding(session, kind, &value), GNUTLS_E_SUCCESS);
    std::string text(reinterpret_cast<const char*>(value.data), value.size);
    gnutls_free(value.data);
    return text;
  }
  std::string session_data() {
    gnutls_datum_t value{};
    EXPECT_EQ(gnutls_session_get_data2(session, &value), GNUTLS_E_SUCCESS);
    std::string text(reinterpret_cast<const char*>(value.data), value.size);
    gnutls_free(value.data);
    return text;
  }

  std::unique_ptr<Channel> channel;
  base::ByteBuffer plain;
  gnutls_session_t session = nullptr;

 private:
  static ssize_t push(gnutls_transport_ptr_t self, const void* data, std::size_t size) {
    static_cast<GnutlsLink*>(self)->up_.append(static_cast<const char*>(data), size);
    return static_cast<ssize_t>(size);
  }
  static ssize_t pull(gnutls_transport_ptr_t self, void* data, std::size_t size) {
    auto& link = *static_cast<GnutlsLink*>(self);
    if (link.down_.empty()) {
      gnutls_transport_set_errno(link.session, EAGAIN);
      return -1;
    }
    const std::size_t count = std::min(size, link.down_.size());
    std::memcpy(data, link.down_.bytes().data(), count);
    link.down_.consume(count);
    return static_cast<ssize_t>(count);
  }

  gnutls_certificate_credentials_t credentials_ = nullptr;
  std::string up_;
  base::ByteBuffer down_;
};

class GnutlsTickets : public testing::Test {
 protected:
  TestPki pki_;
  std::shared_ptr<const TlsContexts> contexts_ =
      TlsContexts::load(std::vector{pki_.issue("one", {{"one.example"}})}, {}).value();
};

class Gnutls : public testing::TestWithParam<int> {
 protected:
  TestPki pki_;
  std::shared_ptr<const TlsContexts> contexts_ =
      TlsContexts::load(std::vector{pki_.issue("one", {{"one.example"}})}, {}).value();
};
INSTANTIATE_TEST_SUITE_P(Tls, Gnutls, testing::Values(12, 13), [](const auto& version) {
  return std::to_string(version.param);
});

// RFC 8446 §4.2.9: no ticket for who can't use it.
TEST_F(GnutlsTickets, GoToClientsThatSayHowTheyResumeOnly) {
  for (const bool resumes : {true, false}) {
    GnutlsLink link(contexts_, 13, {}, resumes ? 0 : GNUTLS_NO_TICKETS);
    link.server_send("hello");
    std::string text;
    EXPECT_EQ(link.client_receive(text), 5) << "whatever came before it";
    EXPECT_EQ((gnutls_session_get_flags(link.session) & GNUTLS_SFLAGS_SESSION_TICKET) != 0,
              resumes);
  }
}

TEST_P(Gnutls, AgreesAboutBothChannelBindings) {
  GnutlsLink link(contexts_, GetParam(), "");
  EXPECT_EQ(link.channel->info().alpn, "xmpp-client");
  EXPECT_EQ(link.channel->info().sni, "one.example");
  EXPECT_EQ(link.channel->exporter(), link.binding(GNUTLS_CB_TLS_EXPORTER));
  EXPECT_EQ(link.channel->server_end_point(), link.binding(GNUTLS_CB_TLS_SERVER_END_POINT));
}

TEST_P(Gnutls, TalksAndSaysGoodbyeBothWays) {
  GnutlsLink link(contexts_, GetParam(), "");
  link.client_send("up");
  EXPECT_EQ(link.carry(), Status::ok);
  EXPECT_EQ(link.plain.text(), "up");
  link.server_send("down");
  std::string text;
  EXPECT_EQ(link.client_receive(text), 4);
  EXPECT_EQ(text, "down");
  link.server_close();
  EXPECT_EQ(link.client_receive(text), 0) << "close_notify, not a premature end";
  gnutls_bye(link.session, GNUTLS_SHUT_WR);
  EXPECT_EQ(link.carry(), Status::closed);
}

TEST_P(Gnutls, ResumesByTicketWithTheSameEndPoint) {
  std::string session;
  {
    GnutlsLink first(contexts_, GetParam(), "");
    first.server_send("x");
    std::string text;
    EXPECT_EQ(first.client_receive(text), 1) << "takes the ticket in passing";
    session = first.session_data();
  }
  GnutlsLink again(contexts_, GetParam(), session);
  EXPECT_NE(gnutls_session_is_resumed(again.session), 0);
  EXPECT_TRUE(again.channel->info().is_resumed);
  EXPECT_EQ(again.channel->exporter(), again.binding(GNUTLS_CB_TLS_EXPORTER));
}

class Gnutls13 : public Gnutls {};
INSTANTIATE_TEST_SUITE_P(Tls, Gnutls13, testing::Values(13));

TEST_P(Gnutls13, ItsKeyUpdatesAreFollowedAndAnswered) {
  GnutlsLink link(contexts_, GetParam(), "");
  for (const unsigned flags : {0U, static_cast<unsigned>(GNUTLS_KU_PEER), 0U}) {
    ASSERT_EQ(gnutls_session_key_update(link.session, flags), GNUTLS_E_SUCCESS);
    link.client_send("up");
    EXPECT_EQ(link.carry(), Status::ok);
    link.server_send("down");
    std::string text;
    EXPECT_EQ(link.client_receive(text), 4);
    EXPECT_EQ(text, "down");
  }
  EXPECT_EQ(link.plain.text(), "upupup");
}

}  // namespace
}  // namespace rondel::tls
