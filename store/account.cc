#include "store/account.h"

namespace rondel::store {

StoreResult<void> check_credentials(const CredentialSet& credentials) {
  unsigned seen = 0;
  for (const ScramCredential& scram : credentials.scram) {
    const unsigned bit = 1U << static_cast<unsigned>(scram.hash);
    if ((seen & bit) != 0) {
      return fail(Failure::invalid, "two SCRAM credentials for the same hash");
    }
    seen |= bit;
    if (scram.iterations == 0 || scram.salt.empty() || scram.stored_key.empty() ||
        scram.server_key.empty()) {
      return fail(Failure::invalid, "an incomplete SCRAM credential");
    }
  }
  return {};
}

}  // namespace rondel::store
