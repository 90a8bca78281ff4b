// One run of PLAIN.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "modules/api/auth.h"
#include "modules/api/shard.h"
#include "modules/auth-internal/auth_settings.h"
#include "modules/auth-internal/key_source.h"

namespace rondel::modules::auth_internal {

/// Derives the key of the password sent, on a worker thread, and compares; or has the storage
/// compare, where that is all it can do. Source: RFC 4616.
class PlainExchange final : public api::AuthExchange {
 public:
  /// `settings` must name a hash.
  PlainExchange(api::Shard& shard,
                KeySource& keys,
                api::HostStores stores,
                std::string host,
                AuthSettings settings)
      : shard_(shard),
        keys_(keys),
        stores_(stores),
        host_(std::move(host)),
        settings_(std::move(settings)) {}

  base::Task<api::AuthStep> step(std::string input, bool has_input) override;

 private:
  api::Shard& shard_;
  KeySource& keys_;
  const api::HostStores stores_;
  const std::string host_;
  const AuthSettings settings_;
};

}  // namespace rondel::modules::auth_internal
