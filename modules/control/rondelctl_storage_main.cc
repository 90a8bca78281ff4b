// Part of rondelctl, not of the module: hence the ending of the name.
#include <fstream>
#include <iterator>
#include <vector>

#include "base/encoding.h"
#include "modules/control/rondelctl_storage.h"

namespace rondel::modules::control::client {
namespace {

// Base64 of the DER form, which is what stands between the lines of a PEM file.
std::string read_certificate(const std::string& path) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Failure{kUsage, fmt::format("{}: {}", path, std::strerror(errno))};
  }
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = bytes.find(kBegin);
  if (begin == std::string::npos) {
    return rondel::base::base64_encode(bytes);
  }
  // The first of a chain is the one that is shown.
  const std::size_t end = bytes.find(kEnd, begin);
  std::string text = bytes.substr(begin + kBegin.size(), end - begin - kBegin.size());
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  return text;
}

std::string bindings_text(const Json& bindings, const std::string& indent) {
  std::string text;
  for (const Json& binding : bindings) {
    text +=
        fmt::format("{}{:<24}{}\n", indent, binding.value("kind", ""), binding.value("value", ""));
  }
  return text;
}

/// Asks page after page; false after an answer that ended it, which is then in `last`.
bool for_each_page(Client& client,
                   Json request,
                   const char* doing,
                   bool as_json,
                   std::size_t& users,
                   std::vector<std::string>& problems,
                   Json& last) {
  const bool is_shown = !as_json && isatty(STDERR_FILENO) != 0;
  for (std::string after;;) {
    request["after"] = after;
    last = client.ask(request);
    if (!last.value("ok", false)) {
      return false;
    }
    users += last.value("users", std::size_t{0});
    for (const Json& problem : last.value("problems", Json::array())) {
      problems.push_back(problem.get<std::string>());
    }
    if (is_shown) {
      fmt::print(stderr, "\r{} users {}", users, doing);
    }
    if (!last.contains("next")) {
      break;
    }
    after = last.value("next", "");
  }
  if (is_shown) {
    fmt::print(stderr, "\n");
  }
  return true;
}

}  // namespace

int change_bindings(Client& client,
                    bool is_bind,
                    const std::string& jid,
                    const BindingOptions& options,
                    bool as_json) {
  Json request = {{"command", is_bind ? "user.bind" : "user.unbind"},
                  {"jid", jid},
                  {"fingerprint", options.fingerprint},
                  {"certificate_name", options.name},
                  {"principal", options.principal}};
  if (!options.certificate.empty()) {
    request["certificate"] = read_certificate(options.certificate);
  }
  const Json answer = client.ask(request);
  const Json list = answer.value(is_bind ? "bound" : "unbound", Json::array());
  return finish(answer, as_json,
                fmt::format("{} {}:\n{}", is_bind ? "bound to" : "no longer bound to", jid,
                            bindings_text(list, "  ")));
}

int show_account(Client& client, const std::string& jid, bool as_json) {
  const Json answer = client.ask({{"command", "user.show"}, {"jid", jid}});
  if (!answer.value("ok", false)) {
    return finish(answer, as_json, {});
  }
  std::string text =
      fmt::format("{}\n  {:<24}{}\n  {:<24}{}\n  {:<24}{}\n", answer.value("jid", ""), "state",
                  answer.value("state", ""), "created", answer.value("created", ""),
                  "password_changed", answer.value("password_changed", ""));
  for (const Json& key : answer.value("keys", Json::array())) {
    text += fmt::format("  {:<24}{}, {} iterations\n", "key", key.value("mechanism", ""),
                        key.value("iterations", 0));
  }
  if (answer.value("compares_passwords", false)) {
    text += fmt::format("  {:<24}compared by the storage itself\n", "password");
  }
  text += bindings_text(answer.value("bindings", Json::array()), "  ");
  if (!answer.value("is_writable", true)) {
    text += "  (this account can only be changed where it is kept)\n";
  }
  return finish(answer, as_json, text);
}

int copy_storage(Client& client, const CopyOptions& options, bool as_json) {
  Json request = {{"command", "storage.copy"},
                  {"from", options.from},
                  {"to", options.to},
                  {"host", options.host},
                  {"replace", options.may_replace}};
  std::vector<std::string> problems;
  std::size_t copied = 0;
  Json last;
  if (!for_each_page(client, request, "copied", as_json, copied, problems, last)) {
    return finish(last, as_json, {});
  }
  std::size_t compared = 0;
  request["command"] = "storage.compare";
  if (!for_each_page(client, request, "compared", as_json, compared, problems, last)) {
    return finish(last, as_json, {});
  }
  if (as_json) {
    fmt::print("{}\n", Json{{"ok", problems.empty()},
                            {"copied", copied},
                            {"compared", compared},
                            {"problems", problems}}
                           .dump(2));
  } else {
    fmt::print("{} users of {} copied from {} to {}, {} compared: {}\n", copied, options.host,
               options.from, options.to, compared,
               problems.empty() ? "all the same" : "there are differences");
    for (const std::string& problem : problems) {
      fmt::print(stderr, "rondelctl: {}\n", problem);
    }
  }
  return problems.empty() ? kDone : kRefused;
}

}  // namespace rondel::modules::control::client
