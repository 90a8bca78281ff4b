// The module version: which software this is (XEP-0092).
#include <array>
#include <string>
#include <sys/utsname.h>

#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::version {
namespace {

using config::OptionSpec;
using config::OptionType;
using config::Places;

constexpr std::array kOptions{
    OptionSpec{.name = "show_version",
               .type = OptionType::boolean,
               .default_boolean = true,
               .on_change = config::OnChange::reload,
               .places = Places::all_and_hosts,
               .doc = "Whether the version is told, or only the name."},
    OptionSpec{.name = "show_os",
               .type = OptionType::boolean,
               .on_change = config::OnChange::reload,
               .places = Places::all_and_hosts,
               .doc = "Whether the operating system is told (XEP-0092 calls it a risk)."}};

std::string operating_system() {
  utsname system{};
  return ::uname(&system) == 0 ? std::string(system.sysname) : std::string();
}

/// Names the server's software.
class Version final : public api::ShardModule {
 public:
  explicit Version(api::Shard&) {}
  static base::Result<void> load(api::Registrar& registrar) {
    registrar.add_iq<&Version::answer>({.name = "query", .ns = xmpp::ns::kVersion});
    return {};
  }

  api::IqReply answer(const api::IqRequest& request) {
    const auto snapshot = request.shard().config();
    const api::Host* host = request.shard().find_host(request.host());
    const config::Options options =
        snapshot->options("version", host ? host->options->name : std::string());
    xml::Document result = request.make_result();
    xml::ElementBuilder query(result);
    query.child("query", xmpp::ns::kVersion).child("name").text("Rondel").up();
    // The schema demands the element (XEP-0092 §6); empty is what it allows to say nothing.
    query.child("version").text(options.boolean("show_version") ? RONDEL_VERSION : "").up();
    if (options.boolean("show_os")) {
      query.child("os").text(operating_system());
    }
    return result;
  }
};

constexpr std::array kProtocols{api::Protocol{"XEP-0092", "1.1"}};
constexpr api::ModuleInfo kInfo{.name = "version",
                                .description = "Tells which software this is.",
                                .options = kOptions,
                                .protocols = kProtocols,
                                .create = &api::create_module<api::ShardOnlyModule<Version>>};

}  // namespace
}  // namespace rondel::modules::version

RONDEL_MODULE(rondel::modules::version::kInfo);
