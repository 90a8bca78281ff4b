#include "server/core.h"

#include "server/connection.h"
#include "server/shard.h"

namespace rondel::server {

Core::Core() = default;
Core::~Core() = default;

}  // namespace rondel::server
