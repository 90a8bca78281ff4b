// The module store-postgresql: users, rosters, offline stanzas and small data in PostgreSQL.
#include <array>
#include <memory>
#include <string_view>

#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/store-postgresql/postgres_storage.h"

namespace rondel::modules::store_postgresql {
namespace {

using config::OptionSpec;
using config::OptionType;
using config::Places;

constexpr std::array<std::string_view, 6> kTls{"disable", "allow",     "prefer",
                                               "require", "verify-ca", "verify-full"};

constexpr OptionSpec text_option(std::string_view name,
                                 std::string_view fallback,
                                 std::string_view doc,
                                 OptionType type = OptionType::text) {
  OptionSpec spec;
  spec.name = name;
  spec.type = type;
  spec.default_text = fallback;
  spec.places = Places::all_only;
  spec.doc = doc;
  return spec;
}

constexpr OptionSpec time_option(std::string_view name,
                                 std::int64_t fallback,
                                 std::string_view doc) {
  OptionSpec spec;
  spec.name = name;
  spec.type = OptionType::duration;
  spec.default_integer = fallback;
  spec.minimum = 10;
  spec.maximum = 300'000;
  spec.places = Places::all_only;
  spec.doc = doc;
  return spec;
}

constexpr std::array kOptions{
    OptionSpec{.name = "connection",
               .type = OptionType::text,
               .places = Places::all_only,
               .is_secret = true,
               .doc = "A connection string or URI of libpq, without a password; the options below "
                      "win over it."},
    text_option("host",
                "",
                "The server: a name, an address, or the folder of its socket. Empty: libpq's "
                "default, a socket of this machine."),
    text_option("port", "", "Its port; empty: 5432."),
    text_option("database", "", "The database, whose encoding must be UTF8."),
    text_option("user", "", "The role; empty: the name of the server's system user."),
    text_option("schema", "rondel", "The schema for the tables; it is made if it isn't there."),
    OptionSpec{.name = "tls",
               .type = OptionType::choice,
               .default_text = "verify-full",
               .choices = kTls,
               .places = Places::all_only,
               .doc = "libpq's sslmode. Sockets of the machine never use TLS; over TCP, anything "
                      "below verify-full trusts the network."},
    text_option(
        "tls_ca", "", "Certificates that the server's is verified against.", OptionType::path),
    text_option("tls_certificate", "", "A certificate that this server shows.", OptionType::path),
    text_option("tls_key", "", "Its key.", OptionType::path),
    text_option("tls_crl", "", "Certificates that were revoked.", OptionType::path),
    text_option("password_file", "", "A file whose first line is the password.", OptionType::path),
    text_option("password_credential",
                "",
                "The name of a file in $CREDENTIALS_DIRECTORY (systemd: LoadCredential=) with the "
                "password."),
    text_option(
        "password_environment", "", "The name of an environment variable with the password."),
    OptionSpec{.name = "readers",
               .type = OptionType::integer,
               .default_integer = 2,
               .minimum = 1,
               .maximum = 64,
               .unit = "connections",
               .places = Places::all_only,
               .doc = "Connections that read; one more writes."},
    time_option("connect_timeout", 5000, "How long one attempt to connect may take."),
    time_option("operation_timeout",
                5000,
                "How long an answer may take; then the connection is given up and made anew."),
    time_option("retry_max",
                5000,
                "The longest wait between attempts to connect while PostgreSQL is away; the first "
                "is 100 ms, and each doubles.")};

PostgresOptions options_of(const config::Options& options) {
  const auto count = [&](std::string_view name) {
    return static_cast<std::size_t>(options.integer(name));
  };
  PostgresOptions result;
  result.connection = options.text("connection");
  result.host = options.text("host");
  result.port = options.text("port");
  result.database = options.text("database");
  result.user = options.text("user");
  result.schema = options.text("schema");
  result.tls = options.text("tls");
  result.tls_ca = options.path("tls_ca");
  result.tls_certificate = options.path("tls_certificate");
  result.tls_key = options.path("tls_key");
  result.tls_crl = options.path("tls_crl");
  result.password_file = options.path("password_file");
  result.password_credential = options.text("password_credential");
  result.password_environment = options.text("password_environment");
  result.readers = count("readers");
  result.connect_timeout = options.duration("connect_timeout");
  result.operation_timeout = options.duration("operation_timeout");
  result.retry_max = options.duration("retry_max");
  return result;
}

class PostgresModule final : public api::Module {
 public:
  base::Result<void> load(api::Registrar& registrar) override {
    registrar.add_storage(std::make_unique<PostgresStorage>(
        options_of(registrar.config().options("store-postgresql"))));
    return {};
  }
  // All that a shard needs is the session that the core attaches.
  std::unique_ptr<api::ShardModule> start_on_shard(api::Shard&) override {
    return std::make_unique<api::ShardModule>();
  }
};

constexpr api::ModuleInfo kInfo{
    .name = "store-postgresql",
    .description = "Users, rosters, offline stanzas and small private data in PostgreSQL.",
    .options = kOptions,
    .create = &api::create_module<PostgresModule>};

}  // namespace
}  // namespace rondel::modules::store_postgresql

RONDEL_MODULE(rondel::modules::store_postgresql::kInfo);
