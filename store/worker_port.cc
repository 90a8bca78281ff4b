#include "store/worker_port.h"

namespace rondel::store {

WorkerPort::WorkerPort(WorkerPool& pool, base::Executor& shard, std::size_t under_way_max)
    : pool_(pool), shard_(shard), under_way_max_(under_way_max), state_(std::make_shared<State>()) {
}

std::size_t WorkerPort::lane_of(const PortRequest& request) const {
  const std::size_t writer = request.hash_ % pool_.writer_count();
  if (request.access_ == Access::write || pool_.reader_count() == 0) {
    return writer;
  }
  const bool is_behind_writes =
      request.is_for_host_
          ? state_->writes > 0
          : state_->host_writes > 0 || state_->user_writes[request.hash_ % kBuckets] > 0;
  return is_behind_writes ? writer : pool_.writer_count() + request.hash_ % pool_.reader_count();
}

std::optional<StoreError> WorkerPort::submit(std::unique_ptr<PortRequest> request) {
  if (under_way() >= under_way_max_) {
    return StoreError(Failure::unavailable, "too many storage operations are under way");
  }
  const std::size_t lane = lane_of(*request);
  request->count(1);
  std::unique_ptr<WorkRequest> sent = std::move(request);
  if (!pool_.try_submit(lane, sent)) {
    static_cast<PortRequest&>(*sent).count(-1);
    return StoreError(Failure::unavailable, "the storage is closed");
  }
  return std::nullopt;
}

PortRequest::PortRequest(WorkerPort& port,
                         Access access,
                         const UserKey& user,
                         const char* operation)
    : WorkRequest(port.shard_, operation),
      state_(port.state_),
      hash_(hash_of(user)),
      access_(access),
      is_for_host_(user.local.empty()) {
}

PortRequest::~PortRequest() {
  if (waiter_) {
    waiter_->forget_request();
  }
}

void PortRequest::count(std::int32_t difference) {
  state_->under_way += difference;
  if (access_ == Access::write) {
    state_->writes += difference;
    (is_for_host_ ? state_->host_writes : state_->user_writes[hash_ % WorkerPort::kBuckets]) +=
        difference;
  }
}

void PortRequest::run() {
  count(-1);
  if (Waiter* waiter = std::exchange(waiter_, nullptr)) {
    waiter->take_outcome(*this);
  }
}

}  // namespace rondel::store
