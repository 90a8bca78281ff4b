#include "modules/store-ldap/ldap_options.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "base/encoding.h"

namespace rondel::modules::store_ldap {
namespace {

using store::fail;
using store::Failure;

constexpr std::size_t kSecretBytesMax = 4096;

std::string reason(int error) {
  return std::generic_category().message(error);
}

/// The first line, as editors end files with one.
StoreResult<std::string> first_line(std::string text, const std::string& place) {
  std::string line = text.substr(0, text.find_first_of(std::string_view("\r\n\0", 3)));
  base::wipe(text);
  if (line.empty()) {
    return fail(Failure::invalid,
                fmt::format("the password of the directory in {} is empty; a bind "
                            "without one is no authentication",
                            place));
  }
  return line;
}

StoreResult<std::string> read_file_blocking(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fail(
        Failure::invalid,
        fmt::format("cannot read the password of the directory from {}: {}", path, reason(errno)));
  }
  struct stat about {};
  std::string text(kSecretBytesMax, '\0');
  const bool is_open_to_others = ::fstat(fd, &about) == 0 && (about.st_mode & (S_IRWXG | S_IRWXO));
  const ssize_t size = ::read(fd, text.data(), text.size());
  const int error = errno;
  ::close(fd);
  if (is_open_to_others) {
    base::wipe(text);
    return fail(Failure::invalid, fmt::format("others than its owner may use {}, which holds the "
                                              "password of the directory; chmod 0600 it",
                                              path));
  }
  if (size < 0) {
    return fail(
        Failure::invalid,
        fmt::format("cannot read the password of the directory from {}: {}", path, reason(error)));
  }
  text.resize(static_cast<std::size_t>(size));
  return first_line(std::move(text), path);
}

}  // namespace

StoreResult<std::string> read_secret_blocking(const SecretPlace& place) {
  const auto places = std::ranges::count_if(
      std::initializer_list<const std::string*>{&place.file, &place.credential, &place.environment},
      [](const std::string* text) { return !text->empty(); });
  if (places > 1) {
    return fail(Failure::invalid,
                "the password of the directory must come from one place: password_file, "
                "password_credential or password_environment");
  }
  if (!place.file.empty()) {
    return read_file_blocking(place.file);
  }
  if (!place.credential.empty()) {
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr || place.credential.find('/') != std::string::npos) {
      return fail(Failure::invalid,
                  "password_credential names a file in $CREDENTIALS_DIRECTORY, which the service "
                  "manager sets (LoadCredential=)");
    }
    return read_file_blocking(fmt::format("{}/{}", folder, place.credential));
  }
  if (!place.environment.empty()) {
    const char* value = std::getenv(place.environment.c_str());
    if (value == nullptr) {
      return fail(
          Failure::invalid,
          fmt::format("the environment has no variable {} with the password of the directory",
                      place.environment));
    }
    return first_line(value, place.environment);
  }
  return std::string();
}

}  // namespace rondel::modules::store_ldap
