// The module time: what the server's clock says (XEP-0202).
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <string>

#include "base/clock.h"
#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "xmpp/datetime.h"
#include "xmpp/namespaces.h"

namespace rondel::modules::time {
namespace {

/// "+01:00" of the server's time zone at that moment. Source: XEP-0082 §3.2.
std::string zone_offset(std::time_t moment) {
  std::tm local{};
  ::localtime_r(&moment, &local);
  const long minutes = std::labs(local.tm_gmtoff) / 60;
  return fmt::format("{}{:02}:{:02}", local.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/// Tells UTC and the zone.
class Time final : public api::ShardModule {
 public:
  explicit Time(api::Shard&) {}
  static base::Result<void> load(api::Registrar& registrar) {
    registrar.add_iq<&Time::answer>({.name = "time", .ns = xmpp::ns::kTime});
    return {};
  }

  api::IqReply answer(const api::IqRequest& request) {
    const auto now = std::chrono::floor<std::chrono::seconds>(base::wall_clock_now());
    const std::int64_t unix_ms =
        std::chrono::duration_cast<base::Milliseconds>(now.time_since_epoch()).count();
    xml::Document result = request.make_result();
    xml::ElementBuilder time(result);
    time.child("time", xmpp::ns::kTime);
    time.child("tzo").text(zone_offset(std::chrono::system_clock::to_time_t(now))).up();
    time.child("utc").text(xmpp::format_datetime(unix_ms));
    return result;
  }
};

constexpr std::array kProtocols{api::Protocol{"XEP-0202", "2.0"}};
constexpr api::ModuleInfo kInfo{.name = "time",
                                .description = "Tells what the server's clock says.",
                                .protocols = kProtocols,
                                .create = &api::create_module<api::ShardOnlyModule<Time>>};

}  // namespace
}  // namespace rondel::modules::time

RONDEL_MODULE(rondel::modules::time::kInfo);
