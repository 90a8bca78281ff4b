// What a hook answers.
#pragma once

#include <cstdint>
#include <type_traits>

namespace rondel::hooks {

/// A small alphabet: go on, I did it, refuse it, wait.
///
/// Which answers count at which point: kPointRules; any other is taken as `next` and asserted in
/// debug builds.
class Verdict {
 public:
  enum class Kind : std::uint8_t {
    next,     ///< The chain goes on; at its end the core acts.
    handled,  ///< Nobody else acts: the hook did, or the thing is to be dropped.
    reject,   ///< Refused; the peer gets `condition` where the point has an answer for it.
    suspend,  ///< The hook took a Continuation and will resume it once, on this shard.
  };

  static constexpr Verdict next() { return Verdict(Kind::next, 0); }
  static constexpr Verdict handled() { return Verdict(Kind::handled, 0); }
  static constexpr Verdict suspend() { return Verdict(Kind::suspend, 0); }
  /// `condition` is an enumerator of the room that reads it (a stanza error condition, say).
  template <class Condition>
    requires std::is_enum_v<Condition>
  static constexpr Verdict reject(Condition condition) {
    static_assert(sizeof(Condition) == 1);
    return Verdict(Kind::reject, static_cast<std::uint8_t>(condition));
  }

  [[nodiscard]] constexpr Kind kind() const { return kind_; }
  [[nodiscard]] constexpr bool is_next() const { return kind_ == Kind::next; }
  template <class Condition>
  [[nodiscard]] constexpr Condition condition() const {
    return static_cast<Condition>(condition_);
  }
  friend constexpr bool operator==(Verdict, Verdict) = default;

 private:
  constexpr Verdict(Kind kind, std::uint8_t condition) : kind_(kind), condition_(condition) {}
  Kind kind_;
  std::uint8_t condition_;
};

}  // namespace rondel::hooks
