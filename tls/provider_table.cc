#include "tls/provider_table.h"

#include <algorithm>
#include <openssl/core.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "base/check.h"

namespace rondel::tls {
namespace {

/// Whether `name` is among `names`, which stand with colons between them.
bool is_named(const char* names, std::string_view name) {
  for (std::string_view rest(names); !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(':'));
    if (one.size() == name.size() &&
        OPENSSL_strncasecmp(one.data(), name.data(), name.size()) == 0) {
      return true;
    }
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
  }
  return false;
}

}  // namespace

const OSSL_ALGORITHM* find_algorithm(const OSSL_PROVIDER& provider,
                                     int operation,
                                     std::string_view name) {
  int must_not_cache = 0;
  const OSSL_ALGORITHM* const all =
      OSSL_PROVIDER_query_operation(&provider, operation, &must_not_cache);
  const OSSL_ALGORITHM* one = all;
  while (one != nullptr && one->algorithm_names != nullptr &&
         !is_named(one->algorithm_names, name)) {
    ++one;
  }
  OSSL_PROVIDER_unquery_operation(&provider, operation, all);
  return one != nullptr && one->algorithm_names != nullptr ? one : nullptr;
}

const OSSL_DISPATCH* find_function(const OSSL_DISPATCH* table, int number) {
  while (table->function_id != 0 && table->function_id != number) {
    ++table;
  }
  RONDEL_CHECK(table->function_id == number);
  return table;
}

}  // namespace rondel::tls
