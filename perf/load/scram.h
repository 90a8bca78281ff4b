// The client's side of SCRAM, and the keys that it need not derive twice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "xmpp/sasl/scram_key.h"

namespace rondel::load {

/// Keys by password, salt and iterations; derives what it does not have, which takes milliseconds.
///
/// A file of them holds what logs in as those accounts, as the accounts' passwords do.
class ScramKeys {
 public:
  struct Keys {
    std::string client;
    std::string server;
  };

  /// Takes in what is in `path`, if there is such a file.
  void load(const std::string& path);
  /// Errors: the system's.
  [[nodiscard]] base::Result<void> save(const std::string& path) const;

  const Keys& get(xmpp::ScramHash hash,
                  const std::string& password,
                  const std::string& salt,
                  std::uint32_t iterations);

  [[nodiscard]] std::uint64_t derivations() const { return derivations_; }
  [[nodiscard]] double derivation_seconds() const { return derivation_s_; }

 private:
  std::unordered_map<std::string, Keys> keys_;
  std::uint64_t derivations_ = 0;
  std::uint64_t saved_ = 0;
  double derivation_s_ = 0;
};

/// One authentication. Source: RFC 5802 §3, RFC 7677; no channel binding.
class ScramClient {
 public:
  ScramClient(xmpp::ScramHash hash, std::string name, std::string password);

  [[nodiscard]] std::string first() const { return "n,," + first_bare_; }
  /// The answer to the server's challenge. Errors: what is wrong with it.
  [[nodiscard]] base::Result<std::string> answer(std::string_view challenge, ScramKeys& keys);
  /// Whether the server has shown that it knows the account.
  [[nodiscard]] bool is_signed(std::string_view success) const;

 private:
  xmpp::ScramHash hash_;
  std::string password_;
  std::string nonce_;
  std::string first_bare_;
  std::string signature_;
};

}  // namespace rondel::load
