#include "modules/control/command_parts.h"

#include <fmt/format.h>
#include <utility>

#include "xmpp/jid.h"

namespace rondel::modules::control {

Json refuse(std::string why) {
  return {{"ok", false}, {"error", std::move(why)}};
}
Json done() {
  return {{"ok", true}};
}

std::string text(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::size_t number(const Json& object, const char* name, std::size_t fallback) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::size_t>()
                                                              : fallback;
}

base::Result<store::UserKey, std::string> user_of(api::Shard& shard, const std::string& jid) {
  const auto parsed = xmpp::Jid::parse(jid);
  if (!parsed || !parsed->has_local() || parsed->has_resource()) {
    return base::Unexpected(fmt::format(
        "\"{}\" is no account's address, which looks like user@host{}{}", jid, parsed ? "" : ": ",
        parsed ? std::string_view() : xmpp::to_text(parsed.error())));
  }
  const api::Host* host = shard.find_host(parsed->domain());
  if (host == nullptr) {
    return base::Unexpected(fmt::format("there is no host {} here", parsed->domain()));
  }
  if (host->stores.users == nullptr) {
    return base::Unexpected(fmt::format("host {} has no user storage", parsed->domain()));
  }
  return store::UserKey{std::string(parsed->local()), std::string(parsed->domain())};
}

store::UserStore& users_of(api::Shard& shard, const store::UserKey& user) {
  return *shard.find_host(user.host)->stores.users;
}

std::string explain(const store::StoreError& error, const std::string& jid) {
  switch (error.failure) {
    case store::Failure::not_found:
      return fmt::format("there is no account {}", jid);
    case store::Failure::conflict:
      return fmt::format("the account {} exists already", jid);
    case store::Failure::unsupported:
      return error.message;
    default:
      return fmt::format("storage: {}", error.message);
  }
}

}  // namespace rondel::modules::control
