// Groups of example.net for tests of modules.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/group_store.h"

namespace rondel::test {

/// Groups as a test wants them; they can be away.
class FakeGroups final : public store::GroupStore {
 public:
  std::optional<std::chrono::milliseconds> refresh_interval(std::string_view host) const override {
    return host == "example.net" ? std::optional(std::chrono::milliseconds(1000)) : std::nullopt;
  }
  store::StoreTask<std::shared_ptr<const store::HostGroups>> load(std::string) override {
    ++loads;
    if (is_away) {
      co_return store::fail(store::Failure::unavailable, "away");
    }
    co_return groups_;
  }
  void set(std::vector<store::GroupSource> groups) {
    std::vector<std::string> complaints;
    groups_ = store::HostGroups::make("example.net", std::move(groups), {{"juliet", "Juliet C."}},
                                      {}, complaints);
  }

  bool is_away = false;
  int loads = 0;

 private:
  std::shared_ptr<const store::HostGroups> groups_;
};

}  // namespace rondel::test
