#include "tests/modules_store_postgresql/cutting_proxy.h"

#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace rondel::modules::store_postgresql::test {
namespace {

constexpr long kMany = 1'000'000'000;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  EXPECT_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

int new_socket() {
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

}  // namespace

CuttingProxy::CuttingProxy(const std::string& server_folder, const std::string& port)
    : folder_((std::filesystem::temp_directory_path() / "rondel-cut-XXXXXX").string()),
      server_path_(server_folder + "/.s.PGSQL." + port),
      listener_(new_socket()),
      pieces_left_(kMany) {
  EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  const sockaddr_un address = address_of(folder_ + "/.s.PGSQL." + port);
  EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(listen(listener_, 16), 0);
  thread_ = std::thread([this] { loop(); });
}

CuttingProxy::~CuttingProxy() {
  is_stopping_ = true;
  thread_.join();
  close_all();
  close(listener_);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void CuttingProxy::cut_after(std::size_t pieces) {
  pieces_left_ = static_cast<long>(pieces);
}

void CuttingProxy::heal() {
  const unsigned turn = ++turn_wanted_;
  // One whole turn of the loop has begun and looked since: it has closed what was cut.
  while (turn_ < turn) {
    std::this_thread::yield();
  }
  pieces_left_ = kMany;
}

bool CuttingProxy::is_cut() {
  return pieces_left_.load() <= 0;
}

void CuttingProxy::close_all() {
  for (const Pair& pair : pairs_) {
    close(pair.client);
    close(pair.server);
  }
  pairs_.clear();
}

void CuttingProxy::accept_one() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  const int server = new_socket();
  const sockaddr_un address = address_of(server_path_);
  if (is_cut() ||
      connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(client);
    close(server);
    return;
  }
  pairs_.push_back({client, server});
}

bool CuttingProxy::pass_on(int from, int to) {
  char data[65536];
  const ssize_t size = recv(from, data, sizeof(data), 0);
  if (size <= 0 || is_cut()) {
    return false;
  }
  pieces_left_.fetch_sub(1);
  for (ssize_t sent = 0; sent < size;) {
    const ssize_t part = send(to, data + sent, static_cast<std::size_t>(size - sent), MSG_NOSIGNAL);
    if (part <= 0) {
      return false;
    }
    sent += part;
  }
  return true;
}

void CuttingProxy::loop() {
  while (!is_stopping_) {
    const unsigned turn = turn_wanted_;
    if (is_cut()) {
      close_all();
    }
    turn_ = turn;
    std::vector<pollfd> sockets{{listener_, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      sockets.push_back({pair.client, POLLIN, 0});
      sockets.push_back({pair.server, POLLIN, 0});
    }
    if (poll(sockets.data(), sockets.size(), 1) <= 0) {
      continue;
    }
    std::vector<Pair> alive;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const Pair pair = pairs_[i];
      bool is_alive = true;
      if (sockets[1 + 2 * i].revents != 0) {
        is_alive = pass_on(pair.client, pair.server);
      }
      if (is_alive && sockets[2 + 2 * i].revents != 0) {
        is_alive = pass_on(pair.server, pair.client);
      }
      if (is_alive) {
        alive.push_back(pair);
      } else {
        close(pair.client);
        close(pair.server);
      }
    }
    pairs_ = std::move(alive);
    if (sockets[0].revents != 0) {
      accept_one();
    }
  }
}

}  // namespace rondel::modules::store_postgresql::test
