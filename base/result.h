// Result<T, E>: a value or an error, as std::expected (C++23) names its parts.
#pragma once

#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"

namespace rondel::base {

/// An error for people: a sentence that says what failed, where, and what to do about it.
struct Error {
  std::string message;
  std::error_code code{};  ///< The system's reason, where there is one.

  Error() = default;
  explicit Error(std::string text) : message(std::move(text)) {}
  Error(std::string text, std::error_code reason) : message(std::move(text)), code(reason) {}
};

/// The error of the system call that has just failed, as "what: strerror".
[[nodiscard]] Error system_error(std::string what, int error_number);

/// Carries an error into a Result: `return Unexpected(Error("..."))`.
template <class E>
class Unexpected {
 public:
  constexpr explicit Unexpected(E error) : error_(std::move(error)) {}
  [[nodiscard]] constexpr E& error() & { return error_; }
  [[nodiscard]] constexpr E&& error() && { return std::move(error_); }
  [[nodiscard]] constexpr const E& error() const& { return error_; }

 private:
  E error_;
};

/// A value of type T or an error of type E; must not be dropped.
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = E;

  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  template <class U>
    requires(std::is_constructible_v<E, U &&>)
  Result(Unexpected<U> error)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<1>, std::move(error).error()) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  [[nodiscard]] T& value() & { return checked(), *std::get_if<0>(&state_); }
  [[nodiscard]] const T& value() const& { return checked(), *std::get_if<0>(&state_); }
  [[nodiscard]] T&& value() && { return checked(), std::move(*std::get_if<0>(&state_)); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }

  [[nodiscard]] E& error() & { return failed(), *std::get_if<1>(&state_); }
  [[nodiscard]] const E& error() const& { return failed(), *std::get_if<1>(&state_); }
  [[nodiscard]] E&& error() && { return failed(), std::move(*std::get_if<1>(&state_)); }

  template <class U>
  [[nodiscard]] T value_or(U&& other) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(other));
  }
  template <class U>
  [[nodiscard]] T value_or(U&& other) && {
    return has_value() ? std::move(*this).value() : static_cast<T>(std::forward<U>(other));
  }

 private:
  void checked() const { RONDEL_CHECK(has_value()); }
  void failed() const { RONDEL_CHECK(!has_value()); }

  std::variant<T, E> state_;
};

/// Success without a value, or an error.
template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  Result() = default;
  template <class U>
    requires(std::is_constructible_v<E, U &&>)
  Result(Unexpected<U> error)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<1>, std::move(error).error()) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  void value() const { RONDEL_CHECK(has_value()); }

  [[nodiscard]] E& error() & { return failed(), *std::get_if<1>(&state_); }
  [[nodiscard]] const E& error() const& { return failed(), *std::get_if<1>(&state_); }
  [[nodiscard]] E&& error() && { return failed(), std::move(*std::get_if<1>(&state_)); }

 private:
  void failed() const { RONDEL_CHECK(!has_value()); }

  std::variant<std::monostate, E> state_;
};

}  // namespace rondel::base

#define RONDEL_CONCATENATE_(a, b) a##b
#define RONDEL_CONCATENATE(a, b) RONDEL_CONCATENATE_(a, b)
#define RONDEL_TRY_(declaration, expression, temporary)              \
  auto temporary = (expression);                                     \
  if (!temporary.has_value()) [[unlikely]] {                         \
    return ::rondel::base::Unexpected(std::move(temporary).error()); \
  }                                                                  \
  declaration = std::move(temporary).value()
#define RONDEL_TRY_VOID_(expression, temporary)                      \
  auto temporary = (expression);                                     \
  if (!temporary.has_value()) [[unlikely]] {                         \
    return ::rondel::base::Unexpected(std::move(temporary).error()); \
  }

/// `RONDEL_TRY(auto fd, open_socket());` declares fd, or returns the error.
#define RONDEL_TRY(declaration, ...) \
  RONDEL_TRY_(declaration, (__VA_ARGS__), RONDEL_CONCATENATE(rondel_try_, __COUNTER__))
/// `RONDEL_TRY_VOID(bind_socket(fd));` goes on, or returns the error.
#define RONDEL_TRY_VOID(...) \
  RONDEL_TRY_VOID_((__VA_ARGS__), RONDEL_CONCATENATE(rondel_try_, __COUNTER__))
