#include "config/diff.h"

#include <fmt/format.h>

#include "config/table_reader.h"

namespace rondel::config {
namespace {

const Section* find(const Snapshot& snapshot, std::string_view header, std::string_view owner) {
  for (const Section& section : snapshot.sections()) {
    if (section.header == header && section.owner == owner) {
      return &section;
    }
  }
  return nullptr;
}

std::string shown(const Setting* setting) {
  return setting == nullptr ? "" : shown_value(*setting);
}

/// Both from the same other option, whose change is reported by itself.
bool are_inherited(const Setting& before, const Setting& after) {
  return before.origin.kind == Origin::Kind::inherited &&
         after.origin.kind == Origin::Kind::inherited;
}

bool has_owner_in(const Snapshot& snapshot, const Section& section) {
  const std::string_view header =
      std::string_view(section.header).find("host") != std::string_view::npos ? "[[host]]"
                                                                              : "[[interface]]";
  return section.owner.empty() || find(snapshot, header, section.owner) != nullptr;
}

void compare(const Section* before, const Section* after, std::vector<Change>& changes) {
  const Section& named = after != nullptr ? *after : *before;
  const auto add = [&](const Setting* old_setting, const Setting* new_setting) {
    const Setting& setting = new_setting != nullptr ? *new_setting : *old_setting;
    changes.push_back({fmt::format("{} {}", place_name(named.header, named.owner), setting.name),
                       shown(old_setting), shown(new_setting), setting.on_change});
  };
  for (const Setting& setting : after != nullptr ? after->settings : std::vector<Setting>{}) {
    const Setting* old_setting = before == nullptr ? nullptr : before->find(setting.name);
    if (old_setting == nullptr ||
        (old_setting->value != setting.value && !are_inherited(*old_setting, setting))) {
      add(old_setting, &setting);
    }
  }
  for (const Setting& setting : before != nullptr ? before->settings : std::vector<Setting>{}) {
    if (after == nullptr || after->find(setting.name) == nullptr) {
      add(&setting, nullptr);
    }
  }
}

/// Compares a section that at least one of both has. What comes or goes as a whole is one change:
/// a host or an interface by its name, a module by [modules] load.
void compare_section(const Section& section,
                     const Snapshot& before,
                     const Snapshot& after,
                     std::vector<Change>& changes) {
  const Section* old_section = find(before, section.header, section.owner);
  const Section* new_section = find(after, section.header, section.owner);
  const bool is_entity = section.header.starts_with("[[");
  if (is_entity && (old_section == nullptr || new_section == nullptr)) {
    const std::string name = toml_string(section.owner);
    changes.push_back({place_name(section.header, section.owner),
                       old_section == nullptr ? "" : name, new_section == nullptr ? "" : name,
                       OnChange::restart});
    return;
  }
  const bool is_module = section.header.starts_with("[module.");
  if (is_module && (old_section == nullptr || new_section == nullptr)) {
    return;
  }
  if (has_owner_in(before, section) && has_owner_in(after, section)) {
    compare(old_section, new_section, changes);
  }
}

}  // namespace

std::vector<Change> diff(const Snapshot& before, const Snapshot& after) {
  std::vector<Change> changes;
  for (const Section& section : after.sections()) {
    compare_section(section, before, after, changes);
  }
  for (const Section& section : before.sections()) {
    if (find(after, section.header, section.owner) == nullptr) {
      compare_section(section, before, after, changes);
    }
  }
  return changes;
}

}  // namespace rondel::config
