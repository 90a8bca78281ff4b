#include "server/core.h"

#include "server/connection.h"
#include "server/shard.h"

namespace rondel::server {

Core::Core() = default;
Core::~Core() = default;

void Core::make_shards(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    shards.push_back(std::make_unique<Shard>(*this, static_cast<std::uint16_t>(i)));
    posted_by.push_back(std::make_unique<PostedBy>(count));
  }
  for (std::size_t i = 0; i < count * count; ++i) {
    mailboxes.push_back(std::make_unique<Mailbox>(mailbox_capacity(count)));
  }
}

}  // namespace rondel::server
