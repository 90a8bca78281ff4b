#include "server/offload_pool.h"

#include <pthread.h>
#include <utility>

namespace rondel::server {

/// Work on its way out, and its completion on the way back; without work it ends the worker.
struct OffloadPool::Job final : base::Completion {
  void run() override { done(); }
  base::UniqueFunction<void()> work;
  base::UniqueFunction<void()> done;
  base::Executor* executor = nullptr;
};

OffloadPool::OffloadPool(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) {
    workers_.push_back(std::make_unique<Worker>());
    Worker& worker = *workers_.back();
    worker.thread = std::thread([this, &worker] { run(worker); });
    pthread_setname_np(worker.thread.native_handle(), "rondel-offload");
  }
}

OffloadPool::~OffloadPool() {
  stop_blocking();
}

bool OffloadPool::try_run(base::Executor& executor,
                          base::UniqueFunction<void()> work,
                          base::UniqueFunction<void()> done) {
  if (workers_.empty()) {
    return false;
  }
  if (under_way_.fetch_add(1, std::memory_order_relaxed) >= kUnderWayMax) {
    under_way_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  auto job = std::make_unique<Job>();
  job->work = std::move(work);
  job->done = std::move(done);
  job->executor = &executor;
  Worker& worker = *workers_[next_.fetch_add(1, std::memory_order_relaxed) % workers_.size()];
  if (worker.queue.push(std::move(job))) {
    worker.queue.notify();
  }
  return true;
}

void OffloadPool::run(Worker& worker) {
  bool is_ending = false;
  while (!is_ending) {
    worker.queue.wait_blocking();
    worker.queue.take_all([&](std::unique_ptr<base::MpscNode> node) {
      std::unique_ptr<Job> job(static_cast<Job*>(node.release()));
      if (!job->work) {
        is_ending = true;
        return;
      }
      job->work();
      under_way_.fetch_sub(1, std::memory_order_relaxed);
      base::Executor& executor = *job->executor;
      executor.post_completion(std::move(job));
    });
  }
}

void OffloadPool::stop_blocking() {
  for (auto& worker : workers_) {
    worker->queue.push(std::make_unique<Job>());
    worker->queue.notify();
    worker->thread.join();
  }
  workers_.clear();
}

}  // namespace rondel::server
