#include "base/hash.h"

#include <bit>
#include <cstring>

#include "base/random.h"

namespace rondel::base {
namespace {

struct Key {
  std::uint64_t k0 = random_u64();
  std::uint64_t k1 = random_u64();
};

struct State {
  std::uint64_t v0, v1, v2, v3;
  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
};

}  // namespace

std::uint64_t hash_text(std::string_view text) {
  static const Key key;
  State s{key.k0 ^ 0x736f'6d65'7073'6575, key.k1 ^ 0x646f'7261'6e64'6f6d,
          key.k0 ^ 0x6c79'6765'6e65'7261, key.k1 ^ 0x7465'6462'7974'6573};
  std::size_t i = 0;
  std::uint64_t word = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::memcpy(&word, text.data() + i, 8);
    s.v3 ^= word;
    s.round();
    s.v0 ^= word;
  }
  word = 0;
  if (i < text.size()) {  // An empty view may hold a null pointer.
    std::memcpy(&word, text.data() + i, text.size() - i);
  }
  word |= static_cast<std::uint64_t>(text.size()) << 56;
  s.v3 ^= word;
  s.round();
  s.v0 ^= word;
  s.v2 ^= 0xff;
  s.round();
  s.round();
  s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace rondel::base
