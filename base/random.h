// The one source of randomness for tokens, identifiers and salts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace rondel::base {

/// Fills with bytes of the kernel's CSPRNG; ends the process if the kernel refuses.
void random_bytes(std::span<std::byte> out);
/// From bytes that the thread fetched in advance, as random_token().
[[nodiscard]] std::uint64_t random_u64();
/// `count` random bytes in unpadded base64url: safe in XML, JIDs and file names.
[[nodiscard]] std::string random_token(std::size_t count = 15);

}  // namespace rondel::base
