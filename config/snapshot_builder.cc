#include "config/snapshot_builder.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

#include "base/check.h"
#include "config/cross_checks.h"
#include "config/suggestion.h"

namespace rondel::config {
namespace {

constexpr std::string_view kTopKeys[] = {"host",    "interface", "log", "module",
                                         "modules", "server",    "tls"};
constexpr std::string_view kHostTables[] = {"contact", "module", "storage"};
constexpr std::string_view kInterfaceTables[] = {"module"};

template <class T>
const T& get(const Section& section, std::string_view name) {
  const Setting* setting = section.find(name);
  RONDEL_CHECK(setting != nullptr);
  return std::get<T>(setting->value);
}

/// The value's place among the names, which stand in the order of the enumerators.
template <class E, std::size_t N>
E as_enum(const std::string& text, const std::array<std::string_view, N>& names) {
  const auto found = std::ranges::find(names, text);
  RONDEL_CHECK(found != names.end());
  return static_cast<E>(found - names.begin());
}

LogLevel log_level(const std::string& text) {
  return as_enum<LogLevel>(text, std::array<std::string_view, 3>{"error", "info", "debug"});
}

TlsRecords tls_records(const std::string& text) {
  return as_enum<TlsRecords>(
      text, std::array<std::string_view, 4>{"auto", "kernel", "compact", "retained"});
}

TlsMode tls_mode(const std::string& text) {
  return as_enum<TlsMode>(text,
                          std::array<std::string_view, 4>{"required", "optional", "direct", "off"});
}

LogOptions log_options(const Section& section) {
  constexpr std::string_view kFile = "file:";
  const auto& destination = get<std::string>(section, "destination");
  LogOptions log;
  log.level = log_level(get<std::string>(section, "level"));
  if (destination.starts_with(kFile)) {
    log.target = LogTarget::file;
    log.file = destination.substr(kFile.size());
  } else {
    log.target = as_enum<LogTarget>(destination,
                                    std::array<std::string_view, 3>{"stderr", "journal", "syslog"});
  }
  return log;
}

ContactAddresses contact_addresses(const Section& section) {
  using Texts = std::vector<std::string>;
  return {get<Texts>(section, "abuse"),    get<Texts>(section, "admin"),
          get<Texts>(section, "feedback"), get<Texts>(section, "sales"),
          get<Texts>(section, "security"), get<Texts>(section, "status"),
          get<Texts>(section, "support")};
}

const std::string& name_of(const Section& section) {
  static const std::string kNone;
  const Setting* name = section.find("name");
  return name == nullptr ? kNone : std::get<std::string>(name->value);
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(const Document& document,
                                 const Overrides& overrides,
                                 std::span<const ModuleOptions> modules)
    : document_(document),
      overrides_(overrides),
      modules_(modules),
      reader_(document.path(), document.folder()),
      snapshot_(std::shared_ptr<Snapshot>(new Snapshot)) {
}

base::Result<std::shared_ptr<const Snapshot>, Problems> SnapshotBuilder::build() {
  for (const ModuleOptions& module : modules_) {
    for (Problem& problem : check_module_options(module)) {
      reader_.problems().push_back(std::move(problem));
    }
  }
  snapshot_->path_ = document_.path();
  report_unknown_tables();
  for (const std::string_view key : {"server", "log", "tls", "modules"}) {
    snapshot_->sections_.push_back(read_core(key));
  }
  read_hosts();
  read_interfaces();
  read_modules(document_.root(), "", "");
  cross_check(core("[server]"), core("[modules]"), hosts_, interfaces_, reader_);
  if (Problems problems = reader_.take_problems(); !problems.empty()) {
    return base::Unexpected(std::move(problems));
  }
  fill_core();
  fill_hosts();
  fill_interfaces();
  return std::shared_ptr<const Snapshot>(std::move(snapshot_));
}

void SnapshotBuilder::report_unknown_tables() {
  for (const Entry& entry : document_.root().entries) {
    if (std::ranges::find(kTopKeys, entry.key) == std::end(kTopKeys)) {
      reader_.fail(
          entry.position, fmt::format("unknown table or option {}", toml_string(entry.key)),
          fmt::format("known tables: {}", fmt::join(kTopKeys, ", ")), nearest(entry.key, kTopKeys));
    }
  }
}

const Node* SnapshotBuilder::table(const Node& parent,
                                   std::string_view key,
                                   std::string_view header) {
  const Entry* entry = parent.find(key);
  if (entry == nullptr) {
    return nullptr;
  }
  if (entry->node.kind != Node::Kind::table) {
    reader_.fail(entry->position, fmt::format("{} is {}", key, entry->node.kind_name()),
                 fmt::format("it must be a table: write {}", header));
    return nullptr;
  }
  return &entry->node;
}

std::vector<const Node*> SnapshotBuilder::tables(std::string_view key) {
  std::vector<const Node*> found;
  const Entry* entry = document_.root().find(key);
  if (entry == nullptr) {
    reader_.fail({1, 1}, fmt::format("there is no [[{}]]", key),
                 "a server needs one host and one interface at least");
    return found;
  }
  bool is_fine = entry->node.kind == Node::Kind::list && !entry->node.items.empty();
  for (const Node& item : entry->node.items) {
    is_fine = is_fine && item.kind == Node::Kind::table;
    found.push_back(&item);
  }
  if (!is_fine) {
    reader_.fail(entry->position, fmt::format("{} is not a list of tables", key),
                 fmt::format("write [[{}]], once for each", key));
    found.clear();
  }
  return found;
}

Section SnapshotBuilder::read_core(std::string_view key) {
  const std::string header = fmt::format("[{}]", key);
  Section section = reader_.read({.table = table(document_.root(), key, header),
                                  .header = header,
                                  .owner = {},
                                  .options = core_options(header)});
  reader_.apply(section, overrides_);
  return section;
}

void SnapshotBuilder::read_hosts() {
  for (const Node* node : tables("host")) {
    Section section = reader_.read({.table = node,
                                    .header = "[[host]]",
                                    .owner = {},
                                    .options = core_options("[[host]]"),
                                    .tables = kHostTables});
    section.owner = name_of(section);
    hosts_.push_back({node, section});
    snapshot_->sections_.push_back(section);
    snapshot_->sections_.push_back(reader_.read({.table = table(*node, "contact", "[host.contact]"),
                                                 .header = "[host.contact]",
                                                 .owner = section.owner,
                                                 .options = core_options("[host.contact]")}));
    hosts_.back().storage = reader_.read({.table = table(*node, "storage", "[host.storage]"),
                                          .header = "[host.storage]",
                                          .owner = section.owner,
                                          .options = core_options("[host.storage]")});
    snapshot_->sections_.push_back(hosts_.back().storage);
    read_modules(*node, "host.", section.owner);
  }
}

void SnapshotBuilder::read_interfaces() {
  for (const Node* node : tables("interface")) {
    Section section = reader_.read({.table = node,
                                    .header = "[[interface]]",
                                    .owner = {},
                                    .options = core_options("[[interface]]"),
                                    .tables = kInterfaceTables});
    section.owner = name_of(section);
    inherit(section);
    interfaces_.push_back({node, section});
    snapshot_->sections_.push_back(section);
    read_modules(*node, "interface.", section.owner);
  }
}

void SnapshotBuilder::read_modules(const Node& parent,
                                   std::string_view prefix,
                                   const std::string& owner) {
  const Node* all = table(parent, "module", fmt::format("[{}module.NAME]", prefix));
  std::vector<std::string_view> names;
  for (const ModuleOptions& module : modules_) {
    names.push_back(module.module);
    const std::string header = fmt::format("[{}module.{}]", prefix, module.module);
    const Node* own = all == nullptr ? nullptr : table(*all, module.module, header);
    if (own == nullptr && !prefix.empty()) {
      continue;
    }
    snapshot_->sections_.push_back(reader_.read({.table = own,
                                                 .header = header,
                                                 .owner = owner,
                                                 .options = module.options,
                                                 .is_overlay = !prefix.empty()}));
  }
  if (all == nullptr) {
    return;
  }
  for (const Entry& entry : all->entries) {
    if (std::ranges::find(names, entry.key) == names.end()) {
      reader_.fail(entry.position,
                   fmt::format("[{}module.{}] is for a module that is not loaded", prefix,
                               printable(entry.key)),
                   fmt::format("loaded: {}", fmt::join(names, ", ")), nearest(entry.key, names));
    }
  }
}

const Section& SnapshotBuilder::core(std::string_view header) const {
  const auto& sections = snapshot_->sections_;
  const auto found = std::ranges::find(sections, header, &Section::header);
  RONDEL_CHECK(found != sections.end());
  return *found;
}

void SnapshotBuilder::inherit(Section& section) {
  for (const OptionSpec& option : core_options(section.header)) {
    const auto setting = std::ranges::find(section.settings, option.name, &Setting::name);
    if (option.inherits.empty() || setting == section.settings.end() ||
        setting->origin.kind != Origin::Kind::builtin) {
      continue;
    }
    const std::size_t space = option.inherits.find(' ');
    const Setting* source =
        core(option.inherits.substr(0, space)).find(option.inherits.substr(space + 1));
    if (source != nullptr) {
      setting->value = source->value;
      setting->origin = {Origin::Kind::inherited, std::string(option.inherits)};
    }
  }
}

void SnapshotBuilder::fill_core() {
  const Section& server = core("[server]");
  snapshot_->server_ = {static_cast<int>(get<std::int64_t>(server, "threads")),
                        get<std::string>(server, "data_dir"),
                        get<std::string>(server, "control_socket")};
  snapshot_->log_ = log_options(core("[log]"));
  snapshot_->tls_ = {tls_records(get<std::string>(core("[tls]"), "records"))};
  snapshot_->modules_directory_ = get<std::string>(core("[modules]"), "directory");
  snapshot_->modules_ = get<std::vector<std::string>>(core("[modules]"), "load");
}

void SnapshotBuilder::fill_hosts() {
  for (const Entity& entity : hosts_) {
    const Section& section = entity.section;
    const Section* contact = snapshot_->section("[host.contact]", section.owner);
    const Section* storage = snapshot_->section("[host.storage]", section.owner);
    RONDEL_CHECK(contact != nullptr && storage != nullptr);
    snapshot_->hosts_.push_back(
        {.name = section.owner,
         .certificate = get<std::string>(section, "certificate"),
         .key = get<std::string>(section, "key"),
         .certificate_alternative = get<std::string>(section, "certificate_alternative"),
         .key_alternative = get<std::string>(section, "key_alternative"),
         .ocsp_response = get<std::string>(section, "ocsp_response"),
         .contact = contact_addresses(*contact),
         .storage = {get<std::string>(*storage, "users"), get<std::string>(*storage, "rosters"),
                     get<std::string>(*storage, "offline"), get<std::string>(*storage, "values"),
                     get<std::string>(*storage, "groups")},
         .modules_off = get<std::vector<std::string>>(section, "modules_off")});
  }
}

void SnapshotBuilder::fill_interfaces() {
  const auto number = [](const Section& section, std::string_view name) {
    return static_cast<int>(get<std::int64_t>(section, name));
  };
  for (const Entity& entity : interfaces_) {
    const Section& section = entity.section;
    InterfaceOptions options;
    options.name = section.owner;
    options.kind = get<std::string>(section, "kind");
    for (const std::string& text : get<std::vector<std::string>>(section, "listen")) {
      options.listen.push_back(*ListenAddress::parse(text));
    }
    options.tls = tls_mode(get<std::string>(section, "tls"));
    options.records = tls_records(get<std::string>(section, "records"));
    for (const std::string& host : get<std::vector<std::string>>(section, "hosts")) {
      const auto spelt = std::ranges::find_if(snapshot_->hosts_, [&host](const HostOptions& each) {
        return is_same_host(each.name, host);
      });
      RONDEL_CHECK(spelt != snapshot_->hosts_.end());
      options.hosts.push_back(spelt->name);
    }
    options.client_ca = get<std::string>(section, "client_ca");
    options.client_crl = get<std::string>(section, "client_crl");
    options.auth = get<std::vector<std::string>>(section, "auth");
    options.extensions = get<std::vector<std::string>>(section, "extensions");
    options.log_level = log_level(get<std::string>(section, "log_level"));
    options.stanza_bytes_max =
        static_cast<std::uint32_t>(get<std::int64_t>(section, "stanza_bytes_max"));
    options.receive_rate = static_cast<std::uint32_t>(get<std::int64_t>(section, "receive_rate"));
    options.receive_burst = static_cast<std::uint32_t>(get<std::int64_t>(section, "receive_burst"));
    options.resources_max = number(section, "resources_max");
    options.connections_per_address_max = number(section, "connections_per_address_max");
    options.authentication_deadline =
        base::Milliseconds(get<std::int64_t>(section, "authentication_deadline"));
    options.authentication_tries_max = number(section, "authentication_tries_max");
    snapshot_->interfaces_.push_back(std::move(options));
  }
}

}  // namespace rondel::config
