// Sessions resume by ticket: over contexts, reloads and changes of key; never over hosts.
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <thread>

#include "tests/tls/test_pki.h"
#include "tests/tls/tls_client.h"
#include "tls/context.h"
#include "tls/ticket_keys.h"

namespace rondel::tls {
namespace {

/// With whom the client resumes: on TLS 1.3 our records make the tickets, and where OpenSSL keeps
/// the records it does.
struct Kind {
  int version;
  Records records;
  const char* cipher;
};

class Resume : public testing::TestWithParam<Kind> {
 protected:
  Resume() : hosts_{pki_.issue("one", {{"one.example"}}), pki_.issue("two", {{"two.example"}})} {
    policy_.ciphers_tls13 =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
        "TLS_AES_128_CCM_SHA256";
    contexts_ = TlsContexts::load(hosts_, policy_).value();
    options_.version = GetParam().version;
    options_.ciphers13 = GetParam().cipher;
    accept_options_.records = GetParam().records;
    options_.sni = "one.example";
  }

  SessionPtr first_session(const std::shared_ptr<const TlsContexts>& contexts) {
    Link link(contexts, options_, accept_options_);
    EXPECT_EQ(link.pump(), Status::ok);
    EXPECT_FALSE(link.channel->info().is_resumed);
    end_point_ = link.channel->server_end_point();
    EXPECT_EQ(link.client.tickets(), 1U);
    return link.client.session();
  }

  static std::string key_of(const SSL_SESSION& session) {
    std::string key(64, '\0');
    key.resize(SSL_SESSION_get_master_key(&session, reinterpret_cast<unsigned char*>(key.data()),
                                          key.size()));
    return key;
  }

  bool resumes(const std::shared_ptr<const TlsContexts>& contexts, ssl_session_st* session) {
    options_.session = session;
    Link link(contexts, options_, accept_options_);
    EXPECT_EQ(link.pump(), Status::ok) << link.channel->failure().text;
    EXPECT_TRUE(link.channel->is_established());
    EXPECT_EQ(link.client.is_resumed(), link.channel->info().is_resumed);
    EXPECT_EQ(link.channel->exporter(), link.client.exporter());
    EXPECT_EQ(link.channel->server_end_point(), link.client.end_point("SHA256"));
    if (options_.version == 12 || link.client.tickets() > 0) {
      next_ = link.client.session();
    }
    return link.client.is_resumed();
  }

  TestPki pki_;
  std::vector<HostCertificate> hosts_;
  TlsPolicy policy_;
  std::shared_ptr<const TlsContexts> contexts_;
  ClientOptions options_;
  AcceptOptions accept_options_;
  std::optional<std::string> end_point_;
  SessionPtr next_;
};
INSTANTIATE_TEST_SUITE_P(Tls,
                         Resume,
                         testing::Values(Kind{12, Records::automatic, ""},
                                         Kind{13, Records::automatic, "TLS_AES_128_GCM_SHA256"},
                                         Kind{13, Records::automatic, "TLS_AES_256_GCM_SHA384"},
                                         Kind{13, Records::compact, "TLS_CHACHA20_POLY1305_SHA256"},
                                         Kind{13, Records::retained, "TLS_AES_128_GCM_SHA256"},
                                         // Which our records don't know.
                                         Kind{13, Records::automatic, "TLS_AES_128_CCM_SHA256"}),
                         [](const auto& kind) {
                           return std::to_string(kind.param.version) + std::to_string(kind.index);
                         });

TEST_P(Resume, ATicketResumesInTheSameContexts) {
  const SessionPtr session = first_session(contexts_);
  EXPECT_TRUE(resumes(contexts_, session.get()));
}

TEST_P(Resume, AClientThatResumesGetsATicketForTheNextTime) {
  SessionPtr session = first_session(contexts_);
  for (int i = 0; i < 3; ++i) {
    next_.reset();
    ASSERT_TRUE(resumes(contexts_, session.get()));
    ASSERT_NE(next_, nullptr);
    session = std::move(next_);
  }
}

TEST_P(Resume, ATicketResumesAfterAReloadThatDroppedTheOldContexts) {
  const SessionPtr session = first_session(contexts_);
  contexts_ = TlsContexts::load(hosts_, policy_, contexts_.get()).value();
  EXPECT_TRUE(resumes(contexts_, session.get()));
}

TEST_P(Resume, AResumedSessionKeepsTheEndPointThatItsClientKnowsAfterTheCertificateIsReplaced) {
  const SessionPtr session = first_session(contexts_);
  const auto old_end_point = end_point_;
  hosts_[0] = pki_.issue("one-new", {{"one.example"}});
  contexts_ = TlsContexts::load(hosts_, policy_, contexts_.get()).value();
  ASSERT_TRUE(resumes(contexts_, session.get()));
  const SessionPtr again = std::move(next_);
  ASSERT_NE(again, nullptr);
  EXPECT_TRUE(resumes(contexts_, again.get()));
  options_.session = nullptr;
  Link fresh(contexts_, options_, accept_options_);
  ASSERT_EQ(fresh.pump(), Status::ok);
  EXPECT_NE(fresh.channel->server_end_point(), old_end_point);
}

TEST_P(Resume, ATicketOfAnotherProcessIsIgnored) {
  const SessionPtr session = first_session(contexts_);
  const auto other = TlsContexts::load(hosts_, policy_).value();
  EXPECT_FALSE(resumes(other, session.get()));
}

TEST_P(Resume, ATicketOutlivesTwoChangesOfKeyAndNotAThird) {
  const SessionPtr session = first_session(contexts_);
  contexts_->ticket_keys().rotate();
  EXPECT_TRUE(resumes(contexts_, session.get()));
  contexts_->ticket_keys().rotate();
  EXPECT_TRUE(resumes(contexts_, session.get()));
  contexts_->ticket_keys().rotate();
  EXPECT_FALSE(resumes(contexts_, session.get()));
}

TEST_P(Resume, ATicketUnderAnOldKeyIsReplacedByOneUnderTheNewKey) {
  const SessionPtr session = first_session(contexts_);
  contexts_->ticket_keys().rotate();
  ASSERT_TRUE(resumes(contexts_, session.get()));
  ASSERT_NE(next_, nullptr);
  const SessionPtr newer = std::move(next_);
  contexts_->ticket_keys().rotate();
  contexts_->ticket_keys().rotate();
  EXPECT_FALSE(resumes(contexts_, session.get()));
  EXPECT_TRUE(resumes(contexts_, newer.get()));
}

TEST_P(Resume, ASessionOfOneHostIsNotResumedAtAnother) {
  const SessionPtr session = first_session(contexts_);
  options_.sni = "two.example";
  EXPECT_FALSE(resumes(contexts_, session.get()));
}

TEST_P(Resume, NoTicketsMeansNoResumption) {
  TlsPolicy policy = policy_;
  policy.tickets = 0;
  const auto contexts = TlsContexts::load(hosts_, policy).value();
  Link link(contexts, options_);
  ASSERT_EQ(link.pump(), Status::ok);
  if (GetParam().version == 13) {
    EXPECT_EQ(link.client.tickets(), 0U);
  } else {
    const SessionPtr session = link.client.session();
    EXPECT_FALSE(resumes(contexts, session.get()));
  }
}

TEST_P(Resume, AsManyTicketsComeAsThePolicySaysAndEachResumes) {
  if (GetParam().version != 13) {
    return;  // TLS 1.2 has one ticket for each connection.
  }
  TlsPolicy policy = policy_;
  policy.tickets = 2;
  const auto contexts = TlsContexts::load(hosts_, policy).value();
  Link link(contexts, options_, accept_options_);
  ASSERT_EQ(link.pump(), Status::ok);
  ASSERT_EQ(link.client.tickets(), 2U);
  const SessionPtr last = link.client.session();
  const SessionPtr first = link.client.session(0);
  EXPECT_NE(key_of(*first), key_of(*last)) << "each ticket has a key of its own";
  EXPECT_TRUE(resumes(contexts, first.get()));
  EXPECT_TRUE(resumes(contexts, last.get()));
}

TEST_P(Resume, ATicketSaysHowLongItServesAndAllowsNoEarlyData) {
  const SessionPtr session = first_session(contexts_);
  EXPECT_EQ(SSL_SESSION_get_ticket_lifetime_hint(session.get()), kTicketLifetimeMs / 1000);
  EXPECT_EQ(SSL_SESSION_get_max_early_data(session.get()), 0U);
}

TEST_P(Resume, ATicketWithAByteChangedIsIgnored) {
  const SessionPtr session = first_session(contexts_);
  const unsigned char* ticket = nullptr;
  std::size_t size = 0;
  SSL_SESSION_get0_ticket(session.get(), &ticket, &size);
  ASSERT_GT(size, 64U);
  for (const std::size_t at : {std::size_t{0}, std::size_t{20}, size / 2, size - 1}) {
    // OpenSSL hands out a view of what it sends.
    const_cast<unsigned char*>(ticket)[at] ^= 1;
    EXPECT_FALSE(resumes(contexts_, session.get())) << at;
    const_cast<unsigned char*>(ticket)[at] ^= 1;
  }
  EXPECT_TRUE(resumes(contexts_, session.get()));
}

TEST_P(Resume, AllShardsShareContextsWhileKeysChange) {
  std::atomic<bool> is_over = false;
  std::atomic<int> resumed = 0;
  std::vector<std::thread> shards;
  for (int shard = 0; shard < 3; ++shard) {
    shards.emplace_back([&] {
      ClientOptions options = options_;
      SessionPtr session;
      for (int round = 0; round < 30; ++round) {
        options.session = session.get();
        Link link(contexts_, options, accept_options_);
        ASSERT_EQ(link.pump(), Status::ok) << link.channel->failure().text;
        ASSERT_EQ(link.channel->server_end_point(), link.client.end_point("SHA256"));
        resumed += link.client.is_resumed() ? 1 : 0;
        session = link.client.session();
      }
    });
  }
  std::thread rotation([&] {
    while (!is_over) {
      contexts_->ticket_keys().rotate();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  for (std::thread& shard : shards) {
    shard.join();
  }
  is_over = true;
  rotation.join();
  EXPECT_GT(resumed, 0);
}

TEST(TicketKeysTest, AReaderNeverSeesHalfOfAKey) {
  TicketKeys keys(0);
  std::atomic<bool> is_over = false;
  std::thread writer([&] {
    for (int i = 0; i < 20'000; ++i) {
      keys.rotate();
    }
    is_over = true;
  });
  // Found by name twice, a key is the same both times, or has been forgotten meanwhile.
  std::uint64_t compared = 0;
  while (!is_over) {
    const TicketKey key = keys.current(0);
    if (const auto again = keys.find(key.name, 0)) {
      ++compared;
      ASSERT_EQ(again->key.cipher_key, key.cipher_key);
      ASSERT_EQ(again->key.mac_key, key.mac_key);
    }
  }
  writer.join();
  EXPECT_FALSE(keys.find(keys.current(0).name, 0) == std::nullopt);
  RecordProperty("compared", std::to_string(compared));
}

TEST(TicketKeysTest, AKeyIsCurrentForItsPeriodAndFoundForItsLifetime) {
  TicketKeys keys(1000);
  const TicketKey first = keys.current(1000);
  EXPECT_EQ(keys.current(1000 + kTicketKeyPeriodMs - 1).name, first.name);
  const TicketKey second = keys.current(1000 + kTicketKeyPeriodMs);
  EXPECT_NE(second.name, first.name);
  const std::uint64_t last = 1000 + kTicketKeyPeriodMs + kTicketLifetimeMs - 1;
  const auto found = keys.find(first.name, last);
  ASSERT_TRUE(found.has_value());
  EXPECT_FALSE(found->is_current);
  EXPECT_EQ(found->key.cipher_key, first.cipher_key);
  EXPECT_EQ(found->key.mac_key, first.mac_key);
  EXPECT_FALSE(keys.find(first.name, last + 1).has_value());
}

TEST(TicketKeysTest, AfterALongQuietTimeEveryOldKeyIsForgotten) {
  TicketKeys keys(0);
  const TicketKey first = keys.current(0);
  EXPECT_FALSE(keys.find(first.name, 100 * kTicketKeyPeriodMs).has_value());
  const TicketKey now = keys.current(100 * kTicketKeyPeriodMs);
  EXPECT_EQ(keys.current(101 * kTicketKeyPeriodMs - 1).name, now.name);
}

TEST(TicketKeysTest, UnknownNamesAreNotFound) {
  TicketKeys keys(0);
  EXPECT_FALSE(keys.find(std::array<std::byte, 16>{}, 0).has_value());
}

}  // namespace
}  // namespace rondel::tls
