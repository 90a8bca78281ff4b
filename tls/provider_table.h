// The tables of functions that OpenSSL's providers and ours hand each other; for this room's
// sources.
#pragma once

#include <string_view>

struct ossl_algorithm_st;
struct ossl_dispatch_st;
struct ossl_provider_st;

namespace rondel::tls {

/// What `provider` has under `name` for an operation (OSSL_OP_...); null if nothing.
///
/// Owner: the provider, which stays as long as somebody holds something that was fetched from it.
/// Source: OpenSSL's provider(7), "Operations".
[[nodiscard]] const ossl_algorithm_st* find_algorithm(const ossl_provider_st& provider,
                                                      int operation,
                                                      std::string_view name);

/// The line of a table with the function of that number, which must be there.
[[nodiscard]] const ossl_dispatch_st* find_function(const ossl_dispatch_st* table, int number);

/// A line of a table (OSSL_DISPATCH): the function's number, and the function.
template <class Line, class Function>
Line table_line(int number, Function* function) {
  return {number, reinterpret_cast<void (*)()>(function)};
}

}  // namespace rondel::tls
