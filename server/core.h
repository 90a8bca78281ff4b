// What all shards share: made at start, read-only afterwards except where it says so.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/snapshot.h"
#include "log/log.h"
#include "log/writer/log_writer.h"
#include "modules/api/admin.h"
#include "modules/api/module.h"
#include "server/address_counter.h"
#include "server/host_storages.h"
#include "server/interface.h"
#include "server/mailbox.h"
#include "server/offload_pool.h"
#include "server/posted.h"
#include "server/registry.h"

namespace rondel::server {

class Shard;

/// The server's skeleton.
///
/// Owner: Server. Thread: any for reading; nothing of it changes while shards run. `snapshot` is
/// that of the start: shards have one of their own, which a reload replaces by a message.
struct Core {
  Core();
  ~Core();

  /// Makes `count` shards, and what they tell each other by.
  void make_shards(std::size_t count);

  std::shared_ptr<const config::Snapshot> snapshot;
  Registry registry;
  std::vector<std::unique_ptr<api::Module>> modules;
  std::vector<std::string> host_names;      ///< Normalised, in the order of the configuration.
  std::vector<HostStorages> host_storages;  ///< In the same order.
  std::vector<std::unique_ptr<Interface>> interfaces;
  std::vector<ListenerSpec> listeners;
  std::vector<std::unique_ptr<Shard>> shards;
  /// mailboxes[from * shards + to].
  std::vector<std::unique_ptr<Mailbox>> mailboxes;
  /// posted_by[to]: the mailboxes that shard `to` has to look into.
  std::vector<std::unique_ptr<PostedBy>> posted_by;
  AddressCounter addresses;
  /// Shards that still have connections; each waits for the others before it stops turning.
  std::atomic<int> shards_running{0};
  OffloadPool* offload = nullptr;
  api::Admin* admin = nullptr;
  const log::Channel* log = nullptr;
  log::Hub* log_hub = nullptr;
  log::LogWriter* log_writer = nullptr;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();

  [[nodiscard]] Mailbox& mailbox(std::size_t from, std::size_t to) const {
    return *mailboxes[from * shards.size() + to];
  }
};

}  // namespace rondel::server
