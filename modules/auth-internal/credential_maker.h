// Makes the keys that are stored in place of a password.
#pragma once

#include <string>

#include "modules/api/credential_service.h"
#include "modules/api/shard.h"

namespace rondel::modules::auth_internal {

/// Thread: the shard's. Owner: the module's state on the shard.
class CredentialMaker final : public api::CredentialService {
 public:
  explicit CredentialMaker(api::Shard& shard) : shard_(shard) {}
  base::Task<base::Result<store::CredentialSet, api::CredentialError>> derive(
      std::string host, std::string password) override;

 private:
  api::Shard& shard_;
};

}  // namespace rondel::modules::auth_internal
