// Makes TLS contexts from the configuration and hands them to the shards.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/snapshot.h"
#include "tls/client_trust.h"
#include "tls/context.h"

namespace rondel::modules::layer_tls {

inline constexpr std::string_view kModuleName = "layer-tls";

/// The contexts of all hosts that have a certificate, immutable.
struct HostContexts {
  std::shared_ptr<const tls::TlsContexts> contexts;
  std::vector<std::string> hosts;  ///< As configured, one for each certificate.
  int expiry_warning_days = 0;
  /// By interface: those that ask for client certificates.
  std::map<std::string, std::shared_ptr<const tls::ClientTrust>, std::less<>> client_trusts;
};
using HostContextsPointer = std::shared_ptr<const HostContexts>;

/// Null if no interface uses TLS, or no host has a certificate.
///
/// That the hosts of every interface with TLS have one, the configuration has made sure of. Errors:
/// every fault, one sentence a line.
[[nodiscard]] base::Result<HostContextsPointer> load_contexts(const config::Snapshot& config,
                                                              tls::ExpiredCertificate expired,
                                                              const HostContexts* previous);

/// Contexts by the configuration that they were made from.
///
/// Thread: any; the lock is taken at start and reload only. Owner: the module.
class ContextSource {
 public:
  /// For the start. Thread: main.
  [[nodiscard]] base::Result<void> start(const config::Snapshot& config);
  /// For a reload, which may still come to nothing. Thread: main.
  [[nodiscard]] base::Result<void> prepare(const config::Snapshot& next);

  /// Those of the start.
  [[nodiscard]] HostContextsPointer first() const;
  /// Those prepared from exactly this configuration; null if there are none.
  [[nodiscard]] HostContextsPointer prepared_from(const config::Snapshot& config) const;

 private:
  /// Reloads may follow each other before a busy shard has taken the first.
  static constexpr std::size_t kPreparedMax = 8;
  struct Prepared {
    const config::Snapshot* config;  ///< Only compared: it may be gone.
    HostContextsPointer contexts;
  };

  mutable std::mutex mutex_;
  HostContextsPointer first_;
  std::vector<Prepared> prepared_;  ///< The newest last.
};

}  // namespace rondel::modules::layer_tls
