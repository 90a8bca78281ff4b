#include "log/escape.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/utf8.h"

namespace rondel::log {
namespace {

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// C1 controls (terminals take U+009B for an escape sequence) and the two Unicode line ends.
bool is_control_sequence(std::string_view sequence) {
  const unsigned char lead = byte_at(sequence, 0);
  if (sequence.size() == 1) {
    return lead < 0x20 || lead == 0x7f;
  }
  return (lead == 0xc2 && byte_at(sequence, 1) < 0xa0) || sequence == "\u2028" ||
         sequence == "\u2029";
}

bool is_plain(char c) {
  return c >= 0x20 && c < 0x7f;
}

// Bytes at the front that are printable ASCII: nearly all that is ever logged.
std::size_t plain_prefix(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && is_plain(text[i])) {
    ++i;
  }
  return i;
}

std::size_t escape_byte(char* out, unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out[0] = '\\';
  switch (byte) {
    case '\n':
      out[1] = 'n';
      return 2;
    case '\r':
      out[1] = 'r';
      return 2;
    case '\t':
      out[1] = 't';
      return 2;
    default:
      out[1] = 'x';
      out[2] = kDigits[byte >> 4];
      out[3] = kDigits[byte & 15];
      return 4;
  }
}

// What stands for the character at `i`, at most 12 bytes; `used` says how many bytes of the text it
// is.
std::size_t escape_one(char* out, std::string_view text, std::size_t i, std::size_t& used) {
  const std::size_t bytes = base::utf8_sequence_bytes(text, i);
  used = std::max<std::size_t>(bytes, 1);
  if (bytes > 0 && !is_control_sequence(text.substr(i, bytes))) {
    std::memcpy(out, text.data() + i, bytes);
    return bytes;
  }
  std::size_t written = 0;
  for (std::size_t k = 0; k < used; ++k) {
    written += escape_byte(out + written, byte_at(text, i + k));
  }
  return written;
}

constexpr std::size_t kEscapedBytesMax = 12;  // Three bytes as \xNN each.

}  // namespace

std::size_t escape_into(std::span<char> out, std::string_view text, Newlines newlines) {
  std::size_t end = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t plain = std::min(plain_prefix(text.substr(i)), out.size() - end);
    if (plain > 0) {
      std::memcpy(out.data() + end, text.data() + i, plain);
      end += plain;
      i += plain;
      continue;
    }
    char escaped[kEscapedBytesMax];
    std::size_t used = 1;
    std::size_t bytes = 1;
    if (text[i] == '\n' && newlines == Newlines::kept) {
      escaped[0] = '\n';
    } else {
      bytes = escape_one(escaped, text, i, used);
    }
    if (bytes > out.size() - end) {
      break;
    }
    std::memcpy(out.data() + end, escaped, bytes);
    end += bytes;
    i += used;
  }
  return end;
}

void append_escaped(std::string& out, std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t plain = plain_prefix(text.substr(i));
    out.append(text.substr(i, plain));
    i += plain;
    if (i < text.size()) {
      char escaped[kEscapedBytesMax];
      std::size_t used = 1;
      out.append(escaped, escape_one(escaped, text, i, used));
      i += used;
    }
  }
}

bool is_harmless(std::string_view text) {
  for (std::size_t i = plain_prefix(text); i < text.size();) {
    const std::size_t bytes = base::utf8_sequence_bytes(text, i);
    if (bytes == 0 || is_control_sequence(text.substr(i, bytes))) {
      return false;
    }
    i += bytes;
  }
  return true;
}

}  // namespace rondel::log
