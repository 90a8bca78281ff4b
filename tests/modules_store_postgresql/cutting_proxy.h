// A proxy in front of PostgreSQL's socket that cuts connections in the middle of what they say.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace rondel::modules::store_postgresql::test {

/// Thread: its own; cut_after() and heal() on any.
class CuttingProxy {
 public:
  /// Listens in a folder of its own, under the name that PostgreSQL's clients expect.
  CuttingProxy(const std::string& server_folder, const std::string& port);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  const std::string& folder() const { return folder_; }
  /// Passes that many pieces of data on, then ends all connections and accepts none, until heal().
  void cut_after(std::size_t pieces);
  /// What was cut has ended when this returns.
  void heal();

 private:
  struct Pair {
    int client;
    int server;
  };

  void loop();
  void accept_one();
  /// False if the pair has ended.
  bool pass_on(int from, int to);
  bool is_cut();
  void close_all();

  std::string folder_;
  std::string server_path_;
  int listener_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<long> pieces_left_;
  std::atomic<unsigned> turn_wanted_{0};
  std::atomic<unsigned> turn_{0};
  std::vector<Pair> pairs_;
  std::thread thread_;
};

}  // namespace rondel::modules::store_postgresql::test
