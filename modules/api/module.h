// What a module is: a descriptor, an object that registers, and an object for each shard (DESIGN
// §8).
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "config/snapshot.h"

namespace rondel::api {

class Registrar;
class Shard;

/// Grows with every change of these headers that an older module would not survive.
inline constexpr std::uint32_t kApiVersion = 1;

/// A module's state on one shard; its hooks and handlers are its members.
///
/// Thread: the shard's. Owner: the shard. Freed before the shard's storage sessions.
class ShardModule {
 public:
  virtual ~ShardModule() = default;
  /// Every module of this shard has started: services of others can be looked up.
  virtual void started() {}
  /// The configuration has changed; options that apply on reload are to be read again.
  virtual void reloaded() {}
  /// The server stops: no new work; sessions are about to be closed.
  virtual void stopping() {}
  /// Something of it waits to be stored: the shard does not end before, but within 30 s.
  [[nodiscard]] virtual bool has_unsaved() const { return false; }
};

/// A loaded module. Holds what its shards share; no globals.
class Module {
 public:
  virtual ~Module() = default;
  /// Registers everything. Thread: start-up. Errors: a sentence; the start ends with it.
  [[nodiscard]] virtual base::Result<void> load(Registrar& registrar) = 0;
  /// The module's state on `shard`. Thread: the shard's, before its first connection.
  [[nodiscard]] virtual std::unique_ptr<ShardModule> start_on_shard(Shard& shard) = 0;
  /// A reload is about to happen: checks and prepares what it needs. If no module objects, every
  /// shard's ShardModule::reloaded() follows; otherwise nothing does, and what was prepared is
  /// dropped by the next call. Thread: main. Errors: sentences, one a line; the old configuration
  /// stays.
  [[nodiscard]] virtual base::Result<void> prepare_reload(const config::Snapshot& /*next*/) {
    return {};
  }
};

/// A protocol that a module implements, for `rondelctl modules` and the support table.
struct Protocol {
  std::string_view name;     ///< "XEP-0199", "RFC 6121".
  std::string_view version;  ///< Of the text that was followed.
};

/// What a module says of itself (RONDEL_MODULE exports it): static data, read before anything else
/// of it runs.
struct ModuleInfo {
  std::string_view name;  ///< As in [modules] load; also the file's name.
  std::string_view version = "0.1.0";
  std::string_view description;  ///< One sentence.
  std::span<const std::string_view>
      depends_on{};  ///< Modules that must be loaded, and start first.
  std::span<const config::OptionSpec> options{};
  std::span<const Protocol> protocols{};
  std::unique_ptr<Module> (*create)() = nullptr;

  std::uint32_t api_version = kApiVersion;
};

/// A module whose shards share nothing: `OnShard` has `static Result<void> load(Registrar&)` and is
/// made from a Shard&.
template <class OnShard>
class ShardOnlyModule final : public Module {
 public:
  base::Result<void> load(Registrar& registrar) override { return OnShard::load(registrar); }
  std::unique_ptr<ShardModule> start_on_shard(Shard& shard) override {
    return std::make_unique<OnShard>(shard);
  }
};

template <class M>
std::unique_ptr<Module> create_module() {
  return std::make_unique<M>();
}

}  // namespace rondel::api
