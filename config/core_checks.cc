#include "config/core_checks.h"

#include <algorithm>
#include <array>

#include "config/schema.h"

namespace rondel::config {
namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kHostBytesMax = 1023;  // RFC 7622 §3.2

bool is_lower_or_digit(char character) {
  return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
}

bool is_letter_or_digit(char character) {
  return is_lower_or_digit(character) || (character >= 'A' && character <= 'Z');
}

bool is_blank_or_control(char character) {
  return static_cast<unsigned char>(character) <= 0x20 || character == 0x7f;
}

}  // namespace

bool is_module_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && name.front() != '-' &&
         std::ranges::all_of(name, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

std::string_view check_module_name(std::string_view text) {
  return is_module_name(text) ? "" : "a name of small letters, digits and '-'";
}

std::string_view check_interface_name(std::string_view text) {
  const bool is_fine =
      !text.empty() && text.size() <= kNameBytesMax && std::ranges::all_of(text, [](char c) {
        return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
      });
  return is_fine ? "" : "a name of letters, digits, '-', '_' and '.', 64 at most";
}

std::string_view check_host_name(std::string_view text) {
  const bool is_fine =
      !text.empty() && text.size() <= kHostBytesMax && std::ranges::none_of(text, [](char c) {
        return is_blank_or_control(c) || std::string_view("@/\"'<>&").find(c) != std::string::npos;
      });
  return is_fine ? "" : "a domain such as \"example.org\"";
}

std::string_view check_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  const bool is_fine =
      colon != std::string_view::npos && colon > 0 && colon + 1 < text.size() &&
      !is_blank_or_control(text.front()) &&
      std::ranges::all_of(
          text.substr(0, colon),
          [](char c) { return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.'; }) &&
      std::ranges::none_of(text, is_blank_or_control);
  return is_fine ? "" : "a URI such as \"mailto:abuse@example.org\" or \"xmpp:admin@example.org\"";
}

std::string_view check_log_destination(std::string_view text) {
  constexpr std::array<std::string_view, 3> kNames{"stderr", "journal", "syslog"};
  constexpr std::string_view kFile = "file:/";
  const bool is_file = text.starts_with(kFile) && text.size() > kFile.size() && text.back() != '/';
  return is_file || std::ranges::find(kNames, text) != kNames.end()
             ? ""
             : "\"stderr\", \"journal\", \"syslog\" or \"file:/path\"";
}

}  // namespace rondel::config
