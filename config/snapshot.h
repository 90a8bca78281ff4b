// The configuration as the server sees it: checked, complete, typed, immutable.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/document.h"
#include "config/listen_address.h"
#include "config/overrides.h"
#include "config/problem.h"
#include "config/schema.h"
#include "config/value.h"

namespace rondel::config {

enum class LogLevel : std::uint8_t { error, info, debug };
enum class LogTarget : std::uint8_t { standard_error, journal, syslog, file };
/// How an interface uses TLS: STARTTLS demanded, STARTTLS offered, from the first byte, never.
enum class TlsMode : std::uint8_t { required, optional, direct, off };
/// The record engine after the handshake (DESIGN §6).
enum class TlsRecords : std::uint8_t { automatic, kernel, compact, retained };

struct ServerOptions {
  int threads = 0;  ///< 0: one per core.
  std::string data_dir;
  std::string control_socket;
  friend bool operator==(const ServerOptions&, const ServerOptions&) = default;
};

struct LogOptions {
  LogTarget target = LogTarget::standard_error;
  std::string file;  ///< Of LogTarget::file; absolute.
  LogLevel level = LogLevel::info;
  friend bool operator==(const LogOptions&, const LogOptions&) = default;
};

struct TlsOptions {
  TlsRecords records = TlsRecords::automatic;
  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

/// Whom to write to about a host, as URIs. Source: XEP-0157.
struct ContactAddresses {
  std::vector<std::string> abuse, admin, feedback, sales, security, status, support;
  friend bool operator==(const ContactAddresses&, const ContactAddresses&) = default;
};

/// The storage module for each kind of data; empty: the first one loaded that holds the kind.
struct StorageChoice {
  std::string users, rosters, offline, values, groups;
  friend bool operator==(const StorageChoice&, const StorageChoice&) = default;
};

struct HostOptions {
  std::string name{};         ///< As written; the server prepares it (IDNA).
  std::string certificate{};  ///< Absolute path of a PEM chain; empty: none.
  std::string key{};          ///< Absolute path of a PEM key; set if and only if certificate is.
  /// The same for a key of another type; set only together, and only if certificate is.
  std::string certificate_alternative{};
  std::string key_alternative{};
  std::string ocsp_response{};  ///< Absolute path of a DER file about certificate; empty: none.
  ContactAddresses contact{};
  StorageChoice storage{};
  std::vector<std::string> modules_off{};  ///< Loaded modules that do not serve this host.
  friend bool operator==(const HostOptions&, const HostOptions&) = default;
};

struct InterfaceOptions {
  std::string name;
  std::string kind;  ///< "c2s", or a kind that a module adds.
  std::vector<ListenAddress> listen;
  TlsMode tls = TlsMode::required;
  TlsRecords records = TlsRecords::automatic;  ///< As [tls] records unless set here.
  std::string client_ca{};   ///< Absolute path of PEM certificates; empty: clients are not asked.
  std::string client_crl{};  ///< Absolute path of PEM lists; empty: nothing is looked up.
  std::vector<std::string> hosts;       ///< Spelt as in the hosts' own entries.
  std::vector<std::string> auth;        ///< Authentication, in the order of preference.
  std::vector<std::string> extensions;  ///< Always installed, in this order.
  LogLevel log_level = LogLevel::info;  ///< As [log] level unless set here.
  std::uint32_t stanza_bytes_max = 0;   ///< After authentication.
  std::uint32_t receive_rate = 0;       ///< Bytes a second, after authentication; 0: any.
  std::uint32_t receive_burst = 0;      ///< Bytes at once.
  int resources_max = 0;                ///< Of one account.
  int connections_per_address_max = 0;
  base::Milliseconds authentication_deadline{};
  int authentication_tries_max = 0;
  friend bool operator==(const InterfaceOptions&, const InterfaceOptions&) = default;
};

/// One module's options as they hold at one place; asking for an option that the module has not
/// declared, or by the wrong type, is a mistake of the caller and stops the program.
///
/// Owner: a view; the snapshot must live as long. Thread: any.
class Options {
 public:
  [[nodiscard]] bool boolean(std::string_view name) const;
  /// Of integer, and of byte_size in bytes.
  [[nodiscard]] std::int64_t integer(std::string_view name) const;
  [[nodiscard]] base::Milliseconds duration(std::string_view name) const;
  /// Of text and choice.
  [[nodiscard]] const std::string& text(std::string_view name) const;
  /// Absolute: a relative path starts from the data folder. Empty where it is not set.
  [[nodiscard]] std::string path(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& texts(std::string_view name) const;
  [[nodiscard]] std::vector<ListenAddress> addresses(std::string_view name) const;
  /// The value with its origin, for messages that name the line.
  [[nodiscard]] const Setting& setting(std::string_view name) const;

 private:
  friend class Snapshot;
  template <class T>
  [[nodiscard]] const T& get(std::string_view name) const;

  std::array<const Section*, 3> nearest_first_{};  ///< Interface, host, all; null where none.
  std::string_view data_dir_;
};

/// A whole configuration.
///
/// Thread: any; it never changes. Owner: shared; a reload makes a new one.
class Snapshot {
 public:
  /// The second of two steps: checks everything that the document says.
  ///
  /// `modules` are the options of every loaded module; their texts must outlive the call only.
  /// Errors: all problems, in the order of the file.
  [[nodiscard]] static base::Result<std::shared_ptr<const Snapshot>, Problems> create(
      const Document& document, const Overrides& overrides, std::span<const ModuleOptions> modules);

  [[nodiscard]] const ServerOptions& server() const { return server_; }
  [[nodiscard]] const LogOptions& log() const { return log_; }
  [[nodiscard]] const TlsOptions& tls() const { return tls_; }
  [[nodiscard]] const std::string& modules_directory() const { return modules_directory_; }
  [[nodiscard]] const std::vector<std::string>& modules() const { return modules_; }
  [[nodiscard]] const std::vector<HostOptions>& hosts() const { return hosts_; }
  [[nodiscard]] const std::vector<InterfaceOptions>& interfaces() const { return interfaces_; }

  /// The host of that name, as written; or nullptr.
  [[nodiscard]] const HostOptions* host(std::string_view name) const;
  [[nodiscard]] const InterfaceOptions* interface(std::string_view name) const;

  /// A module's options for everyone, for a host, for an interface, or for both; the nearest wins.
  [[nodiscard]] Options options(std::string_view module,
                                std::string_view host = {},
                                std::string_view interface = {}) const;

  /// Whether a loaded module serves a host (modules_off of the host).
  [[nodiscard]] bool serves(std::string_view module, std::string_view host) const;

  /// Every table with every value and its origin, in the order in which it is printed.
  [[nodiscard]] std::span<const Section> sections() const { return sections_; }
  /// The file that it was read from, as given.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  friend class SnapshotBuilder;
  Snapshot() = default;
  [[nodiscard]] const Section* section(std::string_view header, std::string_view owner) const;

  std::string path_;
  ServerOptions server_;
  LogOptions log_;
  TlsOptions tls_;
  std::string modules_directory_;
  std::vector<std::string> modules_;
  std::vector<HostOptions> hosts_;
  std::vector<InterfaceOptions> interfaces_;
  std::vector<Section> sections_;
};

}  // namespace rondel::config
