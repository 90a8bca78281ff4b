#include "tests/modules_store_postgresql/postgres_server.h"

#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace rondel::modules::store_postgresql::test {
namespace {

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "the tests' PostgreSQL: {}\n", why);
  std::abort();
}

std::string free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    give_up("no free port");
  }
  close(fd);
  return std::to_string(ntohs(address.sin_port));
}

}  // namespace

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer()
    : folder_((std::filesystem::temp_directory_path() / "rondel-pg-XXXXXX").string()),
      port_(free_port()) {
  if (mkdtemp(folder_.data()) == nullptr) {
    give_up("no temporary folder");
  }
  user_ = getuid();
  group_ = getgid();
  if (user_ == 0) {
    // It refuses to run as root.
    const passwd* entry = getpwnam("postgres");
    entry = entry != nullptr ? entry : getpwnam("nobody");
    user_ = entry->pw_uid;
    group_ = entry->pw_gid;
    if (chown(folder_.c_str(), user_, group_) != 0) {
      give_up("the folder can't be given away");
    }
  }
  const std::string data = folder_ + "/data";
  run_command(fmt::format("{}/initdb -D {} -U tester -A trust -E UTF8 --locale=C -N",
                          RONDEL_POSTGRES_FOLDER, data));
  run_command(
      fmt::format("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
                  " -addext subjectAltName=DNS:localhost"
                  " -keyout {0}/server.key -out {0}/server.crt && chmod 600 {0}/server.key",
                  data));
  std::filesystem::copy_file(data + "/server.crt", folder_ + "/ca.crt");
  {
    std::ofstream hba(data + "/pg_hba.conf", std::ios::trunc);
    hba << "local all locked scram-sha-256\nhost all locked 127.0.0.1/32 scram-sha-256\n"
           "local all all trust\nhost all all 127.0.0.1/32 trust\n";
    std::ofstream settings(data + "/postgresql.conf", std::ios::app);
    settings << "\nfsync = off\nssl = on\nlisten_addresses = '127.0.0.1'\nport = " << port_
             << "\nunix_socket_directories = '" << folder_
             << "'\nshared_buffers = 16MB\nmax_connections = 60\nautovacuum = off\n";
  }
  start();
}

PostgresServer::~PostgresServer() {
  freeze(false);
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

pid_t PostgresServer::spawn(const std::string& command, bool is_server) {
  const pid_t child = fork();
  if (child != 0) {
    return child;
  }
  setsid();
  if (getuid() == 0 && (setgid(group_) != 0 || setuid(user_) != 0)) {
    _exit(126);
  }
  if (is_server) {
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
  }
  const int log = open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  static_cast<void>(chdir(folder_.c_str()) == 0);
  execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
  _exit(127);
}

void PostgresServer::run_command(const std::string& command) {
  const pid_t child = spawn(command, false);
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) {
    give_up(fmt::format("\"{}\" failed, see {}/log", command, folder_));
  }
}

void PostgresServer::start() {
  if (process_ > 0) {
    return;
  }
  process_ =
      spawn(fmt::format("exec {}/postgres -D {}/data", RONDEL_POSTGRES_FOLDER, folder_), true);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const std::string conninfo =
      fmt::format("host={} port={} user=tester dbname=postgres", folder_, port_);
  while (PQping(conninfo.c_str()) != PQPING_OK) {
    if (std::chrono::steady_clock::now() > deadline) {
      give_up(fmt::format("it doesn't come up, see {}/log", folder_));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void PostgresServer::stop() {
  if (process_ > 0) {
    kill(process_, SIGINT);
    waitpid(process_, nullptr, 0);
    process_ = -1;
  }
}

void PostgresServer::freeze(bool is_frozen) {
  if (process_ > 0) {
    // It is the leader of a session; its children have process groups of their own.
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream stat(entry.path() / "stat");
      std::string text;
      std::getline(stat, text);
      const std::size_t name_end = text.rfind(')');
      if (name_end == std::string::npos) {
        continue;
      }
      char state = 0;
      int parent = 0;
      if (std::sscanf(text.c_str() + name_end + 1, " %c %d", &state, &parent) == 2 &&
          parent == process_) {
        kill(std::stoi(entry.path().filename().string()), is_frozen ? SIGSTOP : SIGCONT);
      }
    }
    kill(process_, is_frozen ? SIGSTOP : SIGCONT);
  }
}

std::string PostgresServer::run(const std::string& sql, const std::string& database) {
  PGconn* connection = PQconnectdb(
      fmt::format("host={} port={} user=tester dbname={}", folder_, port_, database).c_str());
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  PGresult* result = PQexec(connection, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  EXPECT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
      << sql << ": " << PQerrorMessage(connection);
  std::string text = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
  PQclear(result);
  PQfinish(connection);
  return text;
}

PostgresOptions PostgresServer::options() {
  PostgresOptions options;
  options.host = folder_;
  options.port = port_;
  options.user = "tester";
  options.database = "postgres";
  options.schema = "test" + std::to_string(++schemas_);
  options.connect_timeout = std::chrono::milliseconds(3000);
  options.operation_timeout = std::chrono::milliseconds(60'000);
  options.retry_first = std::chrono::milliseconds(5);
  options.retry_max = std::chrono::milliseconds(40);
  return options;
}

}  // namespace rondel::modules::store_postgresql::test
