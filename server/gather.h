// Asks every shard something and waits for all answers.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "server/shard.h"

namespace rondel::server {

/// `co_await gather` gives one T for each shard that could be asked; one whose mailbox is full is
/// left out.
///
/// Thread: the shard `here`, to which the answers come.
template <class T>
class Gather {
 public:
  using Function = T (*)(api::Shard& shard);

  Gather(api::Shard& here, Function function)
      : here_(here), function_(function), answers_(std::make_shared<Answers>()) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiter) {
    answers_->awaiter = awaiter;
    const std::uint16_t origin = here_.index();
    for (std::uint16_t shard = 0; shard < here_.shard_count(); ++shard) {
      if (shard == origin) {
        answers_->values.push_back(function_(here_));
        continue;
      }
      ++answers_->missing;
      auto ask = [answers = answers_, function = function_, origin](api::Shard& there) {
        auto answer = [answers, value = std::make_shared<T>(function(there))](api::Shard&) {
          answers->values.push_back(std::move(*value));
          answers->arrived();
        };
        static_cast<Shard&>(there).post_reply(origin, std::move(answer));
      };
      if (!here_.try_post(shard, std::move(ask))) {
        --answers_->missing;
      }
    }
    return answers_->missing > 0;
  }
  std::vector<T> await_resume() { return std::move(answers_->values); }

 private:
  struct Answers {
    void arrived() {
      if (--missing == 0) {
        awaiter.resume();
      }
    }
    std::vector<T> values;
    std::size_t missing = 0;
    std::coroutine_handle<> awaiter;
  };

  api::Shard& here_;
  Function function_;
  std::shared_ptr<Answers> answers_;
};

}  // namespace rondel::server
