// What systemd wants to hear (sd_notify(3)).
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace rondel::server {

/// Sends `state` ("READY=1\nSTATUS=…") to $NOTIFY_SOCKET; does nothing where there is none.
void notify_service_manager(std::string_view state);
/// How often WATCHDOG=1 has to be sent ($WATCHDOG_USEC halved); nothing where nobody watches.
[[nodiscard]] std::optional<base::Milliseconds> watchdog_interval();

}  // namespace rondel::server
