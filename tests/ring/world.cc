#include "tests/ring/world.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "ring/features.h"
#include "ring/listener.h"
#include "ring/uring_ring.h"
#include "tests/support/sim_ring.h"

namespace rondel::tests {

namespace {

class KernelPeer final : public WorldPeer {
 public:
  explicit KernelPeer(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    RONDEL_CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~KernelPeer() override { close_fd(); }

  void write(std::string_view bytes) override {
    unsent_ += bytes;
    pump();
  }
  void pump() override {
    const ssize_t sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      unsent_.erase(0, static_cast<std::size_t>(sent));
    }
    if (unsent_.empty() && ends_) {
      ::shutdown(fd_, SHUT_WR);
      ends_ = false;
    }
  }
  [[nodiscard]] std::size_t unsent() const override { return unsent_.size(); }
  std::string read(std::size_t bytes_max) override {
    std::string into(bytes_max, '\0');
    const ssize_t got = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    is_ended_ = is_ended_ || got == 0 || (got < 0 && errno == ECONNRESET);
    into.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return into;
  }
  void shutdown_write() override {
    ends_ = true;
    pump();
  }
  void reset() override {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close_fd();
  }
  [[nodiscard]] bool is_ended() const override { return is_ended_; }

 private:
  void close_fd() {
    if (fd_ >= 0) {
      ::close(fd_);
      fd_ = -1;
    }
  }

  int fd_;
  bool ends_ = false;
  bool is_ended_ = false;
  std::string unsent_;
};

class KernelWorld final : public World {
 public:
  explicit KernelWorld(const ring::UringOptions& options)
      : buffers_(options.receive_buffers),
        ring_(ring::UringRing::create(options).value()),
        listener_(ring::open_listener("127.0.0.1:0").value()) {}
  ~KernelWorld() override { ::close(listener_); }

  ring::Ring& ring() override { return *ring_; }
  int listener() override { return listener_; }
  std::unique_ptr<WorldPeer> connect() override {
    return std::make_unique<KernelPeer>(ring::bound_port(listener_));
  }
  [[nodiscard]] std::size_t operations_under_way() const override {
    return ring_->operations_under_way();
  }
  [[nodiscard]] bool has_all_buffers() const override { return ring_->buffers_free() == buffers_; }
  [[nodiscard]] std::size_t open_fds() const override {
    const std::filesystem::directory_iterator folder("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(folder), end(folder))) + kept();
  }
  [[nodiscard]] std::size_t kept() const override { return ring_->kept(); }

 private:
  unsigned buffers_;
  std::unique_ptr<ring::UringRing> ring_;
  int listener_;
};

class SimulatedPeer final : public WorldPeer {
 public:
  explicit SimulatedPeer(SimPeer peer) : peer_(std::move(peer)) {}
  void write(std::string_view bytes) override {
    if (!peer_.is_reset()) {
      peer_.write(bytes);
    }
  }
  void pump() override {}
  [[nodiscard]] std::size_t unsent() const override { return 0; }
  std::string read(std::size_t bytes_max) override { return peer_.read(bytes_max); }
  void shutdown_write() override { peer_.shutdown_write(); }
  void reset() override { peer_.reset(); }
  [[nodiscard]] bool is_ended() const override {
    return peer_.is_closed_by_server() || peer_.is_reset();
  }

 private:
  SimPeer peer_;
};

class SimWorld final : public World {
 public:
  explicit SimWorld(const SimOptions& options) : ring_(options), listener_(ring_.open_listener()) {}

  ring::Ring& ring() override { return ring_; }
  int listener() override { return listener_; }
  std::unique_ptr<WorldPeer> connect() override {
    return std::make_unique<SimulatedPeer>(ring_.connect(listener_));
  }
  [[nodiscard]] std::size_t operations_under_way() const override {
    return ring_.operations_under_way();
  }
  [[nodiscard]] bool has_all_buffers() const override { return true; }  // They die with each call.
  [[nodiscard]] std::size_t open_fds() const override { return ring_.open_fds(); }
  [[nodiscard]] std::size_t kept() const override { return ring_.kept(); }

 private:
  SimRing ring_;
  int listener_;
};

}  // namespace

std::vector<WorldKind> all_worlds() {
  const auto kernel = [](const ring::UringOptions& options) {
    return [options](std::uint64_t) { return std::make_unique<KernelWorld>(options); };
  };
  const auto sim = [](const SimFaults& faults, bool shuffles) {
    return [=](std::uint64_t seed) {
      return std::make_unique<SimWorld>(
          SimOptions{.seed = seed, .faults = faults, .shuffles = shuffles});
    };
  };
  std::vector<WorldKind> worlds{
      {"kernel", kernel({.receive_buffers = 64})},
      {"kernel_tiny", kernel({.submission_entries = 4,
                              .completion_entries = 8,
                              .receive_buffers = 2,
                              .receive_buffer_bytes = 128})},
      {"kernel_unrestricted", kernel({.receive_buffers = 16, .restrict_operations = false})},
      {"sim", sim({}, false)},
      {"sim_rough", sim(SimFaults::harmless(), true)}};
  if (ring::probe_features().value().has_prompt_file_table) {
    worlds.push_back({"kernel_kept", kernel({.receive_buffers = 64, .kept_max = 64})});
    worlds.push_back({"kernel_tiny_kept", kernel({.submission_entries = 4,
                                                  .completion_entries = 8,
                                                  .receive_buffers = 2,
                                                  .receive_buffer_bytes = 128,
                                                  .kept_max = 64})});
  }
  return worlds;
}

void Recorder::completed(const ring::Completion& completion) {
  const auto* data = reinterpret_cast<const char*>(completion.data.data());
  events.push_back({completion.tag, completion.result, completion.has_more,
                    std::string(data, data + completion.data.size())});
  if (at_each) {
    const Event event = events.back();
    at_each(event);
  }
}

std::vector<Event> Recorder::of(ring::Tag tag) const {
  std::vector<Event> found;
  for (const Event& event : events) {
    if (event.tag == tag) {
      found.push_back(event);
    }
  }
  return found;
}

std::string Recorder::data_of(ring::Tag tag) const {
  std::string data;
  for (const Event& event : of(tag)) {
    data += event.data;
  }
  return data;
}

std::size_t Recorder::finals_of(ring::Tag tag) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(of(tag), [](const Event& event) { return !event.has_more; }));
}

bool run_until(ring::Ring& ring, ring::Sink& sink, const std::function<bool()>& is_done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  for (int turn = 0; turn < 20000 && std::chrono::steady_clock::now() < deadline; ++turn) {
    if (is_done()) {
      return true;
    }
    ring.run_once(base::Milliseconds(20), sink);
  }
  return is_done();
}

void run_idle(ring::Ring& ring, ring::Sink& sink, int turns) {
  for (int turn = 0; turn < turns; ++turn) {
    ring.run_once(base::Milliseconds(5), sink);
  }
}

}  // namespace rondel::tests
