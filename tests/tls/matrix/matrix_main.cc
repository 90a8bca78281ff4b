// tls_kernel_matrix [--engine kernel|compact|retained]: every way in which a TLS connection goes,
// with one engine, over real sockets and a ring. Ends with 0, 1, or 77: this kernel has no TLS.
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <functional>
#include <netinet/in.h>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/check.h"
#include "ring/uring_ring.h"
#include "tests/tls/matrix/echo_server.h"
#include "tests/tls/matrix/matrix_client.h"
#include "tests/tls/test_pki.h"
#include "tls/context.h"
#include "tls/kernel_support.h"

namespace rondel::tls {
namespace {

constexpr int kSkipped = 77;
constexpr int kSecondsMax = 60;
constexpr std::array kCiphers{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                              "TLS_CHACHA20_POLY1305_SHA256"};

/// Two ends of a loopback connection.
struct Ends {
  int client = -1;
  int server = -1;
};

Ends connect_ends() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  Ends ends;
  ends.client = ::socket(AF_INET, SOCK_STREAM, 0);
  RONDEL_CHECK(::bind(listener, generic, size) == 0 && ::listen(listener, 1) == 0 &&
               ::getsockname(listener, generic, &size) == 0 &&
               ::connect(ends.client, generic, size) == 0);
  ends.server = ::accept(listener, nullptr, nullptr);
  RONDEL_CHECK(ends.server >= 0);
  ::close(listener);
  return ends;
}

class Matrix {
 public:
  explicit Matrix(Engine engine) : engine_(engine) {
    records_ = engine == Engine::retained  ? Records::retained
               : engine == Engine::compact ? Records::compact
                                           : Records::kernel;
    // As small a ring as a busy server's is for one connection: a MiB goes through it many times.
    ring::UringOptions options;
    options.receive_buffers = 64;
    auto ring = ring::UringRing::create(options);
    RONDEL_CHECK(ring.has_value());
    ring_ = std::move(*ring);
    for (int tickets = 0; tickets <= 2; ++tickets) {
      TlsPolicy policy;
      policy.tickets = tickets;
      contexts_.push_back(
          TlsContexts::load(std::vector{pki_.issue(fmt::format("t{}", tickets), {{"one.example"}})},
                            policy)
              .value());
    }
  }

  void run_all() {
    cross();
    sizes();
    others();
    evil();
  }
  [[nodiscard]] int failures() const { return failures_; }
  [[nodiscard]] int cases() const { return cases_; }

 private:
  using RunClient = std::function<ClientResult(int fd, const Gate& gate)>;

  /// Everything that can come together around the end of a handshake and the end of a connection.
  void cross() {
    constexpr std::array<std::size_t, 4> kSizes{1, 200, 40'000, 5'000};
    std::size_t turn = 0;
    for (const char* cipher : kCiphers) {
      for (const int tickets : {0, 1, 2}) {
        for (const Early early : {Early::none, Early::whole, Early::half}) {
          for (const bool is_server_closing : {false, true}) {
            for (const Update update : {Update::none, Update::silent, Update::requested}) {
              Case wanted{cipher, tickets, early, is_server_closing, update};
              wanted.bytes = kSizes[turn % kSizes.size()];
              wanted.record_bytes = turn % 3 == 0 ? 16384 : 600;
              ++turn;
              check_openssl(wanted);
            }
          }
        }
      }
    }
  }

  void sizes() {
    for (const char* cipher : kCiphers) {
      for (const std::size_t bytes :
           {1UL, 2UL, 255UL, 16383UL, 16384UL, 16385UL, 100'000UL, 1'048'576UL}) {
        for (const std::size_t record : {1UL, 512UL, 4096UL, 16384UL}) {
          for (const std::size_t padding : {0UL, 4096UL}) {
            if (bytes / record <= 3000) {
              check_openssl(
                  {cipher, 1, Early::none, bytes % 2 == 0, Update::none, bytes, record, padding});
            }
          }
        }
      }
    }
  }

  void others() {
    for (const std::size_t bytes : {1UL, 300'000UL}) {
      for (const bool is_server_closing : {false, true}) {
        check_openssl({nullptr, 1, Early::none, is_server_closing, Update::none, bytes});
      }
    }
    for (const char* cipher : kCiphers) {
      for (const bool is_server_closing : {false, true}) {
        for (const Update update : {Update::none, Update::silent, Update::requested}) {
          const Case wanted{cipher, 1, Early::none, is_server_closing, update, 50'000, 10'000};
          check("GnuTLS " + wanted.name(), wanted,
                [&wanted](int fd, const Gate&) { return run_gnutls_client(fd, wanted); });
        }
      }
    }
  }

  void check_openssl(const Case& wanted) {
    check(wanted.name(), wanted,
          [&wanted](int fd, const Gate& gate) { return run_openssl_client(fd, wanted, gate); });
  }

  Served serve(const Case& wanted, const std::function<void(int, const Gate&)>& client) {
    const Ends ends = connect_ends();
    AcceptOptions options;
    options.records = records_;
    auto channel = accept_channel(contexts_[static_cast<std::size_t>(wanted.tickets)], options);
    EchoServer server(*ring_, ends.server, std::move(channel).value(),
                      wanted.is_server_closing ? wanted.bytes : 0);
    const Gate gate{server.is_established(), server.is_settled()};
    std::thread other([&] { client(ends.client, gate); });
    Served served = server.run(kSecondsMax);
    server.hang_up();
    other.join();
    return served;
  }

  void check(const std::string& name, const Case& wanted, const RunClient& run) {
    ClientResult client;
    const Served served = serve(wanted, [&](int fd, const Gate& gate) { client = run(fd, gate); });
    const Engine engine = wanted.cipher != nullptr ? engine_ : Engine::retained;
    // A kernel that cannot follow a KeyUpdate ends the connection in order.
    const bool may_end_early =
        engine == Engine::kernel && wanted.update != Update::none && !kernel_support().can_rekey;
    const bool is_whole = client.echoed == wanted.bytes && served.received == wanted.bytes;
    std::string fault = client.error;
    if (fault.empty() && !is_whole && !may_end_early) {
      fault = fmt::format("{} received, {} came back", served.received, client.echoed);
    } else if (fault.empty() && !client.is_end_orderly) {
      fault = "the server said no close_notify";
    } else if (served.engine != engine) {
      fault = fmt::format("engine {}", engine_name(served.engine));
    } else if (served.end != Status::closed) {
      fault = fmt::format("the server's end is {} ({})", static_cast<int>(served.end),
                          served.failure.text);
    }
    report(name, fault.empty() ? fault : fault + "; server: " + served.failure.text);
  }

  void evil() {
    struct Row {
      Evil evil;
      Status end;
      int alert;  ///< -1: none need come.
    };
    constexpr Row kRows[]{
        {Evil::changed_bit, Status::failed, 20},   {Evil::garbage, Status::failed, -1},
        {Evil::long_record, Status::failed, -1},   {Evil::handshake_message, Status::failed, 10},
        {Evil::empty_records, Status::closed, -1}, {Evil::control_flood, Status::failed, -1},
        {Evil::fin, Status::truncated, -1},        {Evil::reset, Status::truncated, -1},
        {Evil::user_canceled, Status::closed, -1}};
    for (const Row& row : kRows) {
      EvilResult client;
      const Served served = serve(
          Case{}, [&](int fd, const Gate& gate) { client = run_evil_client(fd, row.evil, gate); });
      std::string fault = client.error;
      if (served.end != row.end) {
        fault += fmt::format("the server's end is {}", static_cast<int>(served.end));
      }
      // The kernel may have lost its way out with the bad record; else the peer learns what it was.
      const bool is_alert_due = row.alert >= 0 && !(engine_ == Engine::kernel && row.alert == 20);
      if (is_alert_due && client.alert != row.alert) {
        fault += fmt::format("alert {} instead of {}", client.alert, row.alert);
      }
      if (row.end == Status::closed && !client.is_end_orderly) {
        fault += "the server said no close_notify";
      }
      report(fmt::format("evil: {}", evil_name(row.evil)),
             fault.empty() ? fault : fault + "; server: " + served.failure.text);
    }
  }

  void report(const std::string& name, const std::string& fault) {
    ++cases_;
    if (!fault.empty()) {
      ++failures_;
      std::printf("FAILED %s: %s\n", name.c_str(), fault.c_str());
      std::fflush(stdout);
    }
  }

  Engine engine_;
  Records records_;
  TestPki pki_;
  std::unique_ptr<ring::Ring> ring_;
  std::vector<std::shared_ptr<const TlsContexts>> contexts_;
  int cases_ = 0;
  int failures_ = 0;
};

}  // namespace
}  // namespace rondel::tls

int main(int count, char** arguments) {
  using rondel::tls::Engine;
  // Without an option: what tests/vm starts a kernel for.
  const bool is_named = count == 3 && std::string_view(arguments[1]) == "--engine";
  const std::string_view name = is_named ? arguments[2] : "kernel";
  Engine engine = Engine::kernel;
  if (name == "compact" || name == "retained") {
    engine = name == "compact" ? Engine::compact : Engine::retained;
  } else if (name != "kernel" || (count != 1 && !is_named)) {
    std::fprintf(stderr, "usage: %s [--engine kernel|compact|retained]\n", arguments[0]);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to a socket that the server has left.
  const auto& support = rondel::tls::kernel_support();
  std::printf("%s\n", support.description.c_str());
  if (engine == Engine::kernel && !support.is_usable()) {
    std::printf("SKIPPED: no kernel TLS\n");
    return rondel::tls::kSkipped;
  }
  rondel::tls::Matrix matrix(engine);
  matrix.run_all();
  std::printf("%s engine: %d cases, %d failed\n", std::string(name).c_str(), matrix.cases(),
              matrix.failures());
  return matrix.failures() == 0 ? 0 : 1;
}
