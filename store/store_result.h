// What an operation of a storage answers: a value, or one of six failures with a sentence.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/task.h"

namespace rondel::store {

enum class Failure {
  unavailable,  ///< The storage can't tell now; a later try may succeed. Never means "not there".
  not_found,    ///< The storage answered: there is no such thing.
  conflict,     ///< It exists already.
  full,         ///< A limit given by the caller is reached; nothing was stored.
  invalid,      ///< The request can't be stored as it is; a later try fails as well.
  unsupported,  ///< This storage never does that (it is read-only, say); another way is needed.
};

/// The enumerator's name, for logs and tests.
[[nodiscard]] std::string_view failure_name(Failure failure);

/// `message` is for the operator's log, never for a peer; it holds no secret.
struct StoreError {
  StoreError(Failure what, std::string text) : failure(what), message(std::move(text)) {}

  Failure failure;
  std::string message;
};

template <class T>
using StoreResult = base::Result<T, StoreError>;

/// Resumes on the shard that awaits it. Destroying it while it waits is allowed: the operation
/// itself still happens, its answer is dropped.
template <class T>
using StoreTask = base::Task<StoreResult<T>>;

/// `return fail(Failure::not_found, "...")` in a function that gives a StoreResult.
[[nodiscard]] inline base::Unexpected<StoreError> fail(Failure failure, std::string message) {
  return base::Unexpected<StoreError>(StoreError(failure, std::move(message)));
}

}  // namespace rondel::store
