#include "tls/channel.h"

#include "tls/context.h"
#include "tls/retained_channel.h"

namespace rondel::tls {

std::string_view engine_name(Engine engine) {
  switch (engine) {
    case Engine::retained:
      return "retained";
    case Engine::compact:
      return "compact";
    case Engine::kernel:
      return "kernel";
  }
  return "unknown";
}

base::Result<std::unique_ptr<Channel>> accept_channel(std::shared_ptr<const TlsContexts> contexts,
                                                      const AcceptOptions& options) {
  return RetainedChannel::make(std::move(contexts), options);
}

}  // namespace rondel::tls
