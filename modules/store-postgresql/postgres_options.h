// How the server is reached and used.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "store/store_result.h"

namespace rondel::modules::store_postgresql {

using store::StoreError;
using store::StoreResult;

struct PostgresOptions {
  std::string connection;  ///< A connection string or URI without a password; the rest overrides.
  std::string host;        ///< A name, an address, or the folder of a socket; empty: libpq decides.
  std::string port;
  std::string database;
  std::string user;
  std::string schema = "rondel";    ///< Made if it isn't there.
  std::string tls = "verify-full";  ///< libpq's sslmode; sockets of the machine never use TLS.
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_crl;

  // At most one of these; without any, libpq looks into its password file.
  std::string password_file;
  std::string password_credential;   ///< A file's name in $CREDENTIALS_DIRECTORY.
  std::string password_environment;  ///< A variable's name.

  std::size_t readers = 2;      ///< Connections that read; at least 1. One more writes.
  std::size_t batch_max = 256;  ///< Requests in one transaction.
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds operation_timeout{5000};  ///< Then the connection is given up.
  std::chrono::milliseconds retry_first{100};         ///< The wait doubles from here …
  std::chrono::milliseconds retry_max{5000};          ///< … to here.
};

/// Reads the password from the place that the options name, for each connection anew; empty if none
/// is named. Wiping it is the caller's.
///
/// Errors: invalid, if the place can't be read or more than one is named.
[[nodiscard]] StoreResult<std::string> read_password_blocking(const PostgresOptions& options);

}  // namespace rondel::modules::store_postgresql
