#include "store/key_value_store.h"

namespace rondel::store {

StoreResult<void> check_key(const std::string& space, const std::string& key) {
  for (const std::string* text : {&space, &key}) {
    if (text->empty() || text->size() > kKeyBytesMax || text->find('\0') != std::string::npos) {
      return fail(Failure::invalid, "a space or key is empty, too long or holds NUL");
    }
  }
  return {};
}

}  // namespace rondel::store
