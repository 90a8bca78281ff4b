// The options of the core. Limits come from base/limits.h, so that page and code agree.
#include <array>

#include "base/check.h"
#include "base/limits.h"
#include "config/core_checks.h"
#include "config/schema.h"

namespace rondel::config {
namespace {

constexpr std::string_view kLevels[] = {"error", "info", "debug"};
constexpr std::string_view kRecords[] = {"auto", "kernel", "compact", "retained"};
constexpr std::string_view kTlsModes[] = {"required", "optional", "direct", "off"};
constexpr std::string_view kModulesLoaded[] = {
    "layer-tls", "store-sqlite", "auth-internal", "roster", "presence", "offline", "disco", "ping"};

constexpr OptionSpec kServer[] = {
    {.name = "threads",
     .type = OptionType::integer,
     .default_integer = 0,
     .maximum = 256,
     .unit = "threads",
     .doc = "Threads that serve connections, each with a core of its own; 0 is one for each core."},
    {.name = "data_dir",
     .type = OptionType::path,
     .default_text = "/var/lib/rondel",
     .doc = "The folder for everything that the server writes."},
    {.name = "control_socket",
     .type = OptionType::path,
     .default_text = "/run/rondel/control.sock",
     .doc = "The socket on which the server listens for `rondelctl`; 107 bytes at most."},
};

constexpr OptionSpec kLog[] = {
    {.name = "destination",
     .default_text = "stderr",
     .check = check_log_destination,
     .doc = "Where log lines go."},
    {.name = "level",
     .type = OptionType::choice,
     .default_text = "info",
     .choices = kLevels,
     .on_change = OnChange::reload,
     .doc = "The least urgent lines that are written."},
};

constexpr OptionSpec kTls[] = {
    {.name = "records",
     .type = OptionType::choice,
     .default_text = "auto",
     .choices = kRecords,
     .doc = "Who encrypts after the handshake: the kernel, the compact engine, or OpenSSL's own "
            "objects; `auto` takes the first of these that a connection allows."},
};

constexpr OptionSpec kModules[] = {
    {.name = "directory",
     .type = OptionType::path,
     .default_text = "/usr/lib/rondel/modules",
     .doc = "The folder of the modules, `NAME.so` each."},
    {.name = "load",
     .type = OptionType::text_list,
     .default_texts = kModulesLoaded,
     .check = check_module_name,
     .doc = "The modules to load; hooks of one band run in this order."},
};

constexpr OptionSpec kHost[] = {
    {.name = "name",
     .check = check_host_name,
     .is_required = true,
     .doc = "The domain that is served; an internationalised name may be written as it is read."},
    {.name = "certificate",
     .type = OptionType::path,
     .on_change = OnChange::reload,
     .doc = "The certificate and its chain, in PEM; needed unless every interface of the host has "
            "`tls = \"off\"`."},
    {.name = "key",
     .type = OptionType::path,
     .on_change = OnChange::reload,
     .doc = "The certificate's key, in PEM."},
    {.name = "certificate_alternative",
     .type = OptionType::path,
     .on_change = OnChange::reload,
     .doc = "A second certificate and its chain, in PEM, with a key of another type, as RSA beside "
            "ECDSA: each client gets the one that it can use."},
    {.name = "key_alternative",
     .type = OptionType::path,
     .on_change = OnChange::reload,
     .doc = "The second certificate's key, in PEM."},
    {.name = "ocsp_response",
     .type = OptionType::path,
     .on_change = OnChange::reload,
     .doc = "What the authority says about `certificate`, an OCSP response in DER as `openssl ocsp "
            "-respout` writes it; sent to clients that ask. Write a new one before its end, and "
            "reload."},
    {.name = "modules_off",
     .type = OptionType::text_list,
     .check = check_module_name,
     .doc = "Loaded modules that do not serve this host."},
};

constexpr OptionSpec storage_of(std::string_view name, std::string_view doc) {
  return {.name = name, .check = check_module_name, .doc = doc};
}

constexpr OptionSpec kStorage[] = {
    storage_of("users", "The storage module that holds accounts and their credentials."),
    storage_of("rosters", "The one that holds rosters."),
    storage_of("offline", "The one that holds messages for users who are away."),
    storage_of("values", "The one that holds small data of modules."),
    storage_of("groups", "The one whose groups give users contacts, if it is told to."),
};

constexpr OptionSpec contact(std::string_view name, std::string_view doc) {
  return {.name = name,
          .type = OptionType::text_list,
          .check = check_uri,
          .on_change = OnChange::reload,
          .doc = doc};
}

constexpr OptionSpec kContact[] = {
    contact("abuse", "For reports of abuse."),
    contact("admin", "The administrators."),
    contact("feedback", "For opinions on the service."),
    contact("sales", "For questions about buying."),
    contact("security", "For reports of security problems."),
    contact("status", "Where the state of the service is published."),
    contact("support", "For help."),
};

constexpr OptionSpec kInterface[] = {
    {.name = "name",
     .check = check_interface_name,
     .is_required = true,
     .doc = "A name of its own, for the log and for `rondelctl`."},
    {.name = "kind",
     .default_text = "c2s",
     .check = check_module_name,
     .doc = "What is spoken here: `c2s` for clients; modules add other kinds."},
    {.name = "listen",
     .type = OptionType::address_list,
     .is_required = true,
     .doc = "The addresses and ports; `[::]` takes IPv4 and IPv6."},
    {.name = "tls",
     .type = OptionType::choice,
     .default_text = "required",
     .choices = kTlsModes,
     .doc = "STARTTLS demanded (`required`) or offered (`optional`), TLS from the first byte "
            "(`direct`), or none (`off`)."},
    {.name = "allow_plain_text",
     .type = OptionType::boolean,
     .doc = "Accepts `tls = \"off\"` on addresses that are not loopback, as behind a proxy that "
            "ends TLS in a network of its own."},
    {.name = "records",
     .type = OptionType::choice,
     .default_text = "auto",
     .choices = kRecords,
     .inherits = "[tls] records",
     .doc = "Who encrypts after the handshake, on this interface."},
    {.name = "client_ca",
     .type = OptionType::path,
     .on_change = OnChange::reload,
     .doc = "The authorities, in PEM, whose client certificates are believed; set, clients are "
            "asked for a certificate in the handshake, and may go without one. What it opens, "
            "`auth` says: `external`."},
    {.name = "client_crl",
     .type = OptionType::path,
     .on_change = OnChange::reload,
     .doc = "What these authorities have revoked, as lists in PEM, one behind the other. Set, a "
            "certificate without a current list of its issuer is refused."},
    {.name = "hosts",
     .type = OptionType::text_list,
     .check = check_host_name,
     .doc = "The hosts that are served here; each has a `[[host]]` entry. Needed for `c2s`."},
    {.name = "auth",
     .type = OptionType::text_list,
     .check = check_module_name,
     .doc = "How clients prove who they are: `internal` is the module `auth-internal`. Several "
            "are offered in this order. Needed for `c2s`."},
    {.name = "extensions",
     .type = OptionType::text_list,
     .check = check_module_name,
     .doc = "Extensions that every connection gets when it is accepted, in this order."},
    {.name = "log_level",
     .type = OptionType::choice,
     .default_text = "info",
     .choices = kLevels,
     .on_change = OnChange::reload,
     .inherits = "[log] level",
     .doc = "The least urgent lines about this interface that are written."},
    {.name = "stanza_bytes_max",
     .type = OptionType::byte_size,
     .default_integer = base::kClientLimits.stanza_bytes_max,
     .minimum = 10'000,
     .maximum = 16 * 1024 * 1024,
     .on_change = OnChange::reload,
     .doc = "The biggest stanza of a client that has logged in; RFC 6120 §13.12 forbids less than "
            "10,000 bytes."},
    {.name = "receive_rate",
     .type = OptionType::byte_size,
     .default_integer = base::kReceiveBytesPerSecond,
     .minimum = 0,
     .maximum = 1024 * 1024 * 1024,
     .on_change = OnChange::reload,
     .doc = "Bytes a second that a client which has logged in may send; who sends more is read "
            "later, and nothing is lost. 0: as many as it likes. A change holds for new sessions."},
    {.name = "receive_burst",
     .type = OptionType::byte_size,
     .default_integer = base::kReceiveBurstBytes,
     .minimum = 10'000,
     .maximum = 1024 * 1024 * 1024,
     .on_change = OnChange::reload,
     .doc = "Bytes that it may send at once before `receive_rate` counts."},
    {.name = "resources_max",
     .type = OptionType::integer,
     .default_integer = base::kResourcesPerAccountMax,
     .minimum = 1,
     .maximum = 1000,
     .unit = "resources",
     .on_change = OnChange::reload,
     .doc = "Resources of one account that may be bound at a time."},
    {.name = "connections_per_address_max",
     .type = OptionType::integer,
     .default_integer = base::kConnectionsPerAddressMax,
     .minimum = 1,
     .maximum = 10'000'000,
     .unit = "connections",
     .on_change = OnChange::reload,
     .doc = "Connections from one address at a time."},
    {.name = "authentication_deadline",
     .type = OptionType::duration,
     .default_integer = base::kAuthenticationDeadlineMs,
     .minimum = 1'000,
     .maximum = 600'000,
     .on_change = OnChange::reload,
     .doc = "How long a connection may take to log in."},
    {.name = "authentication_tries_max",
     .type = OptionType::integer,
     .default_integer = base::kAuthenticationTriesMax,
     .minimum = 3,
     .maximum = 6,
     .unit = "tries",
     .on_change = OnChange::reload,
     .doc = "Failed logins after which the connection is closed; RFC 6120 §6.4.5 asks for 2 "
            "to 5 retries."},
};

constexpr SectionSpec kSections[] = {
    {"[server]", kServer, "The process."},
    {"[log]", kLog, "What is written about the server's work."},
    {"[tls]", kTls, "Encryption, for all interfaces."},
    {"[modules]", kModules, "Which modules are loaded."},
    {"[[host]]", kHost, "A domain whose users live here; one entry for each."},
    {"[host.contact]", kContact,
     "Whom to write to about the `[[host]]` above, as URIs (XEP-0157), for example "
     "`abuse = [\"mailto:abuse@example.org\"]`."},
    {"[host.storage]", kStorage,
     "Which storage holds what of the `[[host]]` above, for example `users = \"store-ldap\"`; what "
     "isn't written is held by the first storage in `[modules] load` that can."},
    {"[[interface]]", kInterface,
     "A service: what is spoken on which sockets for which hosts; one entry for each."},
};

}  // namespace

std::span<const SectionSpec> core_sections() {
  return kSections;
}

std::span<const OptionSpec> core_options(std::string_view header) {
  for (const SectionSpec& section : kSections) {
    if (section.header == header) {
      return section.options;
    }
  }
  RONDEL_CHECK(false);
  return {};
}

}  // namespace rondel::config
