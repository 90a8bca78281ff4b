#include "modules/store-postgresql/postgres_options.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

#include "base/encoding.h"

namespace rondel::modules::store_postgresql {
namespace {

using store::fail;
using store::Failure;

constexpr std::size_t kPasswordBytesMax = 4096;

StoreResult<std::string> read_file_blocking(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::string password(kPasswordBytesMax, '\0');
  const ssize_t size = fd < 0 ? -1 : ::read(fd, password.data(), password.size());
  const int error = errno;
  if (fd >= 0) {
    ::close(fd);
  }
  if (size < 0) {
    return fail(Failure::invalid, fmt::format("cannot read the password of PostgreSQL from {}: {}",
                                              path, std::generic_category().message(error)));
  }
  // The first line counts, as editors end files with one.
  const std::size_t end = std::string_view(password.data(), static_cast<std::size_t>(size))
                              .find_first_of(std::string_view("\r\n\0", 3));
  std::string line = password.substr(0, std::min(end, static_cast<std::size_t>(size)));
  base::wipe(password);
  return line;
}

}  // namespace

StoreResult<std::string> read_password_blocking(const PostgresOptions& options) {
  const int places = static_cast<int>(!options.password_file.empty()) +
                     static_cast<int>(!options.password_credential.empty()) +
                     static_cast<int>(!options.password_environment.empty());
  if (places > 1) {
    return fail(Failure::invalid,
                "the password of PostgreSQL must come from one place: password_file,"
                " password_credential or password_environment");
  }
  if (!options.password_file.empty()) {
    return read_file_blocking(options.password_file);
  }
  if (!options.password_credential.empty()) {
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr || options.password_credential.find('/') != std::string::npos) {
      return fail(Failure::invalid,
                  "password_credential names a file in $CREDENTIALS_DIRECTORY, which the service"
                  " manager sets (LoadCredential=)");
    }
    return read_file_blocking(fmt::format("{}/{}", folder, options.password_credential));
  }
  if (!options.password_environment.empty()) {
    const char* value = std::getenv(options.password_environment.c_str());
    if (value == nullptr) {
      return fail(Failure::invalid, fmt::format("the environment has no variable {} with the"
                                                " password of PostgreSQL",
                                                options.password_environment));
    }
    return std::string(value);
  }
  return std::string();
}

}  // namespace rondel::modules::store_postgresql
