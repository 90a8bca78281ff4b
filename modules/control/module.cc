// The module control: a special interface on a local socket, for rondelctl and scripts.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "modules/api/module_export.h"
#include "modules/api/registrar.h"
#include "modules/control/commands.h"
#include "modules/control/protocol.h"

namespace rondel::modules::control {
namespace {

/// What a connection has asked and is still to be answered; shared with the task that answers,
/// which may outlive the connection.
struct Requests {
  std::string unread;
  bool is_serving = false;
  bool is_closed = false;
};

/// Takes the next whole line, or nothing.
std::optional<Json> next_request(Requests& requests) {
  const std::size_t end = requests.unread.find('\n');
  if (end == std::string::npos || requests.is_closed) {
    return std::nullopt;
  }
  const auto begin = requests.unread.begin();
  Json request =
      Json::parse(begin, begin + static_cast<std::ptrdiff_t>(end), nullptr, /*exceptions=*/false);
  requests.unread.erase(0, end + 1);
  return request;
}

/// Answers one request after the other, so that each finds what the one before it has done.
base::Task<> serve(api::Shard& shard, base::ConnectionId id, std::shared_ptr<Requests> requests) {
  requests->is_serving = true;
  while (std::optional<Json> request = next_request(*requests)) {
    const Json answer = co_await execute(shard, std::move(*request));
    if (api::RawConnection* connection = shard.find_raw(id)) {
      connection->send(answer.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    }
  }
  requests->is_serving = false;
  if (api::RawConnection* connection = shard.find_raw(id)) {
    connection->resume_reading();
  }
}

/// One request at a time: reading stops while commands are under way.
class Protocol final : public api::RawProtocol {
 public:
  Protocol(api::Shard& shard, api::RawConnection& connection)
      : shard_(shard), connection_(connection) {}

  void received(std::span<const std::byte> bytes) override {
    requests_->unread.append(base::as_text(bytes));
    const std::size_t first = requests_->unread.find('\n');
    if (std::min(first, requests_->unread.size()) > kRequestBytesMax) {
      connection_.send("{\"ok\":false,\"error\":\"the request is too long\"}\n");
      connection_.close();
    } else if (first != std::string::npos && !requests_->is_serving) {
      connection_.pause_reading();
      serve(shard_, connection_.id(), requests_).start();
    }
  }
  void closed() override { requests_->is_closed = true; }

 private:
  api::Shard& shard_;
  api::RawConnection& connection_;
  std::shared_ptr<Requests> requests_ = std::make_shared<Requests>();
};

class Control final : public api::ShardModule {
 public:
  explicit Control(api::Shard& shard) : shard_(shard) {}

  static base::Result<void> load(api::Registrar& registrar) {
    registrar.add_raw_interface<&Control::accept>(
        {.name = "control",
         .address = "unix:" + registrar.config().server().control_socket,
         .socket_mode = 0660});
    return {};
  }

 private:
  std::unique_ptr<api::RawProtocol> accept(api::RawConnection& connection) {
    return std::make_unique<Protocol>(shard_, connection);
  }

  api::Shard& shard_;
};

constexpr std::array<std::string_view, 1> kDependsOn{"auth-internal"};
constexpr api::ModuleInfo kInfo{
    .name = "control",
    .description = "The control socket: accounts, status, reload and stop, for rondelctl.",
    .depends_on = kDependsOn,
    .create = &api::create_module<api::ShardOnlyModule<Control>>};

}  // namespace
}  // namespace rondel::modules::control

RONDEL_MODULE(rondel::modules::control::kInfo);
