#include "xmpp/jid_cache.h"

#include <memory>

#include "base/hash.h"

namespace rondel::xmpp {
namespace {

std::size_t place_of(JidPart part, std::string_view text) {
  // The hash is keyed: nobody can aim at the place of another's address.
  return (base::hash_text(text) + static_cast<std::size_t>(part)) % JidCache::kEntries;
}

}  // namespace

JidCache& JidCache::of_this_thread() {
  thread_local const std::unique_ptr<JidCache> cache = std::make_unique<JidCache>();
  return *cache;
}

std::optional<std::string_view> JidCache::find(JidPart part, std::string_view text) const {
  const Entry& entry = entries_[place_of(part, text)];
  if (text.empty() || entry.part != part || entry.text != text) {
    return std::nullopt;
  }
  return entry.prepared;
}

void JidCache::store(JidPart part, std::string_view text, std::string_view prepared) {
  if (text.size() > kBytesMax || prepared.size() > kBytesMax) {
    return;
  }
  Entry& entry = entries_[place_of(part, text)];
  entry.part = part;
  entry.text = text;
  entry.prepared = prepared;
}

}  // namespace rondel::xmpp
