// The module account: users change their passwords and remove their accounts.
#include <array>

#include "modules/account/accounts.h"
#include "modules/api/module_export.h"

namespace rondel::modules::account {
namespace {

using config::OptionSpec;
using config::OptionType;

constexpr std::array kOptions{
    OptionSpec{.name = "password_change",
               .type = OptionType::boolean,
               .default_boolean = true,
               .on_change = config::OnChange::reload,
               .places = config::Places::all_and_hosts,
               .doc = "Whether users may change their passwords (on encrypted streams only)."},
    OptionSpec{.name = "removal",
               .type = OptionType::boolean,
               .default_boolean = true,
               .on_change = config::OnChange::reload,
               .places = config::Places::all_and_hosts,
               .doc = "Whether users may remove their accounts."}};

constexpr std::array kProtocols{api::Protocol{"XEP-0077", "2.4"}};

constexpr api::ModuleInfo kInfo{
    .name = kModuleName,
    .description = "Lets users change their passwords and remove their accounts.",
    .options = kOptions,
    .protocols = kProtocols,
    .create = &api::create_module<api::ShardOnlyModule<Accounts>>};

}  // namespace
}  // namespace rondel::modules::account

RONDEL_MODULE(rondel::modules::account::kInfo);
