#include "modules/auth-gssapi/principal.h"

#include "xmpp/jid.h"

namespace rondel::modules::auth_gssapi {

std::optional<std::string> local_of_realm(std::string_view principal, std::string_view realm) {
  const std::size_t at = principal.find('@');
  // Kerberos quotes what means something to it with '\'; such a name is nobody's local part.
  if (realm.empty() || at == 0 || at == std::string_view::npos ||
      principal.substr(at + 1) != realm ||
      principal.find_first_of("/\\") != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(principal.substr(0, at));
}

std::optional<std::string> choose_owner(const std::vector<store::UserKey>& owners,
                                        std::string_view authzid) {
  if (owners.size() == 1) {
    return owners.front().local;  // Whether the authzid is his, the core sees.
  }
  const auto wanted = xmpp::Jid::parse(authzid);
  if (wanted && wanted->is_bare()) {
    for (const store::UserKey& owner : owners) {
      if (owner.local == wanted->local() && owner.host == wanted->domain()) {
        return owner.local;
      }
    }
  }
  return std::nullopt;
}

}  // namespace rondel::modules::auth_gssapi
