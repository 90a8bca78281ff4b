#include "modules/control/copy_commands.h"

#include <algorithm>
#include <coroutine>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "modules/control/command_parts.h"
#include "modules/control/protocol.h"
#include "xmpp/jid.h"

namespace rondel::modules::control {
namespace {

using store::StorageSession;
using store::UserKey;

struct Way {
  StorageSession* from = nullptr;
  StorageSession* to = nullptr;
  std::string from_name, to_name, host, after;
};

StorageSession* find_storage(api::Shard& shard, const std::string& name) {
  for (const api::NamedStorage& storage : shard.storages()) {
    if (storage.name == name) {
      return storage.session;
    }
  }
  return nullptr;
}

base::Result<Way, std::string> way_of(api::Shard& shard, const Json& request) {
  Way way;
  way.from_name = text(request, "from");
  way.to_name = text(request, "to");
  way.after = text(request, "after");
  way.from = find_storage(shard, way.from_name);
  way.to = find_storage(shard, way.to_name);
  for (const auto& [storage, name] :
       {std::pair(way.from, way.from_name), std::pair(way.to, way.to_name)}) {
    if (storage == nullptr) {
      return base::Unexpected(fmt::format("no storage {} is loaded", name));
    }
  }
  if (way.from == way.to) {
    return base::Unexpected<std::string>("a storage can't be copied to itself");
  }
  const auto host = xmpp::prepare_domain(text(request, "host"));
  if (!host || shard.find_host(*host) == nullptr) {
    return base::Unexpected(fmt::format("there is no host {} here", text(request, "host")));
  }
  way.host = *host;
  return way;
}

std::string explain_copy(const std::string& storage, const store::StoreError& error) {
  return fmt::format("{}: {}", storage, error.message);
}

/// Users under way at the same time, so that their writes share transactions.
class Gathering {
 public:
  explicit Gathering(std::size_t count) : left_(count) {}
  Gathering(const Gathering&) = delete;
  Gathering& operator=(const Gathering&) = delete;

  void note(std::string problem) { problems_.push_back(std::move(problem)); }
  void one_is_over() {
    if (--left_ == 0 && waiter_) {
      std::exchange(waiter_, nullptr).resume();
    }
  }
  [[nodiscard]] std::vector<std::string>& problems() { return problems_; }

  /// To be awaited once.
  struct AllOver {
    Gathering* gathering;

    [[nodiscard]] bool await_ready() const { return gathering->left_ == 0; }
    void await_suspend(std::coroutine_handle<> waiter) const { gathering->waiter_ = waiter; }
    void await_resume() const {}
  };
  [[nodiscard]] AllOver all_over() { return AllOver{this}; }

 private:
  std::size_t left_;
  std::coroutine_handle<> waiter_;
  std::vector<std::string> problems_;
};

base::Task<> copy_one(Way way, UserKey user, std::shared_ptr<Gathering> gathering) {
  auto reading = way.from->read_all(user);
  auto data = co_await reading;
  if (!data) {
    gathering->note(explain_copy(way.from_name, data.error()));
  } else {
    auto writing = way.to->write_all(*std::move(data));
    const auto written = co_await writing;
    if (!written) {
      gathering->note(explain_copy(way.to_name, written.error()));
    }
  }
  gathering->one_is_over();
}

base::Task<> compare_one(Way way, UserKey user, std::shared_ptr<Gathering> gathering) {
  auto reading = way.from->read_all(user);
  const auto one = co_await reading;
  auto reading_other = way.to->read_all(user);
  const auto other = co_await reading_other;
  if (!one || !other) {
    gathering->note(one ? explain_copy(way.to_name, other.error())
                        : explain_copy(way.from_name, one.error()));
  } else if (!store::is_same_data(*one, *other)) {
    gathering->note(fmt::format("{} differs", user.local.empty() ? user.host : to_text(user)));
  }
  gathering->one_is_over();
}

using Step = base::Task<> (*)(Way, UserKey, std::shared_ptr<Gathering>);

/// Does a step for each user of the next page, and for the host itself on the first.
base::Task<Json> do_page(Way way, Step step) {
  auto listing = way.from->owners(way.host, way.after, kCopyPageMax);
  auto page = co_await listing;
  if (!page) {
    co_return refuse(explain_copy(way.from_name, page.error()));
  }
  const bool is_last = page->size() < kCopyPageMax;
  std::vector<UserKey> users = std::move(*page);
  const std::string next = users.empty() ? std::string() : users.back().local;
  const std::size_t count = users.size();
  if (way.after.empty()) {
    users.emplace_back("", way.host);
  }
  auto gathering = std::make_shared<Gathering>(users.size());
  for (UserKey& user : users) {
    step(way, std::move(user), gathering).start();
  }
  // A variable first: gcc 12 copies what it finds behind a reference.
  auto all_over = gathering->all_over();
  co_await all_over;
  Json answer = done();
  answer["users"] = count;
  answer["problems"] = gathering->problems();
  if (!is_last) {
    answer["next"] = next;
  }
  co_return answer;
}

/// Users of whom only the second storage knows, in the part of the list that this page is of.
base::Task<Json> add_surplus(Way way, Json answer) {
  if (!answer.value("ok", false)) {
    co_return answer;
  }
  const std::string end = answer.value("next", std::string());
  auto listing = way.from->owners(way.host, way.after, kCopyPageMax);
  auto listing_other = way.to->owners(way.host, way.after, kCopyPageMax);
  const auto from = co_await listing;
  const auto to = co_await listing_other;
  if (!from || !to) {
    co_return refuse(from ? explain_copy(way.to_name, to.error())
                          : explain_copy(way.from_name, from.error()));
  }
  for (const UserKey& user : *to) {
    if ((end.empty() || user.local <= end) && !std::ranges::binary_search(*from, user)) {
      answer["problems"].push_back(fmt::format("{} is only in {}", to_text(user), way.to_name));
    }
  }
  co_return answer;
}

}  // namespace

base::Task<Json> copy_storage(api::Shard& shard, Json request) {
  auto way = way_of(shard, request);
  if (!way) {
    co_return refuse(way.error());
  }
  const auto replace = request.find("replace");
  const bool may_replace =
      replace != request.end() && replace->is_boolean() && replace->get<bool>();
  if (way->after.empty() && !may_replace) {
    auto listing = way->to->owners(way->host, "", 1);
    const auto there = co_await listing;
    if (!there) {
      co_return refuse(explain_copy(way->to_name, there.error()));
    }
    if (!there->empty()) {
      co_return refuse(
          fmt::format("{} holds data of {} already; --replace puts the copies in its"
                      " place, user by user",
                      way->to_name, way->host));
    }
  }
  co_return co_await do_page(*way, copy_one);
}

base::Task<Json> compare_storage(api::Shard& shard, Json request) {
  auto way = way_of(shard, request);
  if (!way) {
    co_return refuse(way.error());
  }
  Json answer = co_await do_page(*way, compare_one);
  co_return co_await add_surplus(*way, std::move(answer));
}

}  // namespace rondel::modules::control
