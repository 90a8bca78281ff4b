// Who the sessions log in as.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "perf/load/options.h"

namespace rondel::load {

/// Names and passwords by number; those of a pattern take no memory.
class Accounts {
 public:
  /// Errors: a file that can't be read, or a line of it that is no account.
  static base::Result<Accounts> create(const Options& options);

  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] std::string name(std::uint32_t number) const;
  [[nodiscard]] std::string password(std::uint32_t number) const;
  /// name@domain; the view holds until the next call.
  [[nodiscard]] std::string_view bare_jid(std::uint32_t number) const;

 private:
  struct Listed {
    std::string name;
    std::string password;
  };

  std::uint32_t count_ = 0;
  std::uint32_t first_ = 0;
  std::string prefix_;
  std::string password_;
  std::string at_domain_;
  std::vector<Listed> listed_;
  mutable std::string jid_;
};

}  // namespace rondel::load
