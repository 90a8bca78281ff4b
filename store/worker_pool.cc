#include "store/worker_pool.h"

#include <algorithm>
#include <csignal>
#include <deque>
#include <pthread.h>
#include <sched.h>
#include <thread>
#include <utility>

#include "base/check.h"

namespace rondel::store {
namespace {

// Threads inherit the mask: signals for the process go to main. Those that a fault raises stay
// open, since a blocked one would end the process before the log is flushed.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t mask;
    sigfillset(&mask);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
      sigdelset(&mask, fault);
    }
    pthread_sigmask(SIG_BLOCK, &mask, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

void Worker::process(WorkBatch& batch) {
  for (const auto& request : batch) {
    request->perform(*this);
  }
}

class WorkerPool::Lane {
 public:
  Lane(WorkerPool& pool, std::unique_ptr<Worker> worker)
      : pool_(pool), worker_(std::move(worker)) {}

  void start(const std::string& name) {
    thread_ = std::thread([this] { loop(); });
    pthread_setname_np(thread_.native_handle(), name.c_str());
    // Where shard and worker share a core, the shard that wakes a worker goes on with its turn
    // first, instead of losing the core in the midst of it. Where that is forbidden, it is no harm.
    const sched_param no_priority{};
    static_cast<void>(pthread_setschedparam(thread_.native_handle(), SCHED_BATCH, &no_priority));
  }

  void push(std::unique_ptr<base::MpscNode> node) {
    if (queue_.push(std::move(node))) {
      queue_.notify();
    }
  }

  void perform_here(std::unique_ptr<WorkRequest> request) {
    WorkBatch batch;
    batch.push_back(std::move(request));
    pool_.process(*worker_, batch);
  }

  void stop_blocking() {
    if (thread_.joinable()) {
      auto stop = std::make_unique<base::MpscNode>();
      stop_ = stop.get();
      push(std::move(stop));
      thread_.join();
    }
    worker_.reset();
  }

 private:
  void loop() {
    std::deque<std::unique_ptr<WorkRequest>> waiting;
    WorkBatch batch;
    bool is_stopping = false;
    while (!is_stopping || !waiting.empty()) {
      if (waiting.empty()) {
        queue_.wait_blocking();
      }
      queue_.take_all([&](std::unique_ptr<base::MpscNode> node) {
        if (node.get() == stop_.load(std::memory_order_relaxed)) {
          is_stopping = true;
        } else {
          waiting.emplace_back(static_cast<WorkRequest*>(node.release()));
        }
      });
      const std::size_t count = std::min(waiting.size(), pool_.options_.batch_max);
      if (count == 0) {
        continue;
      }
      const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(count);
      std::move(waiting.begin(), end, std::back_inserter(batch));
      waiting.erase(waiting.begin(), end);
      pool_.process(*worker_, batch);
    }
  }

  WorkerPool& pool_;
  std::unique_ptr<Worker> worker_;
  base::MpscQueue queue_;
  std::atomic<base::MpscNode*> stop_{nullptr};
  std::thread thread_;
};

WorkerPool::WorkerPool(std::vector<std::unique_ptr<Worker>> writers,
                       std::vector<std::unique_ptr<Worker>> readers,
                       Options options)
    : options_(std::move(options)), writer_count_(writers.size()) {
  RONDEL_CHECK(!writers.empty() && options_.batch_max > 0);
  for (auto* workers : {&writers, &readers}) {
    for (auto& worker : *workers) {
      lanes_.push_back(std::make_unique<Lane>(*this, std::move(worker)));
    }
  }
}

WorkerPool::~WorkerPool() {
  stop_blocking();
}

void WorkerPool::start_blocking() {
  if (options_.has_threads) {
    const SignalsBlocked signals_blocked;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      const std::string number = std::to_string(i < writer_count_ ? i : i - writer_count_);
      lanes_[i]->start(options_.name.substr(0, 12) + (i < writer_count_ ? "-w" : "-r") + number);
    }
  }
  is_open_.store(true, std::memory_order_seq_cst);
}

void WorkerPool::stop_blocking() {
  is_open_.store(false, std::memory_order_seq_cst);
  // A shard that saw the pool open pushes within a few instructions; its request comes before the
  // stop, so that none is left in a queue that nobody reads.
  while (submitting_.load(std::memory_order_seq_cst) != 0) {
    std::this_thread::yield();
  }
  for (const auto& lane : lanes_) {
    lane->stop_blocking();
  }
}

WorkerPool::Counters WorkerPool::counters() const {
  return {requests_.load(std::memory_order_relaxed), batches_.load(std::memory_order_relaxed)};
}

bool WorkerPool::try_submit(std::size_t lane, std::unique_ptr<WorkRequest>& request) {
  RONDEL_ASSERT(lane < lanes_.size());
  submitting_.fetch_add(1, std::memory_order_seq_cst);
  const bool is_accepted = is_open_.load(std::memory_order_seq_cst);
  if (is_accepted) {
    if (options_.has_threads) {
      lanes_[lane]->push(std::move(request));
    } else {
      lanes_[lane]->perform_here(std::move(request));
    }
  }
  submitting_.fetch_sub(1, std::memory_order_seq_cst);
  return is_accepted;
}

void WorkerPool::process(Worker& worker, WorkBatch& batch) {
  worker.process(batch);
  requests_.fetch_add(batch.size(), std::memory_order_relaxed);
  batches_.fetch_add(1, std::memory_order_relaxed);
  for (auto& request : batch) {
    RONDEL_CHECK(request->has_outcome());
    base::Executor& home = request->home();
    home.post_completion(std::move(request));
  }
  batch.clear();
}

}  // namespace rondel::store
