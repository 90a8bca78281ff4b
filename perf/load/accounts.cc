#include "perf/load/accounts.h"

#include <cerrno>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace rondel::load {

base::Result<Accounts> Accounts::create(const Options& options) {
  Accounts accounts;
  accounts.count_ = options.users;
  accounts.first_ = options.first_user;
  accounts.prefix_ = options.user_prefix;
  accounts.password_ = options.password;
  accounts.at_domain_ = "@" + options.domain;
  if (!options.password_file.empty()) {
    std::ifstream file(options.password_file);
    if (!std::getline(file, accounts.password_)) {
      return base::Unexpected(base::system_error(options.password_file, errno));
    }
  }
  if (options.accounts.empty()) {
    return accounts;
  }
  std::ifstream file(options.accounts);
  std::string line;
  while (accounts.listed_.size() < std::size_t{options.first_user} + options.users &&
         std::getline(file, line)) {
    std::istringstream words(line);
    std::string jid;
    std::string password;
    if (!(words >> jid >> std::ws) || !std::getline(words, password)) {
      return base::Unexpected(base::Error(fmt::format(
          "{}:{}: no JID and password there", options.accounts, accounts.listed_.size() + 1)));
    }
    accounts.listed_.push_back({jid.substr(0, jid.find('@')), password});
  }
  if (accounts.listed_.size() < std::size_t{options.first_user} + options.users) {
    return base::Unexpected(base::Error(
        fmt::format("{} has {} accounts only", options.accounts, accounts.listed_.size())));
  }
  return accounts;
}

std::string Accounts::name(std::uint32_t number) const {
  number += first_;
  return listed_.empty() ? fmt::format("{}{}", prefix_, number) : listed_[number].name;
}

std::string Accounts::password(std::uint32_t number) const {
  number += first_;
  if (!listed_.empty()) {
    return listed_[number].password;
  }
  const std::size_t at = password_.find("{}");
  return at == std::string::npos
             ? password_
             : fmt::format("{}{}{}", password_.substr(0, at), number, password_.substr(at + 2));
}

std::string_view Accounts::bare_jid(std::uint32_t number) const {
  jid_.clear();
  number += first_;
  if (listed_.empty()) {
    jid_ += prefix_;
    const fmt::format_int digits(number);
    jid_.append(digits.data(), digits.size());
  } else {
    jid_ += listed_[number].name;
  }
  return jid_ += at_domain_;
}

}  // namespace rondel::load
