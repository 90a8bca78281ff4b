#include "perf/idle/client_session.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <tuple>
#include <unistd.h>
#include <utility>

#include "base/encoding.h"
#include "xmpp/sasl/digest.h"

namespace rondel::perf {
namespace {

constexpr timeval kPatience{60, 0};
constexpr xmpp::ScramHash kHash = xmpp::ScramHash::sha_256;
constexpr std::string_view kNonce = "rOprNGfwEbeRWgbNEkqO";

sockaddr_in address_of(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    throw ClientError(fmt::format("'{}' is no IPv4 address", host));
  }
  return address;
}

int connect_blocking(const Login& login) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  const sockaddr_in from = address_of(login.source, 0);
  const sockaddr_in to = address_of(login.host, login.port);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) != 0 ||
      connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
    const int error = errno;
    close(fd);
    throw ClientError(fmt::format("connecting to port {}: {}", login.port, std::strerror(error)));
  }
  return fd;
}

/// What stands between `open` and the next `<` or `,`.
std::string_view value_behind(std::string_view text, std::string_view open) {
  const std::size_t at = text.find(open);
  if (at == std::string_view::npos) {
    throw ClientError(fmt::format("no '{}' in: {}", open, text));
  }
  text.remove_prefix(at + open.size());
  return text.substr(0, text.find_first_of(",<"));
}

std::string decoded(std::string_view text) {
  auto bytes = base::base64_decode(text);
  if (!bytes) {
    throw ClientError(fmt::format("this is no base64: {}", text));
  }
  return std::move(*bytes);
}

/// PBKDF2, or what it gave the last time: the accounts of a measurement may share one salt.
std::string salted_password(const std::string& password,
                            const std::string& salt,
                            std::uint32_t iterations) {
  thread_local std::tuple<std::string, std::string, std::uint32_t> last;
  thread_local std::string salted;
  if (const auto wanted = std::tie(password, salt, iterations); last != wanted) {
    last = wanted;
    salted = xmpp::pbkdf2(kHash, password, salt, iterations);
  }
  return salted;
}

}  // namespace

struct ClientTls::Native {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
};

ClientTls::ClientTls() : native_(std::make_unique<Native>()) {
  SSL_CTX_set_min_proto_version(native_->context, TLS1_3_VERSION);
  SSL_CTX_set_mode(native_->context, SSL_MODE_RELEASE_BUFFERS);
}

ClientTls::~ClientTls() {
  SSL_CTX_free(native_->context);
}

/// The socket, with TLS over it or not.
struct ClientSession::Wire {
  explicit Wire(int socket) : fd(socket) {}
  ~Wire() {
    SSL_free(ssl);
    close(fd);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void shake_hands(SSL_CTX* context, const std::string& domain) {
    static constexpr unsigned char kAlpn[] = "\x0bxmpp-client";
    ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    // SSL_set_tlsext_host_name() without its C cast.
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(domain.c_str()));
    SSL_set_alpn_protos(ssl, kAlpn, sizeof(kAlpn) - 1);
    if (SSL_connect(ssl) != 1) {
      throw ClientError(fmt::format("handshake: {}", ERR_error_string(ERR_get_error(), nullptr)));
    }
  }

  void send(std::string_view text) const {
    const auto size = static_cast<int>(text.size());
    const auto sent = ssl != nullptr ? SSL_write(ssl, text.data(), size)
                                     : ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent != size) {
      throw ClientError("the server does not take what is sent");
    }
  }

  /// What has come since the call before, up to and with the end of `token`.
  std::string receive_until(std::string_view token) {
    std::size_t end;
    while ((end = received.find(token)) == std::string::npos) {
      std::array<char, 8192> buffer;
      const auto count = ssl != nullptr
                             ? SSL_read(ssl, buffer.data(), static_cast<int>(buffer.size()))
                             : recv(fd, buffer.data(), buffer.size(), 0);
      if (count <= 0) {
        throw ClientError(fmt::format("no '{}' came, but: {}", token, received));
      }
      received.append(buffer.data(), static_cast<std::size_t>(count));
    }
    std::string text = received.substr(0, end + token.size());
    received.erase(0, text.size());
    return text;
  }

  int fd;
  SSL* ssl = nullptr;
  std::string received;
};

ClientSession::ClientSession(const ClientTls& tls, const Login& login)
    : wire_(std::make_unique<Wire>(connect_blocking(login))) {
  if (login.is_tls) {
    wire_->shake_hands(tls.native_->context, login.domain);
  }
  open_stream(login);
  authenticate(login);
}

void ClientSession::begin(const Login& login) {
  open_stream(login);
  wire_->send(
      "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
      "<resource>phone</resource></bind></iq>");
  wire_->receive_until("</iq>");
  wire_->send("<iq type='get' id='roster1'><query xmlns='jabber:iq:roster'/></iq>");
  wire_->receive_until("roster1");
  wire_->send(
      "<presence><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
      "node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>");
  wire_->receive_until("</presence>");  // The account's sessions hear of each other: it is handled.
  wire_->received = {};
}

ClientSession::~ClientSession() = default;
ClientSession::ClientSession(ClientSession&&) noexcept = default;

void ClientSession::open_stream(const Login& login) {
  wire_->send(
      fmt::format("<?xml version='1.0'?><stream:stream to='{}' version='1.0' xml:lang='en' "
                  "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
                  login.domain));
  wire_->receive_until("</stream:features>");
}

// RFC 5802, RFC 7677. The nonce is no secret of anybody: the test's client has nothing to lose.
void ClientSession::authenticate(const Login& login) {
  const std::string first = fmt::format("n={},r={}", login.user, kNonce);
  wire_->send(fmt::format(
      "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>{}</auth>",
      base::base64_encode("n,," + first)));
  const std::string answer = wire_->receive_until("</");
  const std::string challenge =
      decoded(value_behind(answer, "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"));
  std::uint32_t iterations = 0;
  const std::string_view count = value_behind(challenge, "i=");
  std::from_chars(count.data(), count.data() + count.size(), iterations);
  const std::string salted =
      salted_password(login.password, decoded(value_behind(challenge, "s=")), iterations);
  const std::string key = xmpp::hmac(kHash, salted, "Client Key");
  const std::string last = fmt::format("c=biws,r={}", value_behind(challenge, "r="));
  const std::string proof = xmpp::exclusive_or(
      key,
      xmpp::hmac(kHash, xmpp::digest(kHash, key), fmt::format("{},{},{}", first, challenge, last)));
  wire_->receive_until("challenge>");
  wire_->send(
      fmt::format("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{}</response>",
                  base::base64_encode(fmt::format("{},p={}", last, base::base64_encode(proof)))));
  wire_->receive_until("</success>");
}

void ClientSession::ping() {
  wire_->send("<iq type='get' id='ping1'><ping xmlns='urn:xmpp:ping'/></iq>");
  wire_->receive_until("ping1");
}

}  // namespace rondel::perf
