// rondel-relay: takes connections as an XMPP server does, and then only copies bytes.
#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <fmt/format.h>
#include <iostream>
#include <map>
#include <string>
#include <sys/resource.h>

#include "perf/relay/relay.h"
#include "ring/listener.h"
#include "ring/uring_ring.h"

namespace {

using rondel::perf::Relay;
using rondel::perf::RelayBegin;
using rondel::perf::RelayMode;

volatile std::sig_atomic_t is_over = 0;

void raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Errors: what the ring or the listener says, and 1.
int run(const std::string& address, RelayMode mode, RelayBegin begin) {
  auto listener = rondel::ring::open_listener(address, {.is_shared = false});
  if (!listener) {
    std::cerr << listener.error().message << '\n';
    return 1;
  }
  auto ring = rondel::ring::UringRing::create(
      {.gather_max = std::chrono::microseconds(100)});  // As a shard does.
  if (!ring) {
    std::cerr << ring.error().message << '\n';
    return 1;
  }
  Relay relay(**ring, *listener, mode, begin);
  std::cout << fmt::format(R"({{"port": {}}})", rondel::ring::bound_port(*listener)) << std::endl;
  while (!is_over) {
    relay.run_once();
  }
  const auto& counters = relay.counters();
  std::cout
      << fmt::format(
             R"({{"connections": {}, "sessions": {}, "bytes_received": {}, "bytes_sent": {}, )"
             R"("bytes_dropped": {}, "failures": {}}})",
             counters.connections, counters.sessions, counters.bytes_received, counters.bytes_sent,
             counters.bytes_dropped, counters.failures)
      << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string address = "127.0.0.1:0";
  RelayMode mode = RelayMode::pairs;
  RelayBegin begin = RelayBegin::presence;
  CLI::App app("Copies bytes between connections without looking at them.");
  app.add_option("--listen", address, "address and port; the port chosen is printed");
  app.add_option("--mode", mode,
                 "pairs: to the user named by the first `to`; broadcast: to all others")
      ->transform(CLI::CheckedTransformer(std::map<std::string, RelayMode>{
          {"pairs", RelayMode::pairs}, {"broadcast", RelayMode::broadcast}}));
  app.add_option("--begin", begin, "copy after resource binding, or after the first presence")
      ->transform(CLI::CheckedTransformer(std::map<std::string, RelayBegin>{
          {"bind", RelayBegin::bind}, {"presence", RelayBegin::presence}}));
  CLI11_PARSE(app, argc, argv);
  raise_file_limit();
  struct sigaction action {};
  action.sa_handler = [](int) { is_over = 1; };
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  return run(address, mode, begin);
}
