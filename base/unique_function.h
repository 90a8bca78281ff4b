// A move-only function object (std::move_only_function is C++23).
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace rondel::base {

template <class Signature>
class UniqueFunction;

/// Owns a callable that may own things that cannot be copied.
///
/// Costs one allocation when made and one indirect call; not for the message path.
template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;
  UniqueFunction(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  template <class F>
    requires(!std::is_same_v<std::decay_t<F>, UniqueFunction> &&
             std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
  UniqueFunction(F&& function)  // NOLINT(google-explicit-constructor)
      : target_(std::make_unique<Target<std::decay_t<F>>>(std::forward<F>(function))) {}

  explicit operator bool() const { return target_ != nullptr; }
  R operator()(Args... args) {
    RONDEL_ASSERT(target_ != nullptr);
    return target_->call(std::forward<Args>(args)...);
  }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual R call(Args... args) = 0;
  };
  template <class F>
  struct Target final : Callable {
    explicit Target(F f) : function(std::move(f)) {}
    R call(Args... args) override {
      if constexpr (std::is_void_v<R>) {
        static_cast<void>(std::invoke(function, std::forward<Args>(args)...));
      } else {
        return std::invoke(function, std::forward<Args>(args)...);
      }
    }
    F function;
  };
  std::unique_ptr<Callable> target_;
};

}  // namespace rondel::base
