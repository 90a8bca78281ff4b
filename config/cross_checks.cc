#include "config/cross_checks.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <string>
#include <sys/un.h>
#include <vector>

#include "config/listen_address.h"
#include "config/suggestion.h"

namespace rondel::config {
namespace {

using Texts = std::vector<std::string>;

/// The value, or nullptr where the option is missing or wrong: that has been reported already.
template <class T>
const T* value_of(const Section& section, std::string_view name) {
  const Setting* setting = section.find(name);
  return setting == nullptr ? nullptr : std::get_if<T>(&setting->value);
}

bool is_text(const Section& section, std::string_view name, std::string_view text) {
  const auto* value = value_of<std::string>(section, name);
  return value != nullptr && *value == text;
}

/// Where the option stands, or else the table that it should stand in.
Position position_of(const Entity& entity, std::string_view name) {
  const Entry* entry = entity.table->find(name);
  return entry == nullptr ? entity.table->position : entry->node.position;
}

/// Where one text of a list stands.
Position position_in_list(const Entity& entity, std::string_view name, std::size_t index) {
  const Entry* entry = entity.table->find(name);
  return entry == nullptr ? entity.table->position : entry->node.items.at(index).position;
}

const Entity* find_host(std::span<const Entity> hosts, std::string_view name) {
  const auto found = std::ranges::find_if(
      hosts, [name](const Entity& host) { return is_same_host(host.section.owner, name); });
  return found == hosts.end() ? nullptr : &*found;
}

void check_control_socket(const Section& server, TableReader& reader) {
  const Setting* socket = server.find("control_socket");
  if (socket == nullptr) {
    return;
  }
  const std::size_t bytes = std::get<std::string>(socket->value).size();
  if (bytes >= sizeof(sockaddr_un::sun_path)) {
    reader.fail(
        {socket->origin.line, socket->origin.column},
        fmt::format("control_socket is a path of {} bytes", bytes),
        fmt::format("a socket's path has {} bytes at most", sizeof(sockaddr_un::sun_path) - 1));
  }
}

void check_names(std::span<const Entity> entities, std::string_view header, TableReader& reader) {
  for (std::size_t i = 0; i < entities.size(); ++i) {
    const std::string& name = entities[i].section.owner;
    const Entity* first = find_host(entities.first(i), name);
    if (!name.empty() && first != nullptr) {
      reader.fail(position_of(entities[i], "name"),
                  fmt::format("there are two {} of the name \"{}\"", header, name),
                  fmt::format("the first is in line {}", position_of(*first, "name").line));
    }
  }
}

void check_pair(const Entity& host,
                std::string_view certificate_name,
                std::string_view key_name,
                TableReader& reader) {
  const auto* certificate = value_of<std::string>(host.section, certificate_name);
  const auto* key = value_of<std::string>(host.section, key_name);
  if (certificate != nullptr && key != nullptr && certificate->empty() != key->empty()) {
    const std::string_view there = certificate->empty() ? key_name : certificate_name;
    const std::string_view missing = certificate->empty() ? certificate_name : key_name;
    reader.fail(position_of(host, there), fmt::format("{} has no {}", there, missing),
                fmt::format("set {} too: TLS needs both", missing));
  }
}

/// What only adds to the first certificate.
void check_additions(const Entity& host, TableReader& reader) {
  const auto* certificate = value_of<std::string>(host.section, "certificate");
  const auto* key = value_of<std::string>(host.section, "key");
  if (certificate == nullptr || key == nullptr || !certificate->empty() || !key->empty()) {
    return;
  }
  for (const std::string_view name : {"certificate_alternative", "ocsp_response"}) {
    const auto* addition = value_of<std::string>(host.section, name);
    if (addition != nullptr && !addition->empty()) {
      reader.fail(position_of(host, name), fmt::format("{} stands without certificate", name),
                  "set certificate and key too");
    }
  }
}

void check_host(const Entity& host, const Section& modules, TableReader& reader) {
  check_pair(host, "certificate", "key", reader);
  check_pair(host, "certificate_alternative", "key_alternative", reader);
  check_additions(host, reader);
  const auto* loaded = value_of<Texts>(modules, "load");
  const auto* off = value_of<Texts>(host.section, "modules_off");
  if (loaded == nullptr || off == nullptr) {
    return;
  }
  const std::vector<std::string_view> names(loaded->begin(), loaded->end());
  for (std::size_t i = 0; i < off->size(); ++i) {
    if (std::ranges::find(names, off->at(i)) == names.end()) {
      reader.fail(position_in_list(host, "modules_off", i),
                  fmt::format("modules_off has \"{}\", which is not loaded", off->at(i)),
                  fmt::format("loaded: {}", fmt::join(names, ", ")), nearest(off->at(i), names));
    }
  }
}

/// A storage that is named must be loaded; whether it holds the kind shows at the start.
void check_storage(const Entity& host, const Section& modules, TableReader& reader) {
  const auto* loaded = value_of<Texts>(modules, "load");
  if (loaded == nullptr) {
    return;
  }
  const std::vector<std::string_view> names(loaded->begin(), loaded->end());
  for (const std::string_view kind : {"users", "rosters", "offline", "values", "groups"}) {
    const auto* name = value_of<std::string>(host.storage, kind);
    if (name != nullptr && !name->empty() && std::ranges::find(names, *name) == names.end()) {
      const Entry* table = host.table->find("storage");
      const Entry* entry = table == nullptr ? nullptr : table->node.find(kind);
      reader.fail(entry == nullptr ? host.table->position : entry->node.position,
                  fmt::format("{} names \"{}\", which is not loaded", kind, *name),
                  fmt::format("loaded: {}", fmt::join(names, ", ")), nearest(*name, names));
    }
  }
}

void check_needed_lists(const Entity& interface, TableReader& reader) {
  if (!is_text(interface.section, "kind", "c2s")) {
    return;
  }
  struct Need {
    std::string_view name;
    std::string_view why;
  };
  for (const Need& need : {Need{"hosts", "name the hosts that it serves"},
                           Need{"auth", "nobody could log in; name a way such as \"internal\""}}) {
    const auto* texts = value_of<Texts>(interface.section, need.name);
    if (texts != nullptr && texts->empty()) {
      reader.fail(position_of(interface, need.name),
                  fmt::format("{} is empty in {}", need.name,
                              place_name("[[interface]]", interface.section.owner)),
                  std::string(need.why));
    }
  }
}

void check_hosts_of(const Entity& interface, std::span<const Entity> hosts, TableReader& reader) {
  const auto* names = value_of<Texts>(interface.section, "hosts");
  const auto* tls = value_of<std::string>(interface.section, "tls");
  if (names == nullptr) {
    return;
  }
  std::vector<std::string_view> known;
  for (const Entity& host : hosts) {
    known.push_back(host.section.owner);
  }
  for (std::size_t i = 0; i < names->size(); ++i) {
    const Position position = position_in_list(interface, "hosts", i);
    const Entity* host = find_host(hosts, names->at(i));
    if (host == nullptr) {
      reader.fail(position,
                  fmt::format("hosts has \"{}\", which has no [[host]] entry", names->at(i)),
                  fmt::format("known: {}", fmt::join(known, ", ")), nearest(names->at(i), known));
      continue;
    }
    const auto* certificate = value_of<std::string>(host->section, "certificate");
    const auto* key = value_of<std::string>(host->section, "key");
    if (tls != nullptr && *tls != "off" && certificate != nullptr && key != nullptr &&
        certificate->empty() && key->empty()) {
      reader.fail(position,
                  fmt::format("\"{}\" has no certificate, and this interface has tls = \"{}\"",
                              names->at(i), *tls),
                  "set certificate and key in its [[host]] entry");
    }
  }
}

void check_plain_text(const Entity& interface, TableReader& reader) {
  const auto* listen = value_of<Texts>(interface.section, "listen");
  const auto* is_allowed = value_of<bool>(interface.section, "allow_plain_text");
  if (!is_text(interface.section, "tls", "off") || listen == nullptr || is_allowed == nullptr ||
      *is_allowed) {
    return;
  }
  for (std::size_t i = 0; i < listen->size(); ++i) {
    if (!ListenAddress::parse(listen->at(i))->is_loopback()) {
      reader.fail(position_in_list(interface, "listen", i),
                  fmt::format("tls is \"off\" and {} is not a loopback address: whoever is on the "
                              "way could read and change everything",
                              listen->at(i)),
                  "use 127.0.0.1 or [::1], set tls, or set allow_plain_text = true behind a proxy "
                  "that ends TLS");
    }
  }
}

/// Client certificates need a handshake, and revocations somebody to have revoked.
void check_client_certificates(const Entity& interface, TableReader& reader) {
  const auto* authorities = value_of<std::string>(interface.section, "client_ca");
  const auto* revocations = value_of<std::string>(interface.section, "client_crl");
  if (authorities != nullptr && !authorities->empty() && is_text(interface.section, "tls", "off")) {
    reader.fail(position_of(interface, "client_ca"), "client_ca is set, and tls is \"off\"",
                "certificates are shown in a TLS handshake: set tls, or leave client_ca out");
  }
  if (authorities != nullptr && authorities->empty() && revocations != nullptr &&
      !revocations->empty()) {
    reader.fail(position_of(interface, "client_crl"), "client_crl stands without client_ca",
                "set client_ca too");
  }
}

/// The first host that both serve.
std::optional<std::string> common_host(const Texts& left, const Texts& right) {
  for (const std::string& host : left) {
    if (std::ranges::any_of(right,
                            [&host](const auto& each) { return is_same_host(each, host); })) {
      return host;
    }
  }
  return std::nullopt;
}

/// Interfaces may share a socket: the stream's host and namespace choose. They must leave a choice.
void check_shared_socket(const Entity& first,
                         const Entity& second,
                         std::size_t index,
                         TableReader& reader) {
  const auto* first_kind = value_of<std::string>(first.section, "kind");
  const auto* second_kind = value_of<std::string>(second.section, "kind");
  const auto* first_hosts = value_of<Texts>(first.section, "hosts");
  const auto* second_hosts = value_of<Texts>(second.section, "hosts");
  const Position position = position_in_list(second, "listen", index);
  const std::string& address = value_of<Texts>(second.section, "listen")->at(index);
  const std::string where = place_name("[[interface]]", first.section.owner);
  if (is_text(first.section, "tls", "direct") != is_text(second.section, "tls", "direct")) {
    reader.fail(
        position,
        fmt::format("{} is shared with {}, and one of both has tls = \"direct\"", address, where),
        "TLS begins with the first byte on all of a socket's connections or on none");
  } else if (first_kind != nullptr && second_kind != nullptr && *first_kind == *second_kind &&
             first_hosts != nullptr && second_hosts != nullptr) {
    if (const auto host = common_host(*first_hosts, *second_hosts)) {
      reader.fail(position,
                  fmt::format("{} is shared with {}, and both serve \"{}\" as {}", address, where,
                              *host, *second_kind),
                  "give them different hosts, kinds or addresses");
    }
  }
}

void check_sockets(std::span<const Entity> interfaces, TableReader& reader) {
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    const auto* listen = value_of<Texts>(interfaces[i].section, "listen");
    for (std::size_t index = 0; listen != nullptr && index < listen->size(); ++index) {
      auto address = ListenAddress::parse(listen->at(index));
      for (const Entity& before : interfaces.first(i)) {
        const auto* others = value_of<Texts>(before.section, "listen");
        const bool is_shared = address->port != 0 && others != nullptr &&
                               std::ranges::any_of(*others, [&address](const std::string& other) {
                                 const auto parsed = ListenAddress::parse(other);
                                 return parsed->bytes == address->bytes &&
                                        parsed->is_v6 == address->is_v6 &&
                                        parsed->port == address->port;
                               });
        if (is_shared) {
          check_shared_socket(before, interfaces[i], index, reader);
        }
      }
    }
  }
}

}  // namespace

bool is_same_host(std::string_view left, std::string_view right) {
  const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(left, right, {}, fold, fold);
}

void cross_check(const Section& server,
                 const Section& modules,
                 std::span<const Entity> hosts,
                 std::span<const Entity> interfaces,
                 TableReader& reader) {
  check_control_socket(server, reader);
  check_names(hosts, "[[host]]", reader);
  check_names(interfaces, "[[interface]]", reader);
  for (const Entity& host : hosts) {
    check_host(host, modules, reader);
    check_storage(host, modules, reader);
  }
  for (const Entity& interface : interfaces) {
    check_needed_lists(interface, reader);
    check_hosts_of(interface, hosts, reader);
    check_plain_text(interface, reader);
    check_client_certificates(interface, reader);
  }
  check_sockets(interfaces, reader);
}

}  // namespace rondel::config
