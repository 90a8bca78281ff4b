#include "log/writer/destination.h"

#include <utility>

namespace rondel::log {
namespace {

constexpr std::string_view kAllowed =
    "allowed are \"stderr\", \"journal\", \"syslog\" and \"file:/absolute/path\"";

base::Unexpected<base::Error> refused(std::string_view text, std::string_view why) {
  std::string message = "log destination \"";
  message.append(text).append("\": ").append(why).append("; ").append(kAllowed);
  return base::Unexpected(base::Error(std::move(message)));
}

}  // namespace

base::Result<Destination> parse_destination(std::string_view text) {
  constexpr std::string_view kFile = "file:";
  if (text == "stderr") {
    return Destination{};
  }
  if (text == "journal") {
    return Destination{Destination::Kind::journal, std::string(kJournalSocket)};
  }
  if (text == "syslog") {
    return Destination{Destination::Kind::syslog, std::string(kSyslogSocket)};
  }
  if (text.substr(0, kFile.size()) == kFile) {
    const std::string_view path = text.substr(kFile.size());
    if (path.empty()) {
      return refused(text, "the path is missing");
    }
    if (path.find('\0') != std::string_view::npos) {
      return refused(text, "a path has no NUL character");
    }
    if (path.front() != '/') {
      return refused(text, "the path must be absolute, since a service has no folder of its own");
    }
    if (path.back() == '/') {
      return refused(text, "the path names a folder");
    }
    return Destination{Destination::Kind::file, std::string(path)};
  }
  if (!text.empty() && text.front() == '/') {
    return refused(text, "did you mean \"file:" + std::string(text) + "\"?");
  }
  if (text == "journald" || text == "systemd") {
    return refused(text, "did you mean \"journal\"?");
  }
  return refused(text, text.empty() ? "it is empty" : "unknown");
}

}  // namespace rondel::log
