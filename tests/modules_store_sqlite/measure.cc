// Prints what the storage does on the machine at hand; the folder decides which disk.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fmt/core.h>
#include <string>

#include "modules/store-sqlite/sqlite_storage.h"
#include "tests/store/test_executor.h"

namespace rondel::modules::store_sqlite::test {
namespace {

using Clock = std::chrono::steady_clock;
using store::UserKey;
using store::test::TestExecutor;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

store::CredentialSet credentials() {
  return store::CredentialSet({{store::ScramHash::sha_1, 10000, std::string(16, 's'),
                                std::string(20, 'k'), std::string(20, 'v')},
                               {store::ScramHash::sha_256, 10000, std::string(16, 's'),
                                std::string(32, 'k'), std::string(32, 'v')},
                               {store::ScramHash::sha_512, 10000, std::string(16, 's'),
                                std::string(64, 'k'), std::string(64, 'v')}});
}

base::Task<void> add(store::OfflineStore& offline, int number, int& done) {
  const UserKey user("user" + std::to_string(number % 1000), "example.org");
  const auto added =
      co_await offline.add(user, std::string(340, 'x'), store::timestamp_now(), 1'000'000);
  done += added.has_value() ? 1 : 0;
}

base::Task<void> look_up(store::UserStore& users, int number, int& done) {
  const UserKey user("user" + std::to_string(number * 7919 % 100'000), "example.org");
  const auto found = co_await users.credentials(user);
  done += found.has_value() ? 1 : 0;
}

/// Operations a second with `in_flight` of them under way, for `seconds`.
template <class Start>
double rate(TestExecutor& shard, int in_flight, double seconds, Start start_one) {
  int started = 0;
  int done = 0;
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
    while (started - done < in_flight) {
      start_one(started++, done);
    }
    const int before = done;
    shard.run_until_blocking([&] { return done > before; });
  }
  const int counted = done;
  const double elapsed = seconds_since(start);
  shard.run_until_blocking([&] { return done == started; });
  return counted / elapsed;
}

int run(const std::string& folder) {
  const std::string path = folder + "/measure.db";
  TestExecutor shard;
  {
    SqliteStorage storage({.path = path});
    if (auto opened = storage.open_blocking(); !opened) {
      fmt::print(stderr, "{}\n", opened.error().message);
      return 1;
    }
    auto session = storage.attach(shard);
    std::vector<store::NewUser> users;
    for (int i = 0; i < 100'000; ++i) {
      users.emplace_back(UserKey("user" + std::to_string(i), "example.org"), credentials());
    }
    auto start = Clock::now();
    const auto imported = shard.get_blocking(session->users()->create_many(std::move(users)));
    fmt::print("create_many 100,000 users:     {:.2f} s, {} created\n", seconds_since(start),
               imported ? imported->created : 0);
    for (const int in_flight : {1, 64, 512}) {
      fmt::print("offline adds/s, {:3} in flight: {:.0f}\n", in_flight,
                 rate(shard, in_flight, 3, [&](int number, int& done) {
                   add(*session->offline(), number, done).start();
                 }));
    }
    for (const int in_flight : {1, 64}) {
      fmt::print("credentials/s,  {:3} in flight: {:.0f}\n", in_flight,
                 rate(shard, in_flight, 2, [&](int number, int& done) {
                   look_up(*session->users(), number, done).start();
                 }));
    }
    start = Clock::now();
    storage.close_blocking();
    shard.run_ready();
    fmt::print("close:                         {:.1f} ms\n", seconds_since(start) * 1e3);
  }
  SqliteStorage storage({.path = path});
  const auto start = Clock::now();
  if (!storage.open_blocking().has_value()) {
    return 1;
  }
  fmt::print("open with 100,000 accounts:    {:.1f} ms\n", seconds_since(start) * 1e3);
  return 0;
}

}  // namespace
}  // namespace rondel::modules::store_sqlite::test

int main(int argc, char** argv) {
  std::string folder = argc > 1 ? argv[1] : std::filesystem::temp_directory_path().string();
  folder += "/rondel-measure-XXXXXX";
  if (!mkdtemp(folder.data())) {
    return 1;
  }
  const int status = rondel::modules::store_sqlite::test::run(folder);
  std::filesystem::remove_all(folder);
  return status;
}
