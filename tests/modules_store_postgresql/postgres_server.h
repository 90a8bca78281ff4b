// A PostgreSQL server of the tests' own, in a temporary folder, as an unprivileged user.
#pragma once

#include <string>
#include <sys/types.h>

#include "modules/store-postgresql/postgres_options.h"

namespace rondel::modules::store_postgresql::test {

/// Made at the first use, and gone with the process. Thread: the test's.
class PostgresServer {
 public:
  static PostgresServer& shared();

  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  void start();
  /// Ends sessions at once, as a restart of the service does.
  void stop();
  /// Halts all of its processes, or lets them go on: a server that gives no answer.
  void freeze(bool is_frozen);
  /// SQL of a test's own, in the database that the tests use. Gives the first field.
  std::string run(const std::string& sql, const std::string& database = "postgres");

  /// For a storage of a test's own: another schema each time.
  PostgresOptions options();
  const std::string& folder() const { return folder_; }
  const std::string& port() const { return port_; }

 private:
  PostgresServer();
  ~PostgresServer();

  pid_t spawn(const std::string& command, bool is_server);
  void run_command(const std::string& command);

  std::string folder_;
  std::string port_;
  unsigned user_ = 0;
  unsigned group_ = 0;
  pid_t process_ = -1;
  int schemas_ = 0;
};

}  // namespace rondel::modules::store_postgresql::test
