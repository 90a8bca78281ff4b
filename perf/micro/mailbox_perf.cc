// What a stanza costs on its way between shards: the queue alone, and from one thread to another.
#include <atomic>
#include <benchmark/benchmark.h>
#include <string>
#include <thread>
#include <utility>

#include "perf/micro/counted.h"
#include "server/connection.h"
#include "server/mailbox.h"

namespace {

using rondel::server::Mailbox;
using rondel::server::Message;
using rondel::server::RouteStanza;

rondel::xmpp::Stanza chat_message() {
  rondel::xml::Document document = rondel::xml::Document::create("message", "jabber:client");
  document.root().set_attribute(document.arena(), "to", "juliet@example.org/balcony");
  document.root().set_attribute(document.arena(), "from", "romeo@example.org/orchard");
  rondel::xml::ElementBuilder(document).child("body").text(std::string(200, 'x'));
  return std::move(*rondel::xmpp::Stanza::from_document(std::move(document)));
}

void push_and_pop(benchmark::State& state) {
  Mailbox mailbox(rondel::server::mailbox_capacity(2));
  Message message(RouteStanza(chat_message(), {}));
  for (auto _ : state) {
    if (!mailbox.try_push(std::move(message))) {
      state.SkipWithError("the mailbox is full");
      return;
    }
    message = std::move(*mailbox.try_pop());
  }
  state.counters["message_bytes"] = sizeof(Message);
}
BENCHMARK(push_and_pop)->Apply(rondel::perf::counted);

/// Batches, as a loop turn makes them: what is measured is a message, pushed and popped.
void push_and_pop_batch(benchmark::State& state) {
  Mailbox mailbox(rondel::server::mailbox_capacity(2));
  const auto batch = static_cast<std::size_t>(state.range(0));
  std::vector<Message> messages;
  for (std::size_t i = 0; i < batch; ++i) {
    messages.emplace_back(RouteStanza(chat_message(), {}));
  }
  for (auto _ : state) {
    for (Message& message : messages) {
      benchmark::DoNotOptimize(mailbox.try_push(std::move(message)));
    }
    for (Message& message : messages) {
      message = std::move(*mailbox.try_pop());
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(push_and_pop_batch)->Arg(64)->Arg(1024)->Apply(rondel::perf::counted);

/// A second thread takes everything as fast as it can and frees it, as a receiving shard does.
void between_threads(benchmark::State& state) {
  Mailbox mailbox(rondel::server::mailbox_capacity(2));
  std::atomic<bool> is_over{false};
  std::thread receiver([&] {
    while (!is_over.load(std::memory_order_relaxed) || !mailbox.empty()) {
      if (!mailbox.try_pop()) {
        std::this_thread::yield();
      }
    }
  });
  const rondel::xmpp::Stanza original = chat_message();
  for (auto _ : state) {
    Message message(RouteStanza(original.clone(), {}));
    while (!mailbox.try_push(std::move(message))) {
      std::this_thread::yield();
    }
  }
  is_over = true;
  receiver.join();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(between_threads)->UseRealTime();

/// What of between_threads() is the copy.
void clone_alone(benchmark::State& state) {
  const rondel::xmpp::Stanza original = chat_message();
  for (auto _ : state) {
    benchmark::DoNotOptimize(original.clone());
  }
}
BENCHMARK(clone_alone)->Apply(rondel::perf::counted);

}  // namespace
