// A shard's end of a worker pool: co_await port.run(...).
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "store/user_key.h"
#include "store/worker_pool.h"

namespace rondel::store {

enum class Access : std::uint8_t { read, write };

class PortRequest;

/// Sends a shard's requests to the right worker and keeps the order of each user.
///
/// Writes of a user go to one writer, in order. Reads go to one of the readers by user, but behind
/// the user's writes while such are under way: a read sees what was handed in before it. A read
/// may already see a write that was handed in after it. A write for a host (no local part) counts
/// for all its users; such order holds in pools with one writer.
/// Thread: one shard. Owner: the session; requests under way don't need it any more.
/// Limits: `under_way_max` requests; more are answered unavailable at once.
class WorkerPort {
 public:
  static constexpr std::size_t kUnderWayMax = 4096;

  WorkerPort(WorkerPool& pool, base::Executor& shard, std::size_t under_way_max = kUnderWayMax);

  template <class F>
  class Run;

  /// Performs `function(Worker&) -> StoreResult<T>` on a worker; awaiting gives its StoreResult<T>.
  ///
  /// If the awaiting coroutine is destroyed meanwhile, the work is done and its outcome dropped.
  template <class F>
  [[nodiscard]] Run<F> run(Access access, UserKey user, const char* operation, F function) {
    return Run<F>(*this, access, std::move(user), operation, std::move(function));
  }

  [[nodiscard]] std::size_t under_way() const {
    return static_cast<std::size_t>(state_->under_way);
  }

 private:
  friend class PortRequest;

  static constexpr std::size_t kBuckets = 1024;

  /// Outlives the port while requests are under way.
  struct State {
    std::int64_t under_way = 0;
    std::int32_t writes = 0;       ///< All under way.
    std::int32_t host_writes = 0;  ///< Those without a local part.
    /// Writes by the user's hash; two users in one bucket only make a read go to a writer.
    std::array<std::int32_t, kBuckets> user_writes{};
  };

  /// The error if the request can't be sent now; then it is gone.
  [[nodiscard]] std::optional<StoreError> submit(std::unique_ptr<PortRequest> request);
  [[nodiscard]] std::size_t lane_of(const PortRequest& request) const;

  WorkerPool& pool_;
  base::Executor& shard_;
  const std::size_t under_way_max_;
  std::shared_ptr<State> state_;
};

/// What a port keeps of each of its requests; used by WorkerPort only.
class PortRequest : public WorkRequest {
 public:
  /// Takes the outcome and resumes a coroutine; lives in that coroutine's frame.
  class Waiter {
   public:
    virtual void take_outcome(PortRequest& request) = 0;
    /// The request was thrown away by an executor that ended.
    virtual void forget_request() = 0;

   protected:
    ~Waiter() = default;
  };

  PortRequest(WorkerPort& port, Access access, const UserKey& user, const char* operation);
  ~PortRequest() override;
  /// On the shard; forgets the waiter if it is gone.
  void run() final;
  void set_waiter(Waiter* waiter) { waiter_ = waiter; }

 private:
  friend class WorkerPort;

  void count(std::int32_t difference);

  std::shared_ptr<WorkerPort::State> state_;
  Waiter* waiter_ = nullptr;  ///< Touched on the shard only.
  const std::uint64_t hash_;
  const Access access_;
  const bool is_for_host_;
};

/// The awaitable of WorkerPort::run.
template <class F>
class [[nodiscard]] WorkerPort::Run final : private PortRequest::Waiter {
 public:
  using Outcome = std::invoke_result_t<F&, Worker&>;

  Run(WorkerPort& port, Access access, UserKey user, const char* operation, F function)
      : port_(port),
        request_(std::make_unique<Request>(port, access, user, operation, std::move(function))) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    if (sent_) {
      sent_->set_waiter(nullptr);
    }
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    sent_ = request_.get();
    sent_->set_waiter(this);
    std::optional<StoreError> error = port_.submit(std::move(request_));
    if (error) {
      sent_ = nullptr;
      outcome_.emplace(base::Unexpected<StoreError>(*std::move(error)));
    }
    return !error;
  }
  Outcome await_resume() { return *std::move(outcome_); }

 private:
  class Request final : public PortRequest {
   public:
    Request(WorkerPort& port, Access access, const UserKey& user, const char* operation, F function)
        : PortRequest(port, access, user, operation), function_(std::move(function)) {}
    void perform(Worker& worker) override { outcome_.emplace(function_(worker)); }
    void refuse(StoreError error) override {
      outcome_.emplace(base::Unexpected<StoreError>(std::move(error)));
    }
    bool has_outcome() const override { return outcome_.has_value(); }
    bool has_succeeded() const override { return outcome_.has_value() && outcome_->has_value(); }

    F function_;
    std::optional<Outcome> outcome_;
  };

  void forget_request() override { sent_ = nullptr; }
  void take_outcome(PortRequest& request) override {
    sent_ = nullptr;
    outcome_ = std::move(static_cast<Request&>(request).outcome_);
    awaiting_.resume();
  }

  WorkerPort& port_;
  std::unique_ptr<Request> request_;
  PortRequest* sent_ = nullptr;  ///< While under way.
  std::coroutine_handle<> awaiting_;
  std::optional<Outcome> outcome_;
};

}  // namespace rondel::store
