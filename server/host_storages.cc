#include "server/host_storages.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string_view>

namespace rondel::server {
namespace {

struct Kind {
  std::string_view name;  ///< As the configuration and people call it.
  bool store::KindSet::*held;
  std::string config::StorageChoice::*named;
  std::optional<std::size_t> HostStorages::*chosen;
};
constexpr std::array kKinds{
    Kind{"users", &store::KindSet::users, &config::StorageChoice::users, &HostStorages::users},
    Kind{"rosters", &store::KindSet::rosters, &config::StorageChoice::rosters,
         &HostStorages::rosters},
    Kind{"offline", &store::KindSet::offline, &config::StorageChoice::offline,
         &HostStorages::offline},
    Kind{"values", &store::KindSet::values, &config::StorageChoice::values, &HostStorages::values},
    Kind{"groups", &store::KindSet::groups, &config::StorageChoice::groups, &HostStorages::groups}};

/// One host, and what every storage holds of it.
class Choice {
 public:
  Choice(const config::Snapshot& snapshot,
         const Registry& registry,
         const config::HostOptions& host,
         std::string_view host_name)
      : snapshot_(snapshot), registry_(registry), host_(host) {
    for (std::size_t i = 0; i < registry.storages.size(); ++i) {
      const bool is_on = snapshot.serves(name_of(i), host.name);
      held_.push_back(is_on ? registry.storages[i]->kinds(host_name) : store::KindSet{});
    }
  }

  HostStorages make(config::Problems& problems) const {
    HostStorages result;
    for (const Kind& kind : kKinds) {
      const std::string& named = host_.storage.*kind.named;
      for (std::size_t i = 0; i < held_.size() && !(result.*kind.chosen); ++i) {
        if (held_[i].*kind.held && (named.empty() || named == name_of(i))) {
          result.*kind.chosen = i;
        }
      }
      if (!named.empty() && !(result.*kind.chosen)) {
        problems.push_back(wrong_name(kind, named));
      }
    }
    if (!result.users && host_.storage.users.empty() && needs_users()) {
      problems.push_back(problem(
          "[[host]]", "name", fmt::format("nobody holds the users of \"{}\"", host_.name),
          "load a storage that does, such as store-sqlite, or tell a loaded one where they are"));
    }
    return result;
  }

 private:
  [[nodiscard]] const std::string& name_of(std::size_t storage) const {
    return registry_.module_names[registry_.storage_owners[storage]];
  }

  /// Hosts of guests alone need nobody.
  [[nodiscard]] bool needs_users() const {
    bool is_served = false;
    for (const config::InterfaceOptions& interface : snapshot_.interfaces()) {
      if (std::ranges::find(interface.hosts, host_.name) != interface.hosts.end()) {
        is_served = true;
        if (std::ranges::any_of(interface.auth, [this](const std::string& name) {
              return !registry_.accountless_authenticators.contains(name);
            })) {
          return true;
        }
      }
    }
    return !is_served;
  }

  [[nodiscard]] config::Problem wrong_name(const Kind& kind, const std::string& named) const {
    std::vector<std::string_view> holders;
    std::vector<std::string_view> holds;
    bool is_storage = false;
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if (held_[i].*kind.held) {
        holders.push_back(name_of(i));
      }
      if (name_of(i) == named) {
        is_storage = true;
        for (const Kind& each : kKinds) {
          if (held_[i].*each.held) {
            holds.push_back(each.name);
          }
        }
      }
    }
    std::string what =
        fmt::format("{} of \"{}\" names \"{}\", which ", kind.name, host_.name, named);
    if (!is_storage) {
      what += "is no storage";
    } else if (!snapshot_.serves(named, host_.name)) {
      what += "modules_off turns off for this host";
    } else if (holds.empty()) {
      what += "holds nothing of this host as it is set up";
    } else {
      what += fmt::format("holds of this host only {}", fmt::join(holds, ", "));
    }
    return problem(
        "[host.storage]", kind.name, std::move(what),
        holders.empty()
            ? fmt::format("no loaded storage holds {} of it: load one that does", kind.name)
            : fmt::format("name one that holds {}, or leave the line out: {}", kind.name,
                          fmt::join(holders, ", ")));
  }

  /// At the place where the option of this host stands.
  [[nodiscard]] config::Problem problem(std::string_view header,
                                        std::string_view option,
                                        std::string what,
                                        std::string allowed) const {
    config::Problem result{snapshot_.path(), 0, 0, std::move(what), std::move(allowed), {}};
    for (const config::Section& section : snapshot_.sections()) {
      const config::Setting* setting =
          section.header == header && section.owner == host_.name ? section.find(option) : nullptr;
      if (setting != nullptr) {
        result.line = setting->origin.line;
        result.column = setting->origin.column;
      }
    }
    return result;
  }

  const config::Snapshot& snapshot_;
  const Registry& registry_;
  const config::HostOptions& host_;
  std::vector<store::KindSet> held_;
};

}  // namespace

base::Result<std::vector<HostStorages>, config::Problems> host_storages(
    const config::Snapshot& snapshot,
    const Registry& registry,
    std::span<const std::string> host_names) {
  std::vector<HostStorages> result;
  config::Problems problems;
  for (std::size_t i = 0; i < host_names.size(); ++i) {
    const Choice choice(snapshot, registry, snapshot.hosts()[i], host_names[i]);
    result.push_back(choice.make(problems));
  }
  if (!problems.empty()) {
    return base::Unexpected(std::move(problems));
  }
  return result;
}

}  // namespace rondel::server
