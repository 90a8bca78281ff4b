// How a shard runs its hook chains and offers stream features and services of modules.
#include "server/connection.h"
#include "server/shard.h"

namespace rondel::server {

using hooks::Verdict;

Verdict Shard::run_before_interface(Connection& connection, xml::Document& element) {
  api::BeforeInterface context{{*this}, connection, element};
  return chains_.before_interface.run(context);
}

Verdict Shard::run_after_interface(Connection& connection,
                                   api::Session& session,
                                   xmpp::Stanza& stanza) {
  api::AfterInterface context{{*this}, connection, session, stanza};
  return chains_.after_interface.of(api::traffic_of(stanza)).run(context);
}

bool Shard::run_layer_accept(Connection& connection, const api::Layer& layer) {
  api::LayerAccept context{{*this}, connection, layer};
  if (chains_.layer_accept.run(context).is_next()) {
    return !connection.is_closing();
  }
  connection.close(xmpp::StreamErrorCondition::policy_violation, {});
  return false;
}

void Shard::when_sent(api::Session& session, base::UniqueFunction<void(bool is_sent)> told) {
  if (Connection* to = connection(session.connection()); to != nullptr && !to->is_closing()) {
    to->when_sent(std::move(told));
  } else {
    told(false);
  }
}

void Shard::mark_for_after_send(Connection& connection, std::string_view id, std::size_t bytes) {
  connection.when_sent([this, &connection, id = std::string(id), bytes](bool is_sent) {
    api::AfterSend context{{*this}, connection, id, static_cast<std::uint32_t>(bytes), is_sent};
    chains_.after_send.run(context);
  });
}

void Shard::advertise(api::FeatureStage stage, Connection& connection, xml::Document& features) {
  for (const auto& feature : registry().stream_features) {
    if (feature.stage == stage && serves(feature.module, connection.host())) {
      feature.advertise(module_state(feature.module), connection, features);
    }
  }
}

bool Shard::offer_element(api::FeatureStage stage,
                          Connection& connection,
                          const xml::Element& element) {
  for (const auto& feature : registry().stream_features) {
    if (feature.stage == stage && feature.element != nullptr && feature.ns == element.ns() &&
        serves(feature.module, connection.host())) {
      feature.element(module_state(feature.module), connection, element);
      return true;
    }
  }
  return false;
}

bool Shard::serves(ModuleIndex module, std::string_view host) const {
  const api::Host* served = find_host(host);
  return served == nullptr || served->options->modules_off.empty() ||
         snapshot_->serves(core_.registry.module_names[module], served->options->name);
}

void* Shard::find_service(std::string_view name) const {
  const auto found = services_.find(name);
  return found == services_.end() ? nullptr : found->second;
}

void Shard::set_service(std::string_view name, void* face) {
  services_[std::string(name)] = face;
}

}  // namespace rondel::server
