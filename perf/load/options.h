// What a run is asked to do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace rondel::load {

inline constexpr int kExitClean = 0;
inline constexpr int kExitProblems =
    1;                                ///< A session failed, or a message was not as it should be.
inline constexpr int kExitUsage = 2;  ///< Wrong usage, or the run could not start.

enum class TlsMode : std::uint8_t { none, starttls, direct };

/// Every option with its default; names as on the command line, which README.md explains.
struct Options {
  std::string scenario;
  std::string server;
  std::string domain;
  TlsMode tls = TlsMode::none;
  std::string tls_version = "1.3";
  std::string mechanism = "SCRAM-SHA-256";

  unsigned users = 100;
  unsigned first_user = 0;
  std::string user_prefix = "u";
  std::string password;
  std::string password_file;
  std::string accounts;
  std::string scram_cache;
  std::string sources;

  unsigned login_parallel = 64;
  double login_rate = 0;
  bool is_visit = false;
  unsigned baseline = 0;
  double rate = 0;
  bool is_poisson = false;
  bool is_spinning = false;  ///< Never sleeps: for a core that nobody else has.
  unsigned window = 1;
  unsigned pipeline = 1;
  double duration_s = 10;
  double warm_up_s = 2;
  double patience_s = 10;
  unsigned body_bytes = 0;
  bool has_random_partners = false;
  unsigned contacts = 8;
  bool is_to_full = false;
  double ping_interval_s = 0;
  unsigned subscribers = 100;
  unsigned items = 200;
  bool is_versioned = false;
  bool is_prepared = false;
  double reset_share = 0.2;

  std::vector<int> pids;
  std::vector<std::string> process_names;
  std::vector<unsigned> watched_cores;
  std::vector<unsigned> wakeful_cores;  ///< Kept from going to sleep.
  double interval_s = 1;
  std::string label = "server";
  std::string json;
  std::string html;
  std::uint64_t seed = 1;
  bool is_quiet = false;
};

/// `rondel-load page OUT.html FILE.json...`
struct PageRequest {
  std::string out;
  std::vector<std::string> results;
};

/// What the command line says.
struct CommandLine {
  Options options;
  PageRequest page;
  bool is_page = false;
};

/// The end of a program that has said what it had to say.
struct Exit {
  int code = 0;
  std::string text;  ///< For standard output if the code is 0, else for standard error.
};

/// Errors: help (code 0), or what is wrong (kExitUsage).
[[nodiscard]] base::Result<CommandLine, Exit> parse_command_line(int count,
                                                                 const char* const* arguments);

}  // namespace rondel::load
