#include "perf/load/options.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <map>
#include <sched.h>
#include <set>
#include <sstream>

namespace rondel::load {
namespace {

constexpr unsigned kUsersMax = 4'000'000;
constexpr unsigned kCoresMax = CPU_SETSIZE;

const std::map<std::string, std::string>& scenarios() {
  static const std::map<std::string, std::string> all{
      {"login", "connect, authenticate, bind and leave, again and again"},
      {"chat", "messages between sessions, each counted by its id"},
      {"idle", "what sessions cost that say nothing"},
      {"presence", "broadcasts to many contacts"},
      {"roster", "large rosters"},
      {"churn", "sessions that come and go, some by reset"},
      {"mixed", "a day's mix: 60 % idle, chat, presence, reconnects"}};
  return all;
}

void add_accounts(CLI::App& app, Options& options) {
  app.add_option("--users", options.users, "accounts, one session each")
      ->check(CLI::Range(1U, kUsersMax));
  app.add_option("--first-user", options.first_user, "number of the first one");
  app.add_option("--user-prefix", options.user_prefix, "account i is this text followed by i");
  app.add_option("--password", options.password, "of every account; {} stands for its number");
  app.add_option("--password-file", options.password_file, "its first line is the password")
      ->check(CLI::ExistingFile);
  app.add_option("--accounts", options.accounts, "a line each: JID, white space, password")
      ->check(CLI::ExistingFile);
  app.add_option("--scram-cache", options.scram_cache, "keeps derived SCRAM keys between runs");
}

void add_connection(CLI::App& app, Options& options) {
  static const std::map<std::string, TlsMode> modes{
      {"none", TlsMode::none}, {"starttls", TlsMode::starttls}, {"direct", TlsMode::direct}};
  app.add_option("--server", options.server, "a numeric address and a port")->required();
  app.add_option("--domain", options.domain, "the XMPP host")->required();
  app.add_option("--tls", options.tls, "none, starttls, direct")
      ->transform(CLI::Transformer(modes));
  app.add_option("--tls-version", options.tls_version, "1.2 or 1.3")
      ->check(CLI::IsMember({"1.2", "1.3"}));
  app.add_option("--mechanism", options.mechanism, "of SASL")
      ->check(CLI::IsMember({"SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"}));
  app.add_option("--sources", options.sources, "addresses to connect from: A or A-B");
  app.add_option("--login-parallel", options.login_parallel, "logins under way at a time")
      ->check(CLI::Range(1, 100'000));
  app.add_option("--login-rate", options.login_rate, "logins a second before the run; 0: no limit")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--visit", options.is_visit, "every account logs in once and leaves, before");
  app.add_option("--baseline", options.baseline, "sessions that are there at the first look");
}

void add_load(CLI::App& app, Options& options) {
  static const std::map<std::string, bool> arrivals{{"even", false}, {"poisson", true}};
  static const std::map<std::string, bool> partners{{"pairs", false}, {"random", true}};
  static const std::map<std::string, bool> addresses{{"bare", false}, {"full", true}};
  app.add_option("--rate", options.rate, "events a second, due at fixed times; 0: closed loop")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--arrivals", options.is_poisson, "even, poisson")
      ->transform(CLI::Transformer(arrivals));
  app.add_flag("--spin", options.is_spinning, "never sleep: the core is this program's alone");
  app.add_option("--window", options.window, "under way for each sender; logins at a time (login)")
      ->check(CLI::Range(1, 100'000));
  app.add_option("--pipeline", options.pipeline, "messages in one write")
      ->check(CLI::Range(1, 1000));
  app.add_option("--duration", options.duration_s, "seconds measured")->check(CLI::PositiveNumber);
  app.add_option("--warm-up", options.warm_up_s, "seconds of the same load before")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--patience", options.patience_s, "seconds until what is not there is missing")
      ->check(CLI::PositiveNumber);
  app.add_option("--body-bytes", options.body_bytes, "of a message's text; 0: as people write")
      ->check(CLI::Range(0, 200'000));
  app.add_option("--partners", options.has_random_partners, "pairs, random")
      ->transform(CLI::Transformer(partners));
  app.add_option("--contacts", options.contacts, "partners of each session with random")
      ->check(CLI::Range(1, 1000));
  app.add_option("--to", options.is_to_full, "bare, full")->transform(CLI::Transformer(addresses));
  app.add_option("--ping-interval", options.ping_interval_s, "of white-space pings; 0: none")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--subscribers", options.subscribers, "contacts of a broadcasting session")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--items", options.items, "contacts in each roster")
      ->check(CLI::Range(0, 100'000));
  app.add_flag("--versioned", options.is_versioned, "ask with the version known");
  app.add_flag("--prepared", options.is_prepared, "rosters are there already");
  app.add_option("--reset-share", options.reset_share, "part that leaves by reset")
      ->check(CLI::Range(0.0, 1.0));
}

void add_measures(CLI::App& app, Options& options) {
  app.add_option("--pid", options.pids, "a process of the server, with its descendants")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--process-name", options.process_names, "every process of that name")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--keep-awake", options.wakeful_cores, "cores that are not to go to sleep")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->delimiter(',')
      ->check(CLI::Range(0U, kCoresMax - 1));
  app.add_option("--watch-cores", options.watched_cores, "cores whose stalls are looked for")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->delimiter(',')
      ->check(CLI::Range(0U, kCoresMax - 1));
  app.add_option("--interval", options.interval_s, "seconds between points of the series")
      ->check(CLI::Range(0.05, 3600.0));
  app.add_option("--label", options.label, "name of the server in results");
  app.add_option("--json", options.json, "where the result goes; -: standard output");
  app.add_option("--html", options.html, "where the page goes");
  app.add_option("--seed", options.seed, "of everything that is drawn");
  app.add_flag("--quiet", options.is_quiet, "no progress");
}

std::string usage_problem(const CommandLine& line, const std::set<std::string>& given) {
  const Options& options = line.options;
  if (given.contains("--accounts")) {
    for (const char* other : {"--password", "--password-file", "--user-prefix"}) {
      if (given.contains(other)) {
        return fmt::format("--accounts says what {} would say", other);
      }
    }
  } else if (given.contains("--password") == given.contains("--password-file")) {
    return "one of --password, --password-file and --accounts is needed";
  }
  if (options.rate == 0 && options.pipeline > options.window) {
    return "--pipeline can't be larger than --window";
  }
  if (options.has_random_partners && options.contacts >= options.users) {
    return "--contacts must be less than --users";
  }
  if (options.scenario == "chat" && !options.has_random_partners && options.users < 2) {
    return "a chat needs --users 2";
  }
  if (options.scenario == "presence" && options.subscribers >= options.users) {
    return "--subscribers must be less than --users";
  }
  if (options.scenario == "mixed" && options.users < 20) {
    return "a mix needs --users 20";
  }
  return {};
}

}  // namespace

base::Result<CommandLine, Exit> parse_command_line(int count, const char* const* arguments) {
  CommandLine line;
  CLI::App app("Loads an XMPP server with sessions, and measures it from outside.", "rondel-load");
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  for (const auto& [name, text] : scenarios()) {
    CLI::App* scenario = app.add_subcommand(name, text);
    // A later word overrides an earlier one, so that scripts can add to a common line.
    scenario->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    add_connection(*scenario, line.options);
    add_accounts(*scenario, line.options);
    add_load(*scenario, line.options);
    add_measures(*scenario, line.options);
  }
  CLI::App* page = app.add_subcommand("page", "one page with charts of one or several results");
  page->add_option("out", line.page.out, "the page")->required();
  page->add_option("results", line.page.results, "JSON files")
      ->required()
      ->check(CLI::ExistingFile);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream problem;
    const bool is_help = app.exit(error, out, problem) == 0;
    return base::Unexpected(Exit{is_help ? kExitClean : kExitUsage, out.str() + problem.str()});
  }
  const CLI::App& chosen = *app.get_subcommands().front();
  line.is_page = &chosen == page;
  if (line.is_page) {
    return line;
  }
  line.options.scenario = chosen.get_name();
  std::set<std::string> given;
  for (const CLI::Option* option : chosen.get_options()) {
    if (option->count() > 0) {
      given.insert(option->get_name());
    }
  }
  if (std::string problem = usage_problem(line, given); !problem.empty()) {
    return base::Unexpected(Exit{kExitUsage, problem + "\n"});
  }
  return line;
}

}  // namespace rondel::load
