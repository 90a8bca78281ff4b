// rondelctl: talks to the control socket of a running server.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <termios.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "config/bootstrap.h"
#include "config/document.h"
#include "modules/control/protocol.h"
#include "modules/control/rondelctl_client.h"
#include "modules/control/rondelctl_storage.h"

namespace {

using namespace rondel::modules::control::client;  // NOLINT: the program's own parts
using rondel::modules::control::kImportBatchMax;
using rondel::modules::control::kListPageMax;

constexpr int kImportConnections = 4;

std::string control_socket(const std::string& socket, const std::string& config) {
  if (!socket.empty()) {
    return socket;
  }
  const auto document =
      config.empty() &&
              access(std::string(rondel::config::Document::kDefaultPath).c_str(), R_OK) != 0
          ? rondel::base::Result<rondel::config::Document, rondel::config::Problems>(
                rondel::config::Document::empty())
          : rondel::config::Document::load(
                config.empty() ? std::string(rondel::config::Document::kDefaultPath) : config);
  if (!document) {
    throw Failure{kUsage, rondel::config::to_string(document.error())};
  }
  const auto bootstrap = rondel::config::bootstrap(*document, {});
  if (!bootstrap) {
    throw Failure{kUsage, rondel::config::to_string(bootstrap.error())};
  }
  return bootstrap->control_socket;
}

/// From standard input (a pipe: its first line; a terminal: asked for twice, not shown). Never from
/// the command line, which every process of the machine can read.
std::string read_password(bool from_stdin) {
  std::string password;
  if (from_stdin || isatty(STDIN_FILENO) == 0) {
    std::getline(std::cin, password);
    return password;
  }
  termios shown{};
  tcgetattr(STDIN_FILENO, &shown);
  termios hidden = shown;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  std::string again;
  std::cerr << "Password: ";
  std::getline(std::cin, password);
  std::cerr << "\nAgain: ";
  std::getline(std::cin, again);
  std::cerr << "\n";
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
  if (password != again) {
    throw Failure{kUsage, "the two passwords differ"};
  }
  return password;
}

int list_users(Client& client, const std::string& host, bool as_json) {
  Json all = Json::array();
  std::string after;
  for (;;) {
    Json answer = client.ask({{"command", "user.list"}, {"host", host}, {"after", after}});
    if (!answer.value("ok", false)) {
      return finish(answer, as_json, {});
    }
    Json& page = answer["users"];
    for (Json& user : page) {
      all.push_back(std::move(user));
    }
    if (page.size() < kListPageMax) {
      break;
    }
    const std::string last = all.back().value("jid", "");
    after = last.substr(0, last.find('@'));
  }
  if (as_json) {
    fmt::print("{}\n", Json{{"ok", true}, {"users", all}}.dump(2));
  } else {
    for (const Json& user : all) {
      fmt::print("{:<50} {:<9} {}\n", user.value("jid", ""), user.value("state", ""),
                 user.value("created", ""));
    }
  }
  return kDone;
}

struct ImportLine {
  std::size_t number;
  std::string jid, password;
};

std::vector<ImportLine> read_import(const std::string& path, std::vector<std::string>& problems) {
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    if (!file) {
      throw Failure{kUsage, fmt::format("{}: {}", path, std::strerror(errno))};
    }
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::vector<ImportLine> lines;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') {
      line.pop_back();
    }
    const std::size_t space = line.find_first_of(" \t");
    const std::size_t begin = line.find_first_not_of(" \t", space);
    if (line.empty() || line.front() == '#') {
      continue;
    }
    if (space == 0 || space == std::string::npos || begin == std::string::npos) {
      problems.push_back(fmt::format("{}:{}: not \"JID, white space, password\"", path, number));
      continue;
    }
    lines.push_back({number, line.substr(0, space), line.substr(begin)});
  }
  return lines;
}

/// Several connections at a time, so that keys are derived on every core of the server.
int import_users(const std::string& socket, const std::string& path, bool as_json) {
  std::vector<std::string> problems;
  const std::vector<ImportLine> lines = read_import(path, problems);
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> created{0};
  std::mutex mutex;
  std::optional<Failure> failure;
  const auto work = [&] {
    try {
      Client client(socket);
      for (std::size_t begin; (begin = next.fetch_add(kImportBatchMax)) < lines.size();) {
        const std::size_t end = std::min(lines.size(), begin + kImportBatchMax);
        Json users = Json::array();
        for (std::size_t i = begin; i < end; ++i) {
          users.push_back({{"jid", lines[i].jid}, {"password", lines[i].password}});
        }
        const Json answer = client.ask({{"command", "user.import"}, {"users", std::move(users)}});
        const std::lock_guard lock(mutex);
        if (!answer.value("ok", false)) {
          problems.push_back(fmt::format("lines {} to {}: {}", lines[begin].number,
                                         lines[end - 1].number, answer.value("error", "refused")));
          continue;
        }
        created += answer.value("created", std::size_t{0});
        for (const Json& problem : answer.value("problems", Json::array())) {
          problems.push_back(problem.get<std::string>());
        }
        if (!as_json && isatty(STDERR_FILENO) != 0) {
          fmt::print(stderr, "\r{} of {} accounts", created.load(), lines.size());
        }
      }
    } catch (const Failure& problem) {
      const std::lock_guard lock(mutex);
      failure = problem;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kImportConnections; ++i) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  if (failure) {
    throw *failure;
  }
  if (as_json) {
    fmt::print(
        "{}\n",
        Json{{"ok", problems.empty()}, {"created", created.load()}, {"problems", problems}}.dump(
            2));
  } else {
    fmt::print("{}{} accounts created\n", isatty(STDERR_FILENO) != 0 ? "\n" : "", created.load());
    for (const std::string& problem : problems) {
      fmt::print(stderr, "rondelctl: {}\n", problem);
    }
  }
  return problems.empty() ? kDone : kRefused;
}

std::string status_text(const Json& status) {
  const Json& total = status["total"];
  std::string text = fmt::format("rondeld {} on Linux {}, up {} s\n", status.value("version", ""),
                                 status.value("kernel", ""), status.value("uptime_seconds", 0));
  const auto list = [&](const char* title, const char* name) {
    for (const Json& entry : status.value(name, Json::array())) {
      text += fmt::format("{:<12}{}\n", title, entry.get<std::string>());
    }
  };
  list("host", "hosts");
  list("listener", "listeners");
  list("storage", "storages");
  for (const Json& certificate : status.value("certificates", Json::array())) {
    text += fmt::format("{:<12}{}, {} days left\n", "certificate", certificate.value("host", ""),
                        certificate.value("days_left", 0));
  }
  const Json engines = status.value("engines", Json::object());
  for (const auto& [engine, count] : engines.items()) {
    text += fmt::format("{:<12}{} sessions {}\n", "records", count.get<int>(), engine);
  }
  text += fmt::format("{:<12}{} connections, {} sessions, {} stanzas in, {} out\n", "total",
                      total.value("connections", 0ULL), total.value("sessions", 0ULL),
                      total.value("stanzas_received", 0ULL), total.value("stanzas_sent", 0ULL));
  for (const Json& shard : status["shards"]) {
    text += fmt::format("{:<12}{} connections, {} sessions, {} users, {} turns\n",
                        fmt::format("shard {}", shard.value("index", 0)),
                        shard.value("connections", 0ULL), shard.value("sessions", 0ULL),
                        shard.value("users", 0ULL), shard.value("loop_turns", 0ULL));
  }
  return text;
}

std::string sessions_text(const Json& answer) {
  std::string text;
  for (const Json& session : answer["sessions"]) {
    const std::string tls = session.value("tls", "");
    text += fmt::format("{:<50} {:<12} {:<16} {:<8} {:<10} {:<24} shard {} {:>6} s\n",
                        session.value("jid", ""), session.value("interface", ""),
                        session.value("peer", ""), tls.empty() ? "plain" : tls,
                        session.value("engine", ""), session.value("mechanism", ""),
                        session.value("shard", 0), session.value("age_seconds", 0));
  }
  return text.empty() ? "nobody is here\n" : text;
}

std::string modules_text(const Json& answer) {
  std::string text;
  for (const Json& module : answer["modules"]) {
    std::string protocols;
    for (const Json& protocol : module["protocols"]) {
      protocols += (protocols.empty() ? "" : ", ") + protocol.get<std::string>();
    }
    text += fmt::format("{:<18} {:<8} {}\n{}", module.value("name", ""),
                        module.value("version", ""), module.value("description", ""),
                        protocols.empty() ? "" : fmt::format("{:<28}{}\n", "", protocols));
  }
  return text;
}

std::string reload_text(const Json& answer) {
  std::string text = "reloaded\n";
  for (const Json& change : answer.value("applied", Json::array())) {
    text += fmt::format("  holds now:       {}\n", change.get<std::string>());
  }
  for (const Json& change : answer.value("needs_restart", Json::array())) {
    text += fmt::format("  needs a restart: {}\n", change.get<std::string>());
  }
  return text;
}

int run(int count, char** arguments) {
  CLI::App app("Talks to a running rondeld.", "rondelctl");
  app.set_version_flag("--version", std::string("rondelctl " RONDEL_VERSION));
  app.require_subcommand(1);
  app.fallthrough();
  std::string config, socket, jid, host, file;
  bool as_json = false;
  bool from_stdin = false;
  app.add_option("--config", config, "The server's configuration, which names the socket");
  app.add_option("--socket", socket, "The control socket itself");
  app.add_flag("--json", as_json, "Answers as JSON");
  CLI::App* user = app.add_subcommand("user", "Accounts")->require_subcommand(1);
  CLI::App* add = user->add_subcommand("add", "Creates an account");
  CLI::App* remove = user->add_subcommand("delete", "Removes an account and its data");
  CLI::App* passwd = user->add_subcommand("passwd", "Sets an account's password");
  CLI::App* disable =
      user->add_subcommand("disable", "Ends an account's sessions and lets nobody in; data stays");
  CLI::App* enable = user->add_subcommand("enable", "Lets a disabled account in again");
  CLI::App* list = user->add_subcommand("list", "Lists the accounts of a host");
  CLI::App* import =
      user->add_subcommand("import", "Creates accounts: a line each, JID, white space, password");
  CLI::App* bind = user->add_subcommand("bind", "Makes a certificate or a principal an account's");
  CLI::App* unbind = user->add_subcommand("unbind", "Takes it away from the account");
  CLI::App* show_user = user->add_subcommand("show", "What is known of an account");
  BindingOptions binding;
  for (CLI::App* command : {bind, unbind}) {
    command->add_option("--certificate", binding.certificate, "A certificate's file, PEM or DER");
    command->add_option("--fingerprint", binding.fingerprint, "A certificate's SHA-256");
    command->add_option("--certificate-name", binding.name,
                        "A name in certificates: xmpp:JID, email:ADDRESS or cn:NAME");
    command->add_option("--principal", binding.principal, "A Kerberos principal: NAME@REALM");
  }
  CLI::App* storage = app.add_subcommand("storage", "Storages")->require_subcommand(1);
  CLI::App* copy =
      storage->add_subcommand("copy", "Copies all data of a host from one storage to another");
  CopyOptions way;
  copy->add_option("FROM", way.from, "The module, such as store-sqlite")->required();
  copy->add_option("TO", way.to, "The module, such as store-postgresql")->required();
  copy->add_option("HOST", way.host, "The host")->required();
  copy->add_flag("--replace", way.may_replace, "Also if TO holds data of the host already");
  for (CLI::App* command : {add, remove, passwd, disable, enable, bind, unbind, show_user}) {
    command->add_option("JID", jid, "The account: user@host")->required();
  }
  for (CLI::App* command : {add, passwd}) {
    command->add_flag("--password-stdin", from_stdin, "Takes the password from standard input");
  }
  list->add_option("HOST", host, "The host")->required();
  import->add_option("FILE", file, "The file; - for standard input")->required();
  CLI::App* status = app.add_subcommand("status", "What the server does now");
  CLI::App* sessions = app.add_subcommand("sessions", "Who is here");
  CLI::App* modules = app.add_subcommand("modules", "What is loaded");
  CLI::App* reload = app.add_subcommand("reload", "Reads configuration and certificates again");
  CLI::App* stop = app.add_subcommand("stop", "Stops the server in order");
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  const std::string path = control_socket(socket, config);
  if (import->parsed()) {
    return import_users(path, file, as_json);
  }
  std::string password;
  if (add->parsed() || passwd->parsed()) {
    password = read_password(from_stdin);
  }
  Client client(path);
  if (add->parsed()) {
    return finish(client.ask({{"command", "user.add"}, {"jid", jid}, {"password", password}}),
                  as_json, fmt::format("{} was created\n", jid));
  }
  if (passwd->parsed()) {
    return finish(client.ask({{"command", "user.passwd"}, {"jid", jid}, {"password", password}}),
                  as_json, fmt::format("the password of {} was changed\n", jid));
  }
  if (remove->parsed()) {
    return finish(client.ask({{"command", "user.delete"}, {"jid", jid}}), as_json,
                  fmt::format("{} was removed\n", jid));
  }
  if (disable->parsed()) {
    return finish(client.ask({{"command", "user.disable"}, {"jid", jid}}), as_json,
                  fmt::format("{} was disabled\n", jid));
  }
  if (enable->parsed()) {
    return finish(client.ask({{"command", "user.enable"}, {"jid", jid}}), as_json,
                  fmt::format("{} was enabled\n", jid));
  }
  if (bind->parsed() || unbind->parsed()) {
    return change_bindings(client, bind->parsed(), jid, binding, as_json);
  }
  if (show_user->parsed()) {
    return show_account(client, jid, as_json);
  }
  if (copy->parsed()) {
    return copy_storage(client, way, as_json);
  }
  if (list->parsed()) {
    return list_users(client, host, as_json);
  }
  const auto show = [&](const char* command, std::string (*text)(const Json&)) {
    const Json answer = client.ask({{"command", command}});
    return finish(answer, as_json, answer.value("ok", false) ? text(answer) : std::string());
  };
  if (status->parsed()) {
    return show("status", status_text);
  }
  if (sessions->parsed()) {
    return show("sessions", sessions_text);
  }
  if (modules->parsed()) {
    return show("modules", modules_text);
  }
  if (reload->parsed()) {
    return show("reload", reload_text);
  }
  return stop->parsed() ? show("stop", [](const Json&) { return std::string("stopping\n"); })
                        : kUsage;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count, arguments);
  } catch (const Failure& failure) {
    fmt::print(stderr, "rondelctl: {}\n", failure.text);
    return failure.exit_code;
  } catch (const std::exception& error) {
    fmt::print(stderr, "rondelctl: {}\n", error.what());
    return kRefused;
  }
}
