#include "tls/kernel_support.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utility>

namespace rondel::tls {
namespace {

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

/// Two ends of one TCP connection on the loopback; both -1 if there can be none.
std::pair<Socket, Socket> make_pair() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const Socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Socket near(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(listener.fd(), generic, size) != 0 || ::listen(listener.fd(), 1) != 0 ||
      ::getsockname(listener.fd(), generic, &size) != 0 ||
      ::connect(near.fd(), generic, size) != 0) {
    return {Socket(-1), Socket(-1)};
  }
  return {std::move(near), Socket(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC))};
}

bool set_ulp(int fd) {
  constexpr char kName[] = "tls";
  return ::setsockopt(fd, IPPROTO_TCP, TCP_ULP, kName, sizeof(kName)) == 0;
}

/// Keys of zeros: nothing is ever sent.
template <class Info>
bool set_keys(int fd, std::uint16_t cipher) {
  Info info{};
  info.info.version = TLS_1_3_VERSION;
  info.info.cipher_type = cipher;
  return ::setsockopt(fd, SOL_TLS, TLS_TX, &info, sizeof(info)) == 0;
}

/// True if the module lies ready for `modprobe tls`.
bool has_module_file(const std::string& release) {
  constexpr std::array kEnds{".ko", ".ko.xz", ".ko.zst", ".ko.gz"};
  return std::any_of(kEnds.begin(), kEnds.end(), [&release](const char* end) {
    return ::access(fmt::format("/lib/modules/{}/kernel/net/tls/tls{}", release, end).c_str(),
                    F_OK) == 0;
  });
}

std::string release_of_kernel() {
  utsname names{};
  return ::uname(&names) == 0 ? names.release : "of unknown release";
}

std::string describe_absence(int error) {
  const std::string release = release_of_kernel();
  if (error != ENOENT) {
    return fmt::format("kernel {} gives no TLS ({}): encrypted connections use compact records",
                       release, std::strerror(error));
  }
  if (!has_module_file(release)) {
    return fmt::format(
        "kernel {} has no TLS and no module for it (CONFIG_TLS): encrypted connections use compact "
        "records; if a module is installed later, 'modprobe tls' loads it",
        release);
  }
  return fmt::format(
      "kernel {} has TLS in a module that is not loaded: encrypted connections use compact "
      "records; 'modprobe tls' and a restart change that, and for every boot "
      "'echo tls > /etc/modules-load.d/rondel.conf'",
      release);
}

std::string describe(const KernelSupport& support) {
  std::string ciphers;
  const auto name = [&ciphers](bool is_there, std::string_view text) {
    if (is_there) {
      ciphers += ciphers.empty() ? "" : ", ";
      ciphers += text;
    }
  };
  name(support.has_aes_128_gcm, "AES-128-GCM");
  name(support.has_aes_256_gcm, "AES-256-GCM");
  name(support.has_chacha20_poly1305, "CHACHA20-POLY1305");
  return fmt::format(
      "kernel {} takes TLS records ({}; {}), at some {} KiB of kernel memory a connection",
      release_of_kernel(), ciphers.empty() ? "no cipher of ours" : ciphers,
      support.can_rekey ? "follows KeyUpdate" : "closes on KeyUpdate",
      kKernelBytesPerConnection / 1024);
}

}  // namespace

KernelSupport probe_kernel_tls() {
  KernelSupport support;
  const auto [first, second] = make_pair();
  const auto [third, fourth] = make_pair();
  if (second.fd() < 0 || third.fd() < 0) {
    support.description = fmt::format(
        "kernel TLS cannot be tried on the loopback ({}): encrypted connections use compact "
        "records",
        std::strerror(errno));
    return support;
  }
  if (!set_ulp(first.fd())) {
    support.description = describe_absence(errno);
    return support;
  }
  support.has_ulp = set_ulp(second.fd()) && set_ulp(third.fd());
  using Aes128 = tls12_crypto_info_aes_gcm_128;
  support.has_aes_128_gcm = set_keys<Aes128>(first.fd(), TLS_CIPHER_AES_GCM_128);
  support.has_aes_256_gcm =
      set_keys<tls12_crypto_info_aes_gcm_256>(second.fd(), TLS_CIPHER_AES_GCM_256);
  support.has_chacha20_poly1305 =
      set_keys<tls12_crypto_info_chacha20_poly1305>(third.fd(), TLS_CIPHER_CHACHA20_POLY1305);
  support.can_rekey =
      support.has_aes_128_gcm && set_keys<Aes128>(first.fd(), TLS_CIPHER_AES_GCM_128);
  support.description = describe(support);
  return support;
}

const KernelSupport& kernel_support() {
  static const KernelSupport found = probe_kernel_tls();
  return found;
}

}  // namespace rondel::tls
