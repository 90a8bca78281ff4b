#include "config/snapshot.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

#include "base/check.h"
#include "config/cross_checks.h"
#include "config/snapshot_builder.h"

namespace rondel::config {

const Setting& Options::setting(std::string_view name) const {
  for (const Section* section : nearest_first_) {
    const Setting* setting = section == nullptr ? nullptr : section->find(name);
    if (setting != nullptr) {
      return *setting;
    }
  }
  RONDEL_CHECK(false);  // The module asks for an option that it has not declared.
  return *nearest_first_.back()->find(name);
}

template <class T>
const T& Options::get(std::string_view name) const {
  const T* value = std::get_if<T>(&setting(name).value);
  RONDEL_CHECK(value != nullptr);  // The module asks by another type than it has declared.
  return *value;
}

bool Options::boolean(std::string_view name) const {
  return get<bool>(name);
}

std::int64_t Options::integer(std::string_view name) const {
  return get<std::int64_t>(name);
}

base::Milliseconds Options::duration(std::string_view name) const {
  RONDEL_CHECK(setting(name).type == OptionType::duration);
  return base::Milliseconds(get<std::int64_t>(name));
}

const std::string& Options::text(std::string_view name) const {
  return get<std::string>(name);
}

std::string Options::path(std::string_view name) const {
  const auto& written = get<std::string>(name);
  if (written.empty() || written.front() == '/') {
    return written;
  }
  return (std::filesystem::path(data_dir_) / written).lexically_normal().string();
}

const std::vector<std::string>& Options::texts(std::string_view name) const {
  return get<std::vector<std::string>>(name);
}

std::vector<ListenAddress> Options::addresses(std::string_view name) const {
  std::vector<ListenAddress> addresses;
  for (const std::string& text : texts(name)) {
    auto address = ListenAddress::parse(text);
    RONDEL_CHECK(address.has_value());
    addresses.push_back(*std::move(address));
  }
  return addresses;
}

base::Result<std::shared_ptr<const Snapshot>, Problems> Snapshot::create(
    const Document& document, const Overrides& overrides, std::span<const ModuleOptions> modules) {
  return SnapshotBuilder(document, overrides, modules).build();
}

const HostOptions* Snapshot::host(std::string_view name) const {
  const auto found = std::ranges::find_if(
      hosts_, [name](const HostOptions& each) { return is_same_host(each.name, name); });
  return found == hosts_.end() ? nullptr : &*found;
}

const InterfaceOptions* Snapshot::interface(std::string_view name) const {
  const auto found = std::ranges::find(interfaces_, name, &InterfaceOptions::name);
  return found == interfaces_.end() ? nullptr : &*found;
}

const Section* Snapshot::section(std::string_view header, std::string_view owner) const {
  for (const Section& section : sections_) {
    if (section.header == header && section.owner == owner) {
      return &section;
    }
  }
  return nullptr;
}

Options Snapshot::options(std::string_view module,
                          std::string_view host_name,
                          std::string_view interface_name) const {
  Options options;
  options.data_dir_ = server_.data_dir;
  if (!interface_name.empty()) {
    options.nearest_first_[0] =
        section(fmt::format("[interface.module.{}]", module), interface_name);
  }
  if (const HostOptions* found = host_name.empty() ? nullptr : host(host_name)) {
    options.nearest_first_[1] = section(fmt::format("[host.module.{}]", module), found->name);
  }
  options.nearest_first_[2] = section(fmt::format("[module.{}]", module), "");
  return options;
}

bool Snapshot::serves(std::string_view module, std::string_view host_name) const {
  const HostOptions* found = host(host_name);
  return found != nullptr && std::ranges::find(modules_, module) != modules_.end() &&
         std::ranges::find(found->modules_off, module) == found->modules_off.end();
}

}  // namespace rondel::config
