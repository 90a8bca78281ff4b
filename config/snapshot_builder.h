// Puts a snapshot together from a document.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/snapshot.h"
#include "config/table_reader.h"
#include "config/tree.h"

namespace rondel::config {

/// A [[host]] or [[interface]] as it was read: the table for positions, the settings for values.
struct Entity {
  const Node* table = nullptr;
  Section section;
  Section storage{};  ///< Of a host: its [host.storage].
};

/// One use: construct, build().
class SnapshotBuilder {
 public:
  SnapshotBuilder(const Document& document,
                  const Overrides& overrides,
                  std::span<const ModuleOptions> modules);

  [[nodiscard]] base::Result<std::shared_ptr<const Snapshot>, Problems> build();

  /// Reads [KEY], with the flags that stand over it.
  [[nodiscard]] Section read_core(std::string_view key);
  [[nodiscard]] TableReader& reader() { return reader_; }

 private:
  void report_unknown_tables();
  /// The table of that key, or nullptr; `header` is how it should have been written.
  [[nodiscard]] const Node* table(const Node& parent,
                                  std::string_view key,
                                  std::string_view header);
  /// The tables [[KEY]].
  [[nodiscard]] std::vector<const Node*> tables(std::string_view key);
  void read_hosts();
  void read_interfaces();
  /// The tables below [PREFIXmodule].
  void read_modules(const Node& parent, std::string_view prefix, const std::string& owner);
  void inherit(Section& section);
  [[nodiscard]] const Section& core(std::string_view header) const;
  void fill_core();
  void fill_hosts();
  void fill_interfaces();

  const Document& document_;
  const Overrides& overrides_;
  std::span<const ModuleOptions> modules_;
  TableReader reader_;
  std::vector<Entity> hosts_;
  std::vector<Entity> interfaces_;
  std::shared_ptr<Snapshot> snapshot_;
};

}  // namespace rondel::config
