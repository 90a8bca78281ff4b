#include "xmpp/jid_profiles.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <idn2.h>
#include <memory>
#include <string>
#include <stringprep.h>

#include "xmpp/jid_cache.h"

namespace rondel::xmpp {
namespace {

using base::Result;
using base::Unexpected;
using Prepared = Result<std::string_view, JidError>;

constexpr std::size_t kLabelBytesMax = 63;        // RFC 1035 §2.3.4
constexpr std::size_t kDomainNameBytesMax = 253;  // the same, as text without the last dot
constexpr std::string_view kAcePrefix = "xn--";

constexpr bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}
constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool is_label_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || is_upper(c);
}

constexpr std::array<AsciiForm, 256> local_table() {
  std::array<AsciiForm, 256> table{};
  for (unsigned c = 0; c < table.size(); ++c) {
    const bool is_control = c <= 0x20 || c == 0x7f;
    const bool is_reserved =
        std::string_view("\"&'/:<>@").find(static_cast<char>(c)) != std::string_view::npos;
    table[c] = c >= 0x80                        ? AsciiForm::other
               : is_control || is_reserved      ? AsciiForm::forbidden
               : is_upper(static_cast<char>(c)) ? AsciiForm::upper_case
                                                : AsciiForm::normal;
  }
  return table;
}
constexpr std::array<AsciiForm, 256> kLocalTable = local_table();

std::string_view write_lower(std::string_view text, JidPartBuffer& buffer) {
  std::transform(text.begin(), text.end(), buffer.begin(), lower);
  return {buffer.data(), text.size()};
}

/// Runs a stringprep profile; the result must be a fixed point, as it is parsed again from storage
/// and from other servers, and some normalisations of Unicode 3.2 are none.
Prepared run_stringprep(const Stringprep_profile* profile,
                        std::string_view text,
                        JidPartBuffer& buffer,
                        JidError forbidden) {
  if (text.find('\0') != std::string_view::npos) {
    return Unexpected(forbidden);
  }
  std::memcpy(buffer.data(), text.data(), text.size());
  buffer[text.size()] = '\0';
  const auto flags = static_cast<Stringprep_profile_flags>(0);  // unassigned code points pass
  int status = stringprep(buffer.data(), buffer.size(), flags, profile);
  if (status == STRINGPREP_TOO_SMALL_BUFFER) {
    return Unexpected(JidError::too_long);
  }
  if (status != STRINGPREP_OK || buffer[0] == '\0') {
    return Unexpected(forbidden);
  }
  if (text == buffer.data()) {
    return text;
  }
  JidPartBuffer again = buffer;
  status = stringprep(again.data(), again.size(), flags, profile);
  if (status != STRINGPREP_OK || std::strcmp(again.data(), buffer.data()) != 0) {
    return Unexpected(forbidden);
  }
  return std::string_view(buffer.data());
}

struct Idn2Free {
  void operator()(char* text) const { idn2_free(text); }
};
using Idn2Text = std::unique_ptr<char, Idn2Free>;

constexpr int kIdn2Flags = IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT;

Idn2Text to_a_labels(const char* text, int more_flags = 0) {
  char* out = nullptr;
  return Idn2Text(idn2_to_ascii_8z(text, &out, kIdn2Flags | more_flags) == IDN2_OK ? out : nullptr);
}

Idn2Text to_u_labels(const char* text) {
  char* out = nullptr;
  return Idn2Text(idn2_to_unicode_8z8z(text, &out, kIdn2Flags) == IDN2_OK ? out : nullptr);
}

/// A-labels and whatever isn't ASCII: to A-labels, which checks, and back to U-labels, which are
/// the one form that we keep; there must be exactly one for these A-labels.
Prepared prepare_idn(std::string_view text, JidPartBuffer& buffer) {
  if (text.find('\0') != std::string_view::npos) {
    return Unexpected(JidError::domain_invalid);
  }
  const std::string input(text);
  const Idn2Text ascii = to_a_labels(input.c_str());
  const Idn2Text unicode = ascii ? to_u_labels(ascii.get()) : nullptr;
  // With these rules libidn2 2.3 drops '_' and its like instead of refusing them: a difference
  // tells.
  const Idn2Text check = unicode ? to_a_labels(unicode.get(), IDN2_USE_STD3_ASCII_RULES) : nullptr;
  if (!check || std::strcmp(check.get(), ascii.get()) != 0) {
    return Unexpected(JidError::domain_invalid);
  }
  std::string_view labels(ascii.get());
  std::string_view result(unicode.get());
  // The ideographic full stops have become dots by now.
  if (labels.ends_with('.') && result.ends_with('.')) {
    labels.remove_suffix(1);
    result.remove_suffix(1);
  }
  const AsciiForm form = domain_form(labels);
  if (form == AsciiForm::forbidden || result.empty() || result.size() > kJidPartBytesMax) {
    return Unexpected(JidError::domain_invalid);
  }
  std::memcpy(buffer.data(), result.data(), result.size());
  return std::string_view(buffer.data(), result.size());
}

/// "[2001:db8::1]", in the spelling of RFC 5952 so that equal addresses have equal texts.
Prepared prepare_ipv6_literal(std::string_view text, JidPartBuffer& buffer) {
  std::array<char, INET6_ADDRSTRLEN> address{};
  in6_addr bytes{};
  if (!text.ends_with(']') || text.size() < 4 || text.size() - 2 >= address.size()) {
    return Unexpected(JidError::domain_invalid);
  }
  text.substr(1, text.size() - 2).copy(address.data(), address.size() - 1);
  // A NUL would end the C string early and hide what follows.
  if (std::strlen(address.data()) != text.size() - 2 ||
      inet_pton(AF_INET6, address.data(), &bytes) != 1 ||
      inet_ntop(AF_INET6, &bytes, address.data(), address.size()) == nullptr) {
    return Unexpected(JidError::domain_invalid);
  }
  const std::string literal = '[' + std::string(address.data()) + ']';
  literal.copy(buffer.data(), buffer.size());
  return std::string_view(buffer.data(), literal.size());
}

/// Asks the library that knows the part's profile, or remembers what it said.
Prepared prepare_by_library(JidPart part, std::string_view text, JidPartBuffer& buffer) {
  JidCache& cache = JidCache::of_this_thread();
  if (const auto known = cache.find(part, text)) {
    if (*known == text) {
      return text;
    }
    known->copy(buffer.data(), buffer.size());
    return std::string_view(buffer.data(), known->size());
  }
  Prepared prepared =
      part == JidPart::domain ? prepare_idn(text, buffer)
      : part == JidPart::local
          ? run_stringprep(stringprep_xmpp_nodeprep, text, buffer, JidError::local_forbidden)
          : run_stringprep(stringprep_xmpp_resourceprep, text, buffer,
                           JidError::resource_forbidden);
  if (prepared) {
    cache.store(part, text, *prepared);
  }
  return prepared;
}

/// The domain that was found to be its own prepared form last: nearly every stanza of a thread
/// names the same. Thread: each has its own.
class NormalDomain {
 public:
  [[nodiscard]] bool is(std::string_view text) const {
    return text == std::string_view(text_.data(), size_);
  }
  void remember(std::string_view text) {
    if (text.size() <= text_.size()) {
      size_ = text.copy(text_.data(), text_.size());
    }
  }

 private:
  std::size_t size_ = 0;
  std::array<char, 56> text_{};
};
constinit thread_local NormalDomain normal_domain;

}  // namespace

AsciiForm local_form(std::string_view text) {
  AsciiForm form = AsciiForm::normal;
  for (const char c : text) {
    form = std::max(form, kLocalTable[static_cast<unsigned char>(c)]);
  }
  return form;
}

AsciiForm resource_form(std::string_view text) {
  AsciiForm form = AsciiForm::normal;
  for (const char c : text) {
    if (!is_ascii(c)) {
      form = std::max(form, AsciiForm::other);
    } else if (c < 0x20 || c == 0x7f) {
      return AsciiForm::forbidden;
    }
  }
  return form;
}

AsciiForm domain_form(std::string_view text) {
  AsciiForm form = AsciiForm::normal;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '.') {
      if (!is_ascii(text[i])) {
        return AsciiForm::other;
      }
      if (!is_label_char(text[i])) {
        form = AsciiForm::forbidden;
      } else if (is_upper(text[i])) {
        form = std::max(form, AsciiForm::upper_case);
      }
      continue;
    }
    const std::string_view label = text.substr(begin, i - begin);
    if (label.empty() || label.size() > kLabelBytesMax || label.front() == '-' ||
        label.back() == '-') {
      form = AsciiForm::forbidden;
    } else if (label.size() >= kAcePrefix.size() &&
               std::equal(kAcePrefix.begin(), kAcePrefix.end(), label.begin(),
                          [](char a, char b) { return a == lower(b); })) {
      form = std::max(form, AsciiForm::other);
    }
    begin = i + 1;
  }
  return text.size() > kDomainNameBytesMax ? AsciiForm::forbidden : form;
}

Prepared prepare_local_into(std::string_view text, JidPartBuffer& buffer) {
  if (text.empty()) {
    return Unexpected(JidError::local_empty);
  }
  if (text.size() > kJidPartBytesMax) {
    return Unexpected(JidError::too_long);
  }
  switch (local_form(text)) {
    case AsciiForm::normal:
      return text;
    case AsciiForm::upper_case:
      return write_lower(text, buffer);
    case AsciiForm::other:
      return prepare_by_library(JidPart::local, text, buffer);
    case AsciiForm::forbidden:
      break;
  }
  return Unexpected(JidError::local_forbidden);
}

Prepared prepare_resource_into(std::string_view text, JidPartBuffer& buffer) {
  if (text.empty()) {
    return Unexpected(JidError::resource_empty);
  }
  if (text.size() > kJidPartBytesMax) {
    return Unexpected(JidError::too_long);
  }
  switch (resource_form(text)) {
    case AsciiForm::normal:
      return text;
    case AsciiForm::other:
      return prepare_by_library(JidPart::resource, text, buffer);
    case AsciiForm::upper_case:
    case AsciiForm::forbidden:
      break;
  }
  return Unexpected(JidError::resource_forbidden);
}

Prepared prepare_domain_into(std::string_view text, JidPartBuffer& buffer) {
  if (normal_domain.is(text) && !text.empty()) {
    return text;
  }
  if (text.ends_with('.')) {
    text.remove_suffix(1);  // RFC 7622 §3.2: the root's dot is no part of the address
  }
  if (text.empty()) {
    return Unexpected(JidError::domain_empty);
  }
  if (text.size() > kJidPartBytesMax) {
    return Unexpected(JidError::too_long);
  }
  if (text.front() == '[') {
    return prepare_ipv6_literal(text, buffer);
  }
  switch (domain_form(text)) {
    case AsciiForm::normal:
      normal_domain.remember(text);
      return text;
    case AsciiForm::upper_case:
      return write_lower(text, buffer);
    case AsciiForm::other:
      return prepare_by_library(JidPart::domain, text, buffer);
    case AsciiForm::forbidden:
      break;
  }
  return Unexpected(JidError::domain_invalid);
}

}  // namespace rondel::xmpp
