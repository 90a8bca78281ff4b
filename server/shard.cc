#include "server/shard.h"

#include <algorithm>
#include <unistd.h>
#include <utility>

#include "base/clock.h"
#include "server/connection.h"
#include "server/raw_endpoint.h"
#include "xml/writer.h"

namespace rondel::server {

using hooks::Point;
using hooks::Verdict;

Shard::Shard(Core& core, std::uint16_t index)
    : core_(core),
      index_(index),
      snapshot_(core.snapshot),
      timers_(base::monotonic_ms()),
      router_(*this) {
}

Shard::~Shard() = default;

// --- Start and end -------------------------------------------------------------------------------

void Shard::start(std::unique_ptr<ring::Ring> ring) {
  ring_ = std::move(ring);
  has_posted_.assign(shard_count(), false);
  attach_storages();
  for (const auto& module : core_.modules) {
    modules_.push_back(module->start_on_shard(*this));
  }
  build_chains();
  for (const auto& module : modules_) {
    module->started();
  }
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
    ring_->accept(listeners_[i].fd, {ring::Op::accept, {i, 0}});
  }
}

void Shard::attach_storages() {
  for (const auto& storage : core_.registry.storages) {
    const std::size_t owner = core_.registry.storage_owners[storages_.size()];
    storages_.push_back(storage->attach(*this));
    named_storages_.push_back({core_.registry.module_names[owner], storages_.back().get()});
  }
  for (std::size_t i = 0; i < core_.host_names.size(); ++i) {
    auto host = std::make_unique<api::Host>();
    host->name = core_.host_names[i];
    host->options = &snapshot_->hosts()[i];
    const HostStorages& chosen = core_.host_storages[i];
    store::CombinedStorage::Parts parts;
    for (std::size_t s = 0; s < storages_.size(); ++s) {
      parts.add({storages_[s].get(), chosen.users == s, chosen.rosters == s, chosen.offline == s,
                 chosen.values == s, chosen.groups == s});
    }
    combined_.push_back(std::make_unique<store::CombinedStorage>(parts));
    const store::CombinedStorage& combined = *combined_.back();
    host->stores = {combined.users(), combined.rosters(), combined.offline(), combined.key_values(),
                    combined.groups()};
    hosts_.push_back(std::move(host));
  }
}

void Shard::build_chains() {
  const auto entry = [this](const hooks::Registration& hook) {
    const auto& names = core_.registry.module_names;
    const auto owner = std::find(names.begin(), names.end(), hook.module) - names.begin();
    return hooks::Entry{hook.function, modules_[static_cast<std::size_t>(owner)].get()};
  };
  const auto entries = [&](Point point) {
    std::vector<hooks::Entry> result;
    for (const hooks::Registration& hook : core_.registry.hooks.at(point)) {
      result.push_back(entry(hook));
    }
    return result;
  };
  const auto sorted = [&](Point point) {
    std::array<std::vector<hooks::Entry>, hooks::kTrafficCount> result;
    for (const hooks::Registration& hook : core_.registry.hooks.at(point)) {
      for (std::size_t i = 0; i < hooks::kTrafficCount; ++i) {
        if (hook.order.traffic.has(static_cast<hooks::Traffic>(i))) {
          result[i].push_back(entry(hook));
        }
      }
    }
    return result;
  };
  chains_.before_accept = HookChains::Chain<Point::before_accept>(entries(Point::before_accept));
  chains_.after_accept = HookChains::Chain<Point::after_accept>(entries(Point::after_accept));
  chains_.layer_accept = HookChains::Chain<Point::layer_accept>(entries(Point::layer_accept));
  chains_.before_interface =
      HookChains::Chain<Point::before_interface>(entries(Point::before_interface));
  chains_.after_interface =
      HookChains::Chains<Point::after_interface>(sorted(Point::after_interface));
  chains_.before_process = HookChains::Chains<Point::before_process>(sorted(Point::before_process));
  chains_.after_process = HookChains::Chains<Point::after_process>(sorted(Point::after_process));
  chains_.before_send = HookChains::Chains<Point::before_send>(sorted(Point::before_send));
  chains_.after_send = HookChains::Chain<Point::after_send>(entries(Point::after_send));
}

void Shard::stop() {
  if (is_stopping_) {
    return;
  }
  is_stopping_ = true;
  stop_deadline_ms_ = base::monotonic_ms() + kStopMaxMs;
  unsaved_deadline_ms_ = base::monotonic_ms() + kUnsavedMaxMs;
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
    ring_->cancel({ring::Op::accept, {i, 0}});
  }
  for (const auto& module : modules_) {
    module->stopping();
  }
  endpoints_.for_each([](base::SlotHandle, Endpoint& endpoint) {
    if (Connection* connection = endpoint.as_connection()) {
      connection->close(xmpp::StreamErrorCondition::system_shutdown, {});
    } else if (RawEndpoint* raw = endpoint.as_raw()) {
      raw->close();
    }
  });
}

void Shard::run() {
  // What is on its way here when the others have stopped is still carried out: stored, or answered.
  for (bool has_reported = false; !has_reported || core_.shards_running > 0 || !is_stopped() ||
                                  has_work() || must_wait_for_modules();) {
    run_once();
    if (is_stopped() && !has_reported) {
      has_reported = true;
      --core_.shards_running;
    }
    if (is_stopping_ && base::monotonic_ms() > stop_deadline_ms_) {
      stop_deadline_ms_ += kStopMaxMs;
      abort_all();
    }
  }
}

bool Shard::must_wait_for_modules() const {
  return std::ranges::any_of(modules_, [](const auto& module) { return module->has_unsaved(); }) &&
         base::monotonic_ms() < unsaved_deadline_ms_;
}

void Shard::abort_all() {
  endpoints_.for_each([](base::SlotHandle, Endpoint& endpoint) {
    if (Connection* connection = endpoint.as_connection()) {
      connection->abort("the server stops");
    } else if (RawEndpoint* raw = endpoint.as_raw()) {
      raw->abort();
    }
  });
}

void Shard::finish() {
  run_completions();
  services_.clear();
  // Modules go in the reverse order of their start: a service outlives those that use it.
  while (!modules_.empty()) {
    modules_.pop_back();
  }
  combined_.clear();
  named_storages_.clear();
  storages_.clear();
  ring_.reset();
}

void Shard::reload(std::shared_ptr<const config::Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    // A host that the new configuration no longer has is served until the restart, as it was.
    const config::HostOptions& old = core_.snapshot->hosts()[i];
    const config::HostOptions* renewed = snapshot_->host(old.name);
    hosts_[i]->options = renewed != nullptr ? renewed : &old;
  }
  for (const auto& module : modules_) {
    module->reloaded();
  }
}

// --- A turn --------------------------------------------------------------------------------------

bool Shard::has_work() const {
  return !ready_.empty() || !dirty_.empty() || !completions_.empty() || router_.has_work() ||
         !core_.posted_by[index_]->empty();
}

void Shard::run_once() {
  // Whoever posts looks at the flag after saying so, we look for posts after setting it: one of us
  // sees the other.
  is_sleeping_.exchange(true, std::memory_order_seq_cst);
  // What could not move waits for its peer or for a mailbox, and nobody tells us.
  const bool is_anything_held = !moves_.empty() || router_.has_held_copies();
  const std::uint64_t sleep_max_ms = is_anything_held ? kMoveRetryMs : kSleepMaxMs;
  const std::uint64_t wait_ms = has_work() ? 0 : timers_.next_delay_ms(sleep_max_ms);
  ring_->run_once(std::chrono::milliseconds(wait_ms), *this);
  is_sleeping_.store(false, std::memory_order_relaxed);
  drain_mailboxes();
  run_completions();
  timers_.advance(base::monotonic_ms());
  run_ready();
  router_.drain();
  flush_dirty();
  run_moves();
  router_.send_held_copies();
  bury_dead();
  wake_receivers();
}

void Shard::coming(ring::Tag tag) {
  prefetch(tag.owner, tag.op == ring::Op::receive ? sizeof(Connection) : kWritingBytes);
}

void Shard::next(ring::Tag tag) {
  if (tag.op == ring::Op::receive) {
    if (Connection* owner = connection({index_, tag.owner})) {
      owner->stream().load_ahead();
    }
  }
}

void Shard::completed(const ring::Completion& completion) {
  if (completion.tag.op == ring::Op::accept) {
    accepted(completion);
  } else if (Endpoint* owner = endpoint(completion.tag.owner)) {
    owner->completed(completion);
  }
}

namespace {

const RouteStanza* route_ahead(const Mailbox& mailbox, std::size_t ahead) {
  const Message* message = mailbox.peek(ahead);
  return message != nullptr ? std::get_if<RouteStanza>(message) : nullptr;
}

/// Both cells and stanzas lie in the cache of the core that has made them, and each line that is
/// waited for costs more than many instructions: the next ones come while the present one is
/// carried out.
void load_ahead(const Mailbox& mailbox) {
  constexpr std::size_t kTreesAhead = 2;
  constexpr std::size_t kRoutesAhead = 4;  // A tree can't be found before these are here,
  constexpr std::size_t kCellsAhead = 8;   // nor these before their cell.
  mailbox.prefetch(kCellsAhead);
  if (const RouteStanza* route = route_ahead(mailbox, kRoutesAhead)) {
    route->prefetch();
  }
  if (const RouteStanza* route = route_ahead(mailbox, kTreesAhead)) {
    route->stanza().document().arena().prefetch();
  }
}

}  // namespace

void Shard::drain_mailboxes() {
  PostedBy& posted_by = *core_.posted_by[index_];
  posted_by.take_all([&](std::size_t from) {
    if (!drain_mailbox(core_.mailbox(from, index_))) {
      posted_by.add(from);
    }
  });
}

bool Shard::drain_mailbox(Mailbox& mailbox) {
  for (std::size_t left = mailbox.capacity(); left > 0; --left) {
    load_ahead(mailbox);
    std::optional<Message> message = mailbox.try_pop();
    if (!message) {
      return true;
    }
    handle(std::move(*message));
  }
  return false;
}

void Shard::handle(Message message) {
  if (auto* route = std::get_if<RouteStanza>(&message)) {
    set_source(route->source());
    router_.process(std::move(*route).take());
    set_source({});
  } else if (const auto* copies = std::get_if<std::unique_ptr<RouteCopies>>(&message)) {
    router_.process_copies(**copies);
  } else if (auto* move = std::get_if<MoveConnection>(&message)) {
    Connection& connection = *move->connection;
    const base::SlotHandle handle = endpoints_.insert(std::move(move->connection));
    connection.attach(*this, handle);
    if (is_stopping_) {
      connection.close(xmpp::StreamErrorCondition::system_shutdown, {});
    }
    connection.arrived();
  } else {
    std::get<Call>(message).function(*this);
  }
  router_.drain();
}

void Shard::run_completions() {
  completions_.take_all([this](std::unique_ptr<base::MpscNode> node) {
    static_cast<base::Completion*>(node.get())->run();
    router_.drain();
  });
}

void Shard::run_ready() {
  turn_.clear();
  std::swap(turn_, ready_);
  for (const base::SlotHandle handle : turn_) {
    if (Endpoint* owner = endpoint(handle)) {
      owner->run_ready();
    }
  }
}

void Shard::flush_dirty() {
  turn_.clear();
  std::swap(turn_, dirty_);
  for (const base::SlotHandle handle : turn_) {
    if (Endpoint* owner = endpoint(handle)) {
      owner->flush();
    }
  }
}

void Shard::run_moves() {
  // What can't go yet is put into moves_ anew.
  const std::vector<Move> moves = std::exchange(moves_, {});
  for (const Move& move : moves) {
    Connection* connection = this->connection({index_, move.connection});
    if (connection == nullptr || connection->is_closing()) {
      continue;
    }
    if (!connection->may_move()) {
      moves_.push_back(move);
      continue;
    }
    connection->leave();
    std::unique_ptr<Endpoint> owned = endpoints_.take(move.connection);
    Message message(MoveConnection{std::unique_ptr<Connection>(owned.release()->as_connection())});
    if (try_send(move.home, std::move(message))) {
      continue;
    }
    // The mailbox is full: it stays here, under a new handle, and tries again in the next turn.
    auto& back = std::get<MoveConnection>(message).connection;
    Connection& kept = *back;
    kept.attach(*this, endpoints_.insert(std::move(back)));
    kept.set_deadline(base::kAuthenticationDeadlineMs);
    move_later(kept, move.home);
  }
}

void Shard::bury_dead() {
  turn_.clear();
  std::swap(turn_, buried_);
  for (const base::SlotHandle handle : turn_) {
    Endpoint* owner = endpoint(handle);
    if (owner == nullptr || !owner->is_dead()) {
      continue;
    }
    const std::unique_ptr<Endpoint> dead = endpoints_.take(handle);
    if (const Connection* connection = dead->as_connection()) {
      core_.addresses.leave(connection->peer());
    }
    ring_->close(dead->fd());
  }
}

void Shard::wake_receivers() {
  for (const std::uint16_t to : receivers_) {
    has_posted_[to] = false;
    core_.posted_by[to]->add(index_);  // It may have taken the first ones, and not seen the others.
    core_.shards[to]->wake_if_sleeping();
  }
  receivers_.clear();
}

void Shard::wake_if_sleeping() {
  // Both sides exchange: whichever comes second sees what the first has done before.
  if (is_sleeping_.exchange(false, std::memory_order_seq_cst)) {
    ring_->wake();
  }
}

void Shard::post_completion(std::unique_ptr<base::Completion> completion) {
  if (completions_.push(std::move(completion))) {
    wake_if_sleeping();
  }
}

bool Shard::try_send(std::uint16_t to, Message&& message) {
  if (!core_.mailbox(index_, to).try_push(std::move(message))) {
    ++counters_.mailbox_refused;
    return false;
  }
  if (!has_posted_[to]) {
    has_posted_[to] = true;
    receivers_.push_back(to);
    core_.posted_by[to]->add(index_);
  }
  return true;
}

void Shard::post_reply(std::uint16_t to, base::UniqueFunction<void(api::Shard&)> function) {
  struct Reply final : base::Completion {
    void run() override { function(*shard); }
    Shard* shard = nullptr;
    base::UniqueFunction<void(api::Shard&)> function;
  };
  auto reply = std::make_unique<Reply>();
  reply->shard = core_.shards[to].get();
  reply->function = std::move(function);
  core_.shards[to]->post_completion(std::move(reply));
}

bool Shard::try_post(std::uint16_t shard, base::UniqueFunction<void(api::Shard&)> function) {
  return try_send(shard, Message(Call{std::move(function)}));
}

bool Shard::try_offload(base::UniqueFunction<void()> work, base::UniqueFunction<void()> done) {
  return core_.offload->try_run(*this, std::move(work), std::move(done));
}

void Shard::move_later(Connection& connection, std::uint16_t home) {
  moves_.push_back({connection.handle(), home});
}

}  // namespace rondel::server
