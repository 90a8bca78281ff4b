// rondel-handshakes: what OpenSSL alone costs a server for each TLS 1.3 handshake, on memory and
// over loopback.
#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <atomic>
#include <ctime>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;
using Session = std::unique_ptr<SSL, Free>;

struct Settings {
  std::string certificate, key;
  unsigned count = 2000;
  int server_cpu = -1, client_cpu = -1;
  unsigned tickets = 1;
};

[[noreturn]] void fail(const std::string& what) {
  std::cerr << what << '\n';
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

/// A file descriptor that closes itself.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {
    if (fd_ < 0) {
      fail("no socket");
    }
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

double thread_cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

void pin(int cpu) {
  if (cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0) {
      fail(fmt::format("CPU {} can't be had", cpu));
    }
  }
}

Context server_context(const Settings& settings) {
  Context context(SSL_CTX_new(TLS_server_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
      SSL_CTX_use_certificate_chain_file(context.get(), settings.certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), settings.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_set_num_tickets(context.get(), settings.tickets) != 1) {
    fail("the certificate or its key can't be used");
  }
  return context;
}

/// The CPU time of the server's side of a handshake on memory: no socket, no system call.
double on_memory(const Settings& settings) {
  pin(settings.server_cpu);
  const Context server = server_context(settings);
  const Context client(SSL_CTX_new(TLS_client_method()));
  double sum = 0;
  const unsigned warm_up = settings.count / 10;
  for (unsigned i = 0; i < settings.count; ++i) {
    const Session there(SSL_new(client.get()));
    BIO* to_server = BIO_new(BIO_s_mem());
    BIO* to_client = BIO_new(BIO_s_mem());
    BIO_up_ref(to_server);
    BIO_up_ref(to_client);
    SSL_set_bio(there.get(), to_client, to_server);
    SSL_connect(there.get());  // The hello is there; what the client computes isn't counted.
    double begin = thread_cpu_us();
    Session here(SSL_new(server.get()));
    SSL_set_bio(here.get(), to_server, to_client);
    SSL_accept(here.get());
    double each = thread_cpu_us() - begin;
    if (SSL_connect(there.get()) != 1) {
      fail("the client's handshake on memory failed");
    }
    begin = thread_cpu_us();
    if (SSL_accept(here.get()) != 1) {
      fail("the server's handshake on memory failed");
    }
    here.reset();
    each += thread_cpu_us() - begin;
    sum += i < warm_up ? 0 : each;
  }
  return sum / (settings.count - warm_up);
}

/// Connects, shakes hands, waits for the server's end, `count` times.
void be_client(const Settings& settings, const sockaddr_in& address) {
  pin(settings.client_cpu);
  const Context context(SSL_CTX_new(TLS_client_method()));
  for (unsigned i = 0; i < settings.count; ++i) {
    const Socket connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Session ssl(SSL_new(context.get()));
    if (connect(connection.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
            0 ||
        SSL_set_fd(ssl.get(), connection.fd()) != 1 || SSL_connect(ssl.get()) != 1) {
      fail("the client's handshake failed");
    }
    char byte;
    SSL_read(ssl.get(), &byte, 1);
  }
}

/// The CPU time of this thread for each connection: accept, handshake, tickets, close_notify.
double be_server(const Settings& settings, const Socket& listener) {
  pin(settings.server_cpu);
  const Context context = server_context(settings);
  double begin = 0;
  const unsigned warm_up = settings.count / 10;
  for (unsigned i = 0; i < settings.count; ++i) {
    if (i == warm_up) {
      begin = thread_cpu_us();
    }
    const Socket connection(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    const Session ssl(SSL_new(context.get()));
    if (SSL_set_fd(ssl.get(), connection.fd()) != 1 || SSL_accept(ssl.get()) != 1) {
      fail("the server's handshake failed");
    }
    SSL_shutdown(ssl.get());
  }
  return (thread_cpu_us() - begin) / (settings.count - warm_up);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Measures the CPU time of TLS 1.3 handshakes by OpenSSL alone; prints JSON.");
  app.add_option("--certificate", settings.certificate, "PEM, the chain")->required();
  app.add_option("--key", settings.key, "PEM")->required();
  app.add_option("--count", settings.count, "handshakes; the first tenth isn't counted")
      ->check(CLI::Range(10, 1'000'000));
  app.add_option("--tickets", settings.tickets, "session tickets after each, as rondeld: 1")
      ->check(CLI::Range(0, 2));
  app.add_option("--server-cpu", settings.server_cpu, "the CPU of the accepting thread");
  app.add_option("--client-cpu", settings.client_cpu, "the CPU of the connecting thread");
  CLI11_PARSE(app, argc, argv);

  const Socket listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener.fd(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener.fd(), 128) != 0 ||
      getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    fail("can't listen on loopback");
  }
  std::thread client([&] { be_client(settings, address); });
  const double over_sockets = be_server(settings, listener);
  client.join();
  std::cout
      << fmt::format(
             R"({{"handshakes": {}, "memory_cpu_us_each": {:.2f}, "socket_cpu_us_each": {:.2f}, )"
             R"("openssl": "{}"}})",
             settings.count, on_memory(settings), over_sockets,
             OpenSSL_version(OPENSSL_VERSION_STRING))
      << std::endl;
  return 0;
}
