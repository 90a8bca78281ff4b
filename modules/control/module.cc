// The module control: a special interface on a local socket, for rondelctl and scripts.
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "modules/api/registrar.h"
#include "modules/control/commands.h"
#include "modules/control/protocol.h"

namespace rondel::modules::control {
namespace {

/// Answers when the command is done, if whoever asked is still there.
base::Task<> answer(api::Shard& shard, base::ConnectionId id, Json request) {
  const Json answer = co_await execute(shard, std::move(request));
  if (api::RawConnection* connection = shard.find_raw(id)) {
    connection->send(answer.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    connection->resume_reading();
  }
}

/// One request at a time: reading stops while a command is under way.
class Protocol final : public api::RawProtocol {
 public:
  Protocol(api::Shard& shard, api::RawConnection& connection)
      : shard_(shard), connection_(connection) {}

  void received(std::span<const std::byte> bytes) override {
    buffer_.append(base::as_text(bytes));
    for (std::size_t end = buffer_.find('\n'); end != std::string::npos; end = buffer_.find('\n')) {
      Json request = Json::parse(
          buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
      buffer_.erase(0, end + 1);
      connection_.pause_reading();
      answer(shard_, connection_.id(), std::move(request)).start();
    }
    if (buffer_.size() > kRequestBytesMax) {
      connection_.send("{\"ok\":false,\"error\":\"the request is too long\"}\n");
      connection_.close();
    }
  }

 private:
  api::Shard& shard_;
  api::RawConnection& connection_;
  std::string buffer_;
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
