#include "xmpp/sasl/saslprep.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stringprep.h>

#include "base/encoding.h"

namespace rondel::xmpp {
namespace {

constexpr std::size_t kHeapBytes = 64;

}  // namespace

base::Result<std::string, SaslFailure> saslprep(std::string_view text) {
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f; };
  if (text.size() > kSaslStringBytesMax || text.find('\0') != std::string_view::npos) {
    return base::Unexpected(SaslFailure::malformed_request);
  }
  // On the heap even when short: what moves would leave behind on the stack is never wiped.
  std::string input;
  input.reserve(kHeapBytes);
  input = text;
  if (std::all_of(text.begin(), text.end(), is_plain)) {
    return input;
  }
  char* prepared = nullptr;
  const int status = stringprep_profile(input.c_str(), &prepared, "SASLprep",
                                        static_cast<Stringprep_profile_flags>(0));
  base::wipe(input);
  if (status != STRINGPREP_OK) {
    return base::Unexpected(SaslFailure::malformed_request);
  }
  const std::size_t size = std::strlen(prepared);
  std::string result;
  result.reserve(kHeapBytes);
  result.assign(prepared, size);
  base::wipe({reinterpret_cast<std::byte*>(prepared), size});
  std::free(prepared);
  return result;
}

}  // namespace rondel::xmpp
