#include "server/assembly.h"

#include <algorithm>
#include <fmt/format.h>

#include "config/bootstrap.h"
#include "config/document.h"
#include "xmpp/jid.h"

namespace rondel::server {
namespace {

base::Unexpected<StartFailure> configuration_failure(std::string text) {
  return base::Unexpected(StartFailure{config::kExitConfiguration, std::move(text)});
}

log::Level level_of(config::LogLevel level) {
  return static_cast<log::Level>(level);
}
static_assert(static_cast<int>(log::Level::debug) == static_cast<int>(config::LogLevel::debug));

base::Result<std::string, StartFailure> normalised_host(const std::string& name) {
  auto host = xmpp::prepare_domain(name);
  if (!host) {
    return configuration_failure(
        fmt::format("host \"{}\" is no domain name: {}", name, xmpp::to_text(host.error())));
  }
  return std::move(*host);
}

}  // namespace

base::Result<std::shared_ptr<const config::Snapshot>, std::string> read_snapshot(
    const config::CommandLine& command_line, std::span<const modules::LoadedModule> modules) {
  auto document = config::Document::load(command_line.config_path);
  if (!document) {
    return base::Unexpected(config::to_string(document.error()));
  }
  const auto options = modules::options_of(modules);
  auto snapshot = config::Snapshot::create(*document, command_line.overrides, options);
  if (!snapshot) {
    return base::Unexpected(config::to_string(snapshot.error()));
  }
  return std::move(*snapshot);
}

base::Result<std::unique_ptr<Assembly>, StartFailure> Assembly::make(
    const config::CommandLine& command_line) {
  auto assembly = std::make_unique<Assembly>();
  assembly->command_line = command_line;
  auto document = config::Document::load(command_line.config_path);
  if (!document) {
    return configuration_failure(config::to_string(document.error()));
  }
  auto bootstrap = config::bootstrap(*document, command_line.overrides);
  if (!bootstrap) {
    return configuration_failure(config::to_string(bootstrap.error()));
  }
  auto modules = modules::load_modules(bootstrap->modules_directory, bootstrap->modules);
  if (!modules) {
    return configuration_failure(modules.error().message);
  }
  assembly->modules = std::move(*modules);
  auto snapshot = read_snapshot(command_line, assembly->modules);
  if (!snapshot) {
    return configuration_failure(std::move(snapshot).error());
  }
  Core& core = assembly->core;
  core.snapshot = std::move(*snapshot);
  assembly->log = std::make_unique<log::Channel>(
      assembly->hub, log::Source{.level = level_of(core.snapshot->log().level)});
  core.log = assembly->log.get();
  core.log_hub = &assembly->hub;
  if (auto loaded = assembly->load_modules(); !loaded) {
    return base::Unexpected(std::move(loaded).error());
  }
  if (auto made = assembly->make_interfaces(); !made) {
    return base::Unexpected(std::move(made).error());
  }
  if (auto chosen = assembly->choose_storages(); !chosen) {
    return base::Unexpected(std::move(chosen).error());
  }
  return assembly;
}

base::Result<void, StartFailure> Assembly::load_modules() {
  for (const modules::LoadedModule& loaded : modules) {
    const auto index = static_cast<ModuleIndex>(core.registry.module_names.size());
    core.registry.module_names.emplace_back(loaded.info().name);
    core.modules.push_back(loaded.info().create());
    ModuleRegistrar registrar(core.registry, index, core.snapshot);
    auto result = core.modules.back()->load(registrar);
    std::string problem = result ? registrar.problem() : result.error().message;
    if (!problem.empty()) {
      return configuration_failure(fmt::format("module \"{}\" ({}) did not start: {}",
                                               loaded.info().name, loaded.file(), problem));
    }
  }
  if (auto frozen = core.registry.hooks.freeze(); !frozen) {
    return configuration_failure(frozen.error().message);
  }
  return {};
}

base::Result<void, StartFailure> Assembly::make_interfaces() {
  for (const config::HostOptions& host : core.snapshot->hosts()) {
    RONDEL_TRY(std::string name, normalised_host(host.name));
    core.host_names.push_back(std::move(name));
  }
  for (const config::InterfaceOptions& options : core.snapshot->interfaces()) {
    if (options.kind != "c2s") {
      return configuration_failure(fmt::format(
          "interface \"{}\": there is no kind \"{}\"; \"c2s\" is one", options.name, options.kind));
    }
    auto interface = std::make_unique<Interface>();
    interface->options = options;
    interface->log = std::make_unique<log::Channel>(
        hub, log::Source{.interface = options.name, .level = level_of(options.log_level)});
    for (const std::string& host : options.hosts) {
      RONDEL_TRY(std::string name, normalised_host(host));
      interface->hosts.push_back(std::move(name));
    }
    for (const std::string& name : options.auth) {
      if (!core.registry.authenticators.contains(name)) {
        return configuration_failure(
            fmt::format("interface \"{}\": no module provides authentication \"{}\" (is auth-{} in "
                        "[modules] load?)",
                        options.name, name, name));
      }
    }
    for (const std::string& name : options.extensions) {
      if (!core.registry.extensions.contains(name)) {
        return configuration_failure(fmt::format(
            "interface \"{}\": no loaded module is an extension \"{}\"", options.name, name));
      }
    }
    if (options.tls != config::TlsMode::off && !core.registry.extensions.contains("layer-tls")) {
      return configuration_failure(fmt::format(
          "interface \"{}\" wants TLS: add \"layer-tls\" to [modules] load", options.name));
    }
    for (const config::ListenAddress& address : options.listen) {
      auto listener = std::find_if(core.listeners.begin(), core.listeners.end(),
                                   [&](const auto& l) { return l.address == address.text; });
      if (listener == core.listeners.end() || address.port == 0) {
        core.listeners.push_back({address.text, {interface.get()}});
      } else if (listener->tls() != options.tls ||
                 listener->interfaces.front()->options.extensions != options.extensions) {
        return configuration_failure(fmt::format(
            "interfaces \"{}\" and \"{}\" share {}, so they must agree on tls and extensions",
            listener->interfaces.front()->options.name, options.name, address.text));
      } else {
        listener->interfaces.push_back(interface.get());
      }
    }
    core.interfaces.push_back(std::move(interface));
  }
  return {};
}

base::Result<void, StartFailure> Assembly::choose_storages() {
  auto chosen = host_storages(*core.snapshot, core.registry, core.host_names);
  if (!chosen) {
    return configuration_failure(config::to_string(chosen.error()));
  }
  core.host_storages = std::move(*chosen);
  return {};
}

}  // namespace rondel::server
