#include "modules/auth-internal/auth_settings.h"

#include <algorithm>

namespace rondel::modules::auth_internal {
namespace {

void add_hash(std::vector<xmpp::ScramHash>& hashes, xmpp::ScramHash hash) {
  if (std::find(hashes.begin(), hashes.end(), hash) == hashes.end()) {
    hashes.push_back(hash);
  }
}

}  // namespace

AuthSettings settings_of(const config::Options& options) {
  AuthSettings settings;
  settings.iterations = static_cast<std::uint32_t>(options.integer("iterations"));
  for (const std::string& name : options.texts("mechanisms")) {
    if (const auto scram = xmpp::parse_scram_mechanism(name)) {
      add_hash(settings.hashes, scram->hash);
    } else {
      settings.has_plain = true;
    }
  }
  return settings;
}

AuthSettings settings_of_host(const config::Snapshot& config, std::string_view host) {
  AuthSettings settings = settings_of(config.options(kModuleName, host));
  for (const config::InterfaceOptions& interface : config.interfaces()) {
    if (std::find(interface.hosts.begin(), interface.hosts.end(), host) == interface.hosts.end()) {
      continue;
    }
    const AuthSettings here = settings_of(config.options(kModuleName, host, interface.name));
    settings.has_plain = settings.has_plain || here.has_plain;
    for (const xmpp::ScramHash hash : here.hashes) {
      add_hash(settings.hashes, hash);
    }
  }
  if (settings.hashes.empty()) {
    settings.hashes.push_back(xmpp::ScramHash::sha_256);
  }
  return settings;
}

std::vector<std::string> offered_mechanisms(const AuthSettings& settings,
                                            bool is_encrypted,
                                            bool has_channel_binding) {
  std::vector<std::string> names;
  for (const bool is_plus : {true, false}) {
    for (const xmpp::ScramHash hash : settings.hashes) {
      if (!is_plus || has_channel_binding) {
        names.emplace_back(xmpp::mechanism_name({hash, is_plus}));
      }
    }
  }
  if (settings.has_plain && is_encrypted) {
    names.emplace_back("PLAIN");
  }
  return names;
}

std::vector<std::string> mechanisms_of_comparing_storage(bool is_encrypted) {
  std::vector<std::string> names;
  if (is_encrypted) {
    names.emplace_back("PLAIN");
  }
  return names;
}

}  // namespace rondel::modules::auth_internal
