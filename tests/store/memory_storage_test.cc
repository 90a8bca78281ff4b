#include "store/memory_storage.h"

#include <atomic>
#include <gmock/gmock.h>
#include <thread>

#include "tests/store/storage_conformance.h"

namespace rondel::store::test {
namespace {

class MemoryUnderTest final : public StorageUnderTest {
 public:
  explicit MemoryUnderTest(bool has_thread)
      : storage_({has_thread, [this](std::string_view) -> std::optional<StoreError> {
                    if (is_out_.load() || steps_left_.fetch_sub(1) <= 0) {
                      return StoreError(Failure::unavailable, "an outage was asked for");
                    }
                    return std::nullopt;
                  }}) {
    EXPECT_TRUE(storage_.open_blocking().has_value());
  }
  Storage& storage() override { return storage_; }
  void set_outage(bool is_out) override { is_out_ = is_out; }
  // An operation is a step: maps know no middle.
  void break_after(std::size_t steps) override { steps_left_ = static_cast<int>(steps); }
  void heal() override { steps_left_ = kMany; }

 private:
  static constexpr int kMany = 1'000'000'000;

  std::atomic<int> steps_left_{kMany};
  std::atomic<bool> is_out_{false};
  MemoryStorage storage_;
};

RONDEL_STORAGE_CONFORMS(Memory, StorageKind{"threaded", [] {
                                              return std::make_unique<MemoryUnderTest>(true);
                                            }});

// Without a thread only one shard may use it; what that means for the faces is the same.
const auto kThreadless =
    StorageKind{"threadless", [] { return std::make_unique<MemoryUnderTest>(false); }};
INSTANTIATE_TEST_SUITE_P(MemoryHere, UserConformance, testing::Values(kThreadless), kind_name);
INSTANTIATE_TEST_SUITE_P(MemoryHere, RosterConformance, testing::Values(kThreadless), kind_name);
INSTANTIATE_TEST_SUITE_P(MemoryHere, OfflineConformance, testing::Values(kThreadless), kind_name);
INSTANTIATE_TEST_SUITE_P(MemoryHere, FaultConformance, testing::Values(kThreadless), kind_name);

TEST(MemoryStorage, WithoutAThreadAnAnswerWaitsForTheExecutor) {
  MemoryStorage storage({false, nullptr});
  ASSERT_TRUE(storage.open_blocking().has_value());
  TestExecutor shard;
  auto session = storage.attach(shard);
  std::optional<StoreResult<void>> created;
  TestExecutor::start(session->users()->create({"a", "b"}, {}), created);
  EXPECT_FALSE(created.has_value());
  EXPECT_EQ(shard.run_ready(), 1);
  ASSERT_TRUE(created.has_value());
  EXPECT_EQ(outcome_of(*created), "ok");
}

TEST(MemoryStorage, AFaultIsAskedByTheNameOfEachOperation) {
  std::vector<std::string> asked;
  MemoryStorage storage({false, [&](std::string_view operation) -> std::optional<StoreError> {
                           asked.emplace_back(operation);
                           if (operation == "offline.add") {
                             return StoreError(Failure::full, "as asked for");
                           }
                           return std::nullopt;
                         }});
  ASSERT_TRUE(storage.open_blocking().has_value());
  TestExecutor shard;
  auto session = storage.attach(shard);
  EXPECT_EQ(outcome_of(shard.get_blocking(session->users()->create({"a", "b"}, {}))), "ok");
  EXPECT_EQ(outcome_of(shard.get_blocking(
                session->offline()->add({"a", "b"}, "<m/>", timestamp_now(), 10))),
            "full");
  EXPECT_THAT(asked, testing::ElementsAre("users.create", "offline.add"));
}

}  // namespace
}  // namespace rondel::store::test
