// Addresses: a view over normalised text, and a string that owns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/result.h"

namespace rondel::xml {
class Arena;
}

namespace rondel::xmpp {

/// Why a text is no address. Source: RFC 6122 §2, RFC 7622 §3.
enum class JidError : std::uint8_t {
  empty,
  too_long,
  local_empty,
  local_forbidden,
  domain_empty,
  domain_invalid,
  resource_empty,
  resource_forbidden,
};
[[nodiscard]] std::string_view to_text(JidError error);

/// Bytes of one part after preparation. Source: RFC 7622 §3.1.
inline constexpr std::size_t kJidPartBytesMax = 1023;
/// Bytes of a whole address: three parts, '@' and '/'.
inline constexpr std::size_t kJidBytesMax = 3 * kJidPartBytesMax + 2;

/// A normalised address in memory that somebody else owns; two are the same if their texts are.
/// Owner: the arena or Jid it was made from. Limits: kJidBytesMax.
class JidView {
 public:
  /// No address at all: is_empty().
  constexpr JidView() = default;

  [[nodiscard]] constexpr std::string_view full() const { return text_; }
  [[nodiscard]] constexpr std::string_view bare() const { return text_.substr(0, domain_end_); }
  [[nodiscard]] constexpr std::string_view local() const {
    return domain_begin_ == 0 ? std::string_view() : text_.substr(0, domain_begin_ - 1u);
  }
  [[nodiscard]] constexpr std::string_view domain() const {
    return text_.substr(domain_begin_, domain_end_ - domain_begin_);
  }
  [[nodiscard]] constexpr std::string_view resource() const {
    return has_resource() ? text_.substr(domain_end_ + 1u) : std::string_view();
  }

  [[nodiscard]] constexpr bool is_empty() const { return text_.empty(); }
  [[nodiscard]] constexpr bool has_local() const { return domain_begin_ != 0; }
  [[nodiscard]] constexpr bool has_resource() const { return domain_end_ < text_.size(); }
  [[nodiscard]] constexpr bool is_bare() const { return !is_empty() && !has_resource(); }
  /// A domain alone: neither localpart nor resourcepart.
  [[nodiscard]] constexpr bool is_domain() const { return is_bare() && !has_local(); }
  [[nodiscard]] constexpr bool is_bare_of(JidView other) const { return full() == other.bare(); }
  [[nodiscard]] constexpr bool has_bare_of(JidView other) const { return bare() == other.bare(); }

  /// This address without its resourcepart.
  [[nodiscard]] constexpr JidView bare_view() const {
    return JidView(bare(), domain_begin_, domain_end_);
  }
  /// The domainpart as an address.
  [[nodiscard]] constexpr JidView domain_view() const {
    return JidView(domain(), 0, domain_end_ - domain_begin_);
  }

  /// The same address over another copy of the same text.
  [[nodiscard]] constexpr JidView moved_to(std::string_view same_text) const {
    RONDEL_ASSERT(same_text == text_);
    return JidView(same_text, domain_begin_, domain_end_);
  }

  friend constexpr bool operator==(JidView a, JidView b) { return a.text_ == b.text_; }

 private:
  friend class Jid;
  friend struct JidParser;
  constexpr JidView(std::string_view text, std::size_t domain_begin, std::size_t domain_end)
      : text_(text),
        domain_begin_(static_cast<std::uint16_t>(domain_begin)),
        domain_end_(static_cast<std::uint16_t>(domain_end)) {}

  std::string_view text_;
  std::uint16_t domain_begin_ = 0;
  std::uint16_t domain_end_ = 0;
};

/// A normalised address with memory of its own.
class Jid {
 public:
  Jid() = default;
  explicit Jid(JidView view)
      : text_(view.text_), domain_begin_(view.domain_begin_), domain_end_(view.domain_end_) {}

  /// Splits (the first '/', then the first '@' before it), prepares each part, checks. Source: RFC
  /// 7622 §3.2; the profiles: docs/decisions/0006-addresses.md.
  [[nodiscard]] static base::Result<Jid, JidError> parse(std::string_view text);
  /// From parts that are not prepared yet; an empty localpart or resourcepart is one that is
  /// absent.
  [[nodiscard]] static base::Result<Jid, JidError> from_parts(std::string_view local,
                                                              std::string_view domain,
                                                              std::string_view resource = {});
  /// `address` with another resourcepart, which is prepared and must not be empty.
  [[nodiscard]] static base::Result<Jid, JidError> with_resource(JidView address,
                                                                 std::string_view resource);

  [[nodiscard]] JidView view() const { return JidView(text_, domain_begin_, domain_end_); }
  operator JidView() const { return view(); }  // NOLINT(google-explicit-constructor)

  [[nodiscard]] const std::string& full() const { return text_; }
  [[nodiscard]] std::string_view bare() const { return view().bare(); }
  [[nodiscard]] std::string_view local() const { return view().local(); }
  [[nodiscard]] std::string_view domain() const { return view().domain(); }
  [[nodiscard]] std::string_view resource() const { return view().resource(); }
  [[nodiscard]] bool is_empty() const { return text_.empty(); }
  [[nodiscard]] bool has_local() const { return view().has_local(); }
  [[nodiscard]] bool has_resource() const { return view().has_resource(); }
  [[nodiscard]] bool is_bare() const { return view().is_bare(); }
  [[nodiscard]] bool is_domain() const { return view().is_domain(); }

  friend bool operator==(const Jid& a, const Jid& b) { return a.text_ == b.text_; }

 private:
  std::string text_;
  std::uint16_t domain_begin_ = 0;
  std::uint16_t domain_end_ = 0;
};

/// As Jid::parse, without a copy where `text` is ASCII and normalised already.
/// Owner: the view points into `text` then, else into `arena`; both must outlive it.
[[nodiscard]] base::Result<JidView, JidError> parse_jid_into(std::string_view text,
                                                             xml::Arena& arena);

/// One part alone, prepared: what a user name from SASL or a host of the configuration becomes.
[[nodiscard]] base::Result<std::string, JidError> prepare_local(std::string_view text);
[[nodiscard]] base::Result<std::string, JidError> prepare_domain(std::string_view text);
[[nodiscard]] base::Result<std::string, JidError> prepare_resource(std::string_view text);

}  // namespace rondel::xmpp
