// The module store-sqlite: users, rosters, offline stanzas and small data in one SQLite file.
#include <array>
#include <memory>
#include <string_view>

#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/store-sqlite/sqlite_storage.h"

namespace rondel::modules::store_sqlite {
namespace {

using config::OptionSpec;
using config::OptionType;
using config::Places;

constexpr std::array<std::string_view, 3> kSynchronous{"normal", "full", "extra"};

constexpr std::array kOptions{
    OptionSpec{.name = "path",
               .type = OptionType::path,
               .default_text = "rondel.db",
               .places = Places::all_only,
               .doc = "The database file; it must be on a local disk."},
    OptionSpec{.name = "synchronous",
               .type = OptionType::choice,
               .default_text = "full",
               .choices = kSynchronous,
               .places = Places::all_only,
               .doc = "How hard a commit is pressed to the disk: normal is quicker, and may lose "
                      "the last moments when the machine (not the server) crashes."},
    OptionSpec{.name = "readers",
               .type = OptionType::integer,
               .default_integer = 2,
               .minimum = 1,
               .maximum = 64,
               .unit = "threads",
               .places = Places::all_only,
               .doc = "Threads that read; one more writes."},
    OptionSpec{.name = "busy_timeout",
               .type = OptionType::duration,
               .default_integer = 5000,
               .minimum = 0,
               .maximum = 60'000,
               .places = Places::all_only,
               .doc = "How long an operation waits while another program holds the file."}};

Synchronous synchronous_of(std::string_view text) {
  if (text == "normal") {
    return Synchronous::normal;
  }
  return text == "extra" ? Synchronous::extra : Synchronous::full;
}

class SqliteModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    const config::Options options = registrar.config().options("store-sqlite");
    SqliteOptions sqlite;
    sqlite.path = options.path("path");
    sqlite.synchronous = synchronous_of(options.text("synchronous"));
    sqlite.readers = static_cast<std::size_t>(options.integer("readers"));
    sqlite.busy_timeout_ms = static_cast<int>(options.duration("busy_timeout").count());
    registrar.add_storage(std::make_unique<SqliteStorage>(std::move(sqlite)));
    return {};
  }
  // All that a shard needs is the session that the core attaches.
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard&) override {
    return std::make_unique<api::ShardModule>();
  }
};

constexpr api::ModuleInfo kInfo{
    .name = "store-sqlite",
    .description = "Users, rosters, offline stanzas and small private data in one SQLite file.",
    .options = kOptions,
    .create = &api::create_module<SqliteModule>};

}  // namespace
}  // namespace rondel::modules::store_sqlite

RONDEL_MODULE(rondel::modules::store_sqlite::kInfo);
