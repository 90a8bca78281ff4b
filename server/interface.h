// Interfaces and listeners: configured services and the sockets that lead to them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "config/snapshot.h"
#include "log/log.h"

namespace rondel::server {

/// A configured service (DESIGN §1), resolved at start.
///
/// Owner: the server; immutable but for the log level. Thread: any.
struct Interface {
  config::InterfaceOptions options;
  std::vector<std::string> hosts;  ///< Normalised.
  std::unique_ptr<log::Channel> log;

  /// The host by its normalised name; null if this interface does not serve it.
  [[nodiscard]] const std::string* find_host(std::string_view host) const {
    for (const std::string& mine : hosts) {
      if (mine == host) {
        return &mine;
      }
    }
    return nullptr;
  }
  [[nodiscard]] bool serves(std::string_view host) const { return find_host(host) != nullptr; }
};

/// One address; its interfaces share it, and the stream's host and namespace choose among them.
struct ListenerSpec {
  std::string address;                       ///< As configured, with the port in use.
  std::vector<const Interface*> interfaces;  ///< All with the same TLS mode and extensions.

  [[nodiscard]] config::TlsMode tls() const { return interfaces.front()->options.tls; }
};

}  // namespace rondel::server
