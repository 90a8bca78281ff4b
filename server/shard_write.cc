// How a shard routes stanzas, writes them to sessions, and makes senders wait for slow ones.
#include <utility>

#include "log/log.h"
#include "server/connection.h"
#include "server/shard.h"
#include "xml/writer.h"

namespace rondel::server {

using hooks::Verdict;

namespace {

/// What is written to a session; to it, a broadcast is a presence like any other.
hooks::Traffic traffic_of(const xml::Element& stanza) {
  switch (stanza.name().front()) {
    case 'm':
      return hooks::Traffic::message;
    case 'i':
      return hooks::Traffic::iq;
    default:
      return hooks::Traffic::presence;
  }
}

}  // namespace

void Shard::route(xml::Document stanza) {
  if (auto made = xmpp::Stanza::from_document(std::move(stanza)); made && !made->to().is_empty()) {
    router_.route_later(std::move(*made));
  } else {
    RONDEL_LOG_ERROR(log(), "route.malformed", "a module routed a stanza of no valid form");
  }
}

void Shard::route_copies(const xml::Document& stanza, std::span<const std::string_view> targets) {
  router_.route_copies(stanza, targets);
}

bool Shard::deliver(api::Session& session, const xml::Element& stanza) {
  Connection* to = connection(session.connection());
  if (to == nullptr || to->is_closing()) {
    return false;
  }
  write(session, stanza,
        stanza.has_attribute("to") ? std::nullopt : std::optional(session.jid().full()));
  return true;
}

void Shard::write(api::Session& session,
                  const xml::Element& stanza,
                  std::optional<std::string_view> to) {
  Connection* connection = this->connection(session.connection());
  if (connection == nullptr || connection->is_closing()) {
    return;
  }
  const xml::Element* written = &stanza;
  if (const auto& chain = chains_.before_send.of(traffic_of(stanza)); !chain.empty()) {
    api::BeforeSend context{{*this}, session, stanza};
    if (!chain.run(context).is_next()) {
      return;
    }
    written = context.replacement ? context.replacement : &stanza;
  }
  base::ByteBuffer& output = connection->output();
  const std::size_t before = output.size();
  xml::write(*written, output, {.to = to});
  stanza_written(*connection, *written, output.size() - before);
}

void Shard::write_copy(api::Session& session, const CopiedStanza& stanza, std::string_view to) {
  const xml::Element& root = stanza.document().root();
  if (!chains_.before_send.of(traffic_of(root)).empty()) {
    write(session, root, to);
    return;
  }
  Connection* connection = this->connection(session.connection());
  if (connection == nullptr || connection->is_closing()) {
    return;
  }
  base::ByteBuffer& output = connection->output();
  const std::size_t before = output.size();
  stanza.write(to, output);
  stanza_written(*connection, root, output.size() - before);
}

void Shard::stanza_written(Connection& connection, const xml::Element& stanza, std::size_t bytes) {
  ++counters_.stanzas_sent;
  if (!chains_.after_send.empty()) {
    mark_for_after_send(connection, stanza.attribute_or("id", {}), bytes);
  }
  if (connection.output_bytes() > base::kOutputBytesHigh) [[unlikely]] {
    hold_source(connection);
  }
}

void Shard::hold_source(Connection& slow) {
  if (!source_.is_set() || source_ == slow.id() || !slow.remember_held(source_)) {
    return;
  }
  if (source_.shard == index_) {
    if (Connection* source = connection(source_)) {
      source->pause();
    }
    return;
  }
  const auto hold = [source = source_](api::Shard& there) {
    if (Connection* held = static_cast<Shard&>(there).connection(source)) {
      held->pause();
    }
  };
  // The same way as the release, which must not overtake it; one of each for a pair at a time.
  post_reply(source_.shard, hold);
}

void Shard::release_source(base::ConnectionId source) {
  const auto release = [source](api::Shard& there) {
    if (Connection* held = static_cast<Shard&>(there).connection(source)) {
      held->resume();
    }
  };
  if (source.shard == index_) {
    release(*this);
  } else {
    post_reply(source.shard, release);
  }
}

void Shard::resume_processing(std::uint64_t continuation, Verdict verdict) {
  router_.resume_processing(continuation, verdict);
}

void Shard::bounce(const xmpp::Stanza& stanza,
                   xmpp::StanzaErrorCondition condition,
                   std::string_view text) {
  router_.bounce(stanza, condition, text);
}

}  // namespace rondel::server
