// The suite for storages that are written elsewhere, on one that is written here.
#include <atomic>

#include "store/memory_storage.h"
#include "tests/store/read_only_conformance.h"
#include "tests/store/storage_conformance.h"

namespace rondel::store::test {
namespace {

class WrittenMemory final : public WrittenStorage {
 public:
  WrittenMemory()
      : storage_({false, [this](std::string_view) -> std::optional<StoreError> {
                    if (is_out_.load()) {
                      return StoreError(Failure::unavailable, "an outage was asked for");
                    }
                    return std::nullopt;
                  }}) {
    EXPECT_TRUE(storage_.open_blocking().has_value());
    session_ = storage_.attach(shard_);
  }
  Storage& storage() override { return storage_; }

  void write(const std::vector<WrittenUser>& users) override {
    for (const WrittenUser& one : users) {
      EXPECT_EQ(outcome_of(shard_.get_blocking(session_->users()->create(one.user, {}))), "ok");
      for (const Binding& binding : one.bindings) {
        EXPECT_EQ(outcome_of(shard_.get_blocking(session_->users()->bind(one.user, binding))),
                  "ok");
      }
      EXPECT_EQ(outcome_of(shard_.get_blocking(session_->users()->set_state(one.user, one.state))),
                "ok");
    }
  }
  void remove(const UserKey& user) override {
    EXPECT_EQ(outcome_of(shard_.get_blocking(session_->users()->remove(user))), "ok");
  }
  void set_outage(bool is_out) override { is_out_ = is_out; }

 private:
  std::atomic<bool> is_out_{false};
  TestExecutor shard_;
  MemoryStorage storage_;
  std::unique_ptr<StorageSession> session_;
};

INSTANTIATE_TEST_SUITE_P(Memory,
                         ReadOnlyUserConformance,
                         testing::Values(WrittenStorageKind{
                             "Memory", [] { return std::make_unique<WrittenMemory>(); }}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace rondel::store::test
