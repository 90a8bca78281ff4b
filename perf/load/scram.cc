#include "perf/load/scram.h"

#include <cerrno>
#include <charconv>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <optional>

#include "base/encoding.h"
#include "base/random.h"
#include "xmpp/sasl/digest.h"

namespace rondel::load {
namespace {

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// The value of an attribute of a SCRAM message.
std::optional<std::string_view> attribute(std::string_view message, char name) {
  while (!message.empty()) {
    const std::string_view part = message.substr(0, message.find(','));
    if (part.size() >= 2 && part[0] == name && part[1] == '=') {
      return part.substr(2);
    }
    message.remove_prefix(std::min(message.size(), part.size() + 1));
  }
  return std::nullopt;
}

/// A name with `,` and `=` as RFC 5802 §5.1 wants them.
std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',' || c == '=') {
      out += c == ',' ? "=2C" : "=3D";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void ScramKeys::load(const std::string& path) {
  std::ifstream file(path);
  std::string name;
  Keys keys;
  while (file >> name >> keys.client >> keys.server) {
    auto client = base::base64_decode(keys.client);
    auto server = base::base64_decode(keys.server);
    if (client && server) {
      keys_[name] = {*client, *server};
    }
  }
  saved_ = keys_.size();
}

base::Result<void> ScramKeys::save(const std::string& path) const {
  if (saved_ == keys_.size()) {
    return {};
  }
  std::ofstream file(path, std::ios::trunc);
  for (const auto& [name, keys] : keys_) {
    file << name << ' ' << base::base64_encode(keys.client) << ' '
         << base::base64_encode(keys.server) << '\n';
  }
  file.flush();
  if (!file) {
    return base::Unexpected(base::system_error(path, errno));
  }
  return {};
}

const ScramKeys::Keys& ScramKeys::get(xmpp::ScramHash hash,
                                      const std::string& password,
                                      const std::string& salt,
                                      std::uint32_t iterations) {
  // Lengths first: no two inputs have one name.
  const std::string name = base::hex_encode(xmpp::digest(
      xmpp::ScramHash::sha_256, fmt::format("{}:{}:{}:{}:{}:{}", static_cast<int>(hash), iterations,
                                            password.size(), password, salt.size(), salt)));
  auto [found, is_new] = keys_.try_emplace(name);
  if (is_new) {
    const double begin = thread_seconds();
    const std::string salted = xmpp::pbkdf2(hash, password, salt, iterations);
    found->second = {xmpp::hmac(hash, salted, "Client Key"),
                     xmpp::hmac(hash, salted, "Server Key")};
    derivation_s_ += thread_seconds() - begin;
    ++derivations_;
  }
  return found->second;
}

ScramClient::ScramClient(xmpp::ScramHash hash, std::string name, std::string password)
    : hash_(hash),
      password_(std::move(password)),
      nonce_(base::random_token(18)),
      first_bare_(fmt::format("n={},r={}", escaped(name), nonce_)) {
}

base::Result<std::string> ScramClient::answer(std::string_view challenge, ScramKeys& keys) {
  const auto nonce = attribute(challenge, 'r');
  const auto salt = base::base64_decode(attribute(challenge, 's').value_or("?"));
  const std::string_view count = attribute(challenge, 'i').value_or("");
  std::uint32_t iterations = 0;
  std::from_chars(count.data(), count.data() + count.size(), iterations);
  if (!nonce || !nonce->starts_with(nonce_) || !salt || iterations == 0) {
    return base::Unexpected(base::Error(fmt::format("no SCRAM challenge: {}", challenge)));
  }
  const ScramKeys::Keys& known = keys.get(hash_, password_, *salt, iterations);
  const std::string last = fmt::format("c=biws,r={}", *nonce);
  const std::string signed_text = fmt::format("{},{},{}", first_bare_, challenge, last);
  const std::string proof = xmpp::exclusive_or(
      known.client, xmpp::hmac(hash_, xmpp::digest(hash_, known.client), signed_text));
  signature_ = base::base64_encode(xmpp::hmac(hash_, known.server, signed_text));
  return fmt::format("{},p={}", last, base::base64_encode(proof));
}

bool ScramClient::is_signed(std::string_view success) const {
  return !signature_.empty() && attribute(success, 'v') == signature_;
}

}  // namespace rondel::load
