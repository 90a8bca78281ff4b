#include "store/worker_session.h"

#include <utility>

#include "base/encoding.h"

namespace rondel::store {
namespace {

BlockingUsers& users_of(Worker& worker) {
  return *static_cast<BlockingStore&>(worker).users();
}
BlockingRosters& rosters_of(Worker& worker) {
  return *static_cast<BlockingStore&>(worker).rosters();
}
BlockingOffline& offline_of(Worker& worker) {
  return *static_cast<BlockingStore&>(worker).offline();
}
BlockingKeyValues& key_values_of(Worker& worker) {
  return *static_cast<BlockingStore&>(worker).key_values();
}

/// The key that orders what concerns a whole host.
UserKey host_key(std::string host) {
  return UserKey{"", std::move(host)};
}

// gcc 12 destroys a closure twice if it is made inside the co_await expression, so each operation
// is a variable first. RONDEL_TRY returns, which a coroutine can't, hence the `if`s.

class Users final : public UserStore {
 public:
  Users(WorkerPort& port, const FaceSet& faces) : port_(port), faces_(faces) {}

  bool is_writable() const override { return faces_.is_writable; }
  bool compares_passwords() const override { return faces_.compares_passwords; }

  StoreTask<Account> lookup(UserKey user) override {
    if (auto checked = check_user(user); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::read, user, "users.lookup",
                         [user](Worker& worker) { return users_of(worker).lookup(user); });
    co_return co_await run;
  }

  StoreTask<AccountWithCredentials> credentials(UserKey user) override {
    if (auto checked = check_user(user); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::read, user, "users.credentials",
                         [user](Worker& worker) { return users_of(worker).credentials(user); });
    co_return co_await run;
  }

  StoreTask<void> create(UserKey user, CredentialSet credentials) override {
    if (!faces_.is_writable) {
      co_return fail_read_only();
    }
    if (auto checked = check_new(user, credentials); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::write, user, "users.create",
                         [user, set = std::move(credentials)](Worker& worker) {
                           return users_of(worker).create(user, set);
                         });
    co_return co_await run;
  }

  StoreTask<ImportOutcome> create_many(std::vector<NewUser> users) override {
    if (!faces_.is_writable) {
      co_return fail_read_only();
    }
    if (users.empty()) {
      co_return ImportOutcome{};
    }
    for (const NewUser& user : users) {
      if (auto checked = check_new(user.user, user.credentials); !checked) {
        co_return fail(checked.error().failure,
                       to_text(user.user) + ": " + checked.error().message);
      }
    }
    UserKey order = host_key(users.front().user.host);
    auto run = port_.run(
        Access::write, std::move(order), "users.create_many",
        [all = std::move(users)](Worker& worker) { return users_of(worker).create_many(all); });
    co_return co_await run;
  }

  StoreTask<void> set_credentials(UserKey user, CredentialSet credentials) override {
    if (!faces_.is_writable) {
      co_return fail_read_only();
    }
    if (auto checked = check_new(user, credentials); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::write, user, "users.set_credentials",
                         [user, set = std::move(credentials)](Worker& worker) {
                           return users_of(worker).set_credentials(user, set);
                         });
    co_return co_await run;
  }

  StoreTask<void> set_state(UserKey user, AccountState state) override {
    if (!faces_.is_writable) {
      co_return fail_read_only();
    }
    if (auto checked = check_user(user); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::write, user, "users.set_state", [user, state](Worker& worker) {
      return users_of(worker).set_state(user, state);
    });
    co_return co_await run;
  }

  StoreTask<void> remove(UserKey user) override {
    if (!faces_.is_writable) {
      co_return fail_read_only();
    }
    if (auto checked = check_user(user); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::write, user, "users.remove",
                         [user](Worker& worker) { return users_of(worker).remove(user); });
    co_return co_await run;
  }

  StoreTask<std::vector<Account>> list(std::string host,
                                       std::string after_local,
                                       std::size_t limit) override {
    if (auto checked = check_user_or_host(host_key(host)); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::read, host_key(host), "users.list",
                         [host, after = std::move(after_local), limit](Worker& worker) {
                           return users_of(worker).list(host, after, limit);
                         });
    co_return co_await run;
  }

  StoreTask<std::uint64_t> count(std::string host) override {
    if (auto checked = check_user_or_host(host_key(host)); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::read, host_key(host), "users.count",
                         [host](Worker& worker) { return users_of(worker).count(host); });
    co_return co_await run;
  }

  StoreTask<void> bind(UserKey user, Binding binding) override {
    if (!faces_.is_writable) {
      co_return fail_read_only();
    }
    if (auto checked = check_bound(user, binding); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    // Whose a binding is concerns the whole host: two accounts must not get it at the same time.
    auto run =
        port_.run(Access::write, host_key(user.host), "users.bind",
                  [user, binding](Worker& worker) { return users_of(worker).bind(user, binding); });
    co_return co_await run;
  }

  StoreTask<void> unbind(UserKey user, Binding binding) override {
    if (!faces_.is_writable) {
      co_return fail_read_only();
    }
    if (auto checked = check_bound(user, binding); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(
        Access::write, host_key(user.host), "users.unbind",
        [user, binding](Worker& worker) { return users_of(worker).unbind(user, binding); });
    co_return co_await run;
  }

  StoreTask<std::vector<UserKey>> find_bound(std::string host, Binding binding) override {
    const UserKey key = host_key(std::move(host));
    auto checked = check_user_or_host(key);
    if (checked) {
      checked = check_binding(binding);
    }
    if (!checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::read, key, "users.find_bound", [key, binding](Worker& worker) {
      return users_of(worker).find_bound(key.host, binding);
    });
    co_return co_await run;
  }

  StoreTask<bool> check_password(UserKey user, std::string password) override {
    if (!faces_.compares_passwords) {
      base::wipe(password);
      co_return fail(Failure::unsupported, "this user storage doesn't compare passwords");
    }
    if (auto checked = check_user(user); !checked) {
      base::wipe(password);
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::read, user, "users.check_password",
                         [user, secret = std::move(password)](Worker& worker) mutable {
                           auto outcome = users_of(worker).check_password(user, secret);
                           base::wipe(secret);
                           return outcome;
                         });
    co_return co_await run;
  }

 private:
  static StoreResult<void> check_new(const UserKey& user, const CredentialSet& credentials) {
    RONDEL_TRY_VOID(check_user(user));
    return check_credentials(credentials);
  }

  static StoreResult<void> check_bound(const UserKey& user, const Binding& binding) {
    RONDEL_TRY_VOID(check_user(user));
    return check_binding(binding);
  }

  WorkerPort& port_;
  const FaceSet faces_;
};

class Rosters final : public RosterStore {
 public:
  explicit Rosters(WorkerPort& port) : port_(port) {}

  StoreTask<Roster> load(UserKey user) override {
    if (auto checked = check_user(user); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::read, user, "rosters.load",
                         [user](Worker& worker) { return rosters_of(worker).load(user); });
    co_return co_await run;
  }

  StoreTask<std::uint64_t> change(UserKey user, std::vector<RosterChange> changes) override {
    if (auto checked = check_user(user); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    for (RosterChange& change : changes) {
      if (auto checked = check_change(change); !checked) {
        co_return base::Unexpected(std::move(checked).error());
      }
      normalise_groups(change.item);
    }
    auto run = port_.run(Access::write, user, "rosters.change",
                         [user, all = std::move(changes)](Worker& worker) {
                           return rosters_of(worker).change(user, all);
                         });
    co_return co_await run;
  }

 private:
  WorkerPort& port_;
};

class Offline final : public OfflineStore {
 public:
  explicit Offline(WorkerPort& port) : port_(port) {}

  StoreTask<void> add(UserKey user,
                      std::string stanza,
                      Timestamp stamp,
                      OfflineLimits limits) override {
    if (auto checked = check_user(user); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::write, user, "offline.add",
                         [user, text = std::move(stanza), stamp, limits](Worker& worker) {
                           return offline_of(worker).add(user, text, stamp, limits);
                         });
    co_return co_await run;
  }

  StoreTask<std::vector<OfflineStanza>> fetch(UserKey user,
                                              std::uint64_t after_id,
                                              std::size_t limit) override {
    if (auto checked = check_user(user); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run =
        port_.run(Access::read, user, "offline.fetch", [user, after_id, limit](Worker& worker) {
          return offline_of(worker).fetch(user, after_id, limit);
        });
    co_return co_await run;
  }

  StoreTask<void> remove_through(UserKey user, std::uint64_t id) override {
    if (auto checked = check_user(user); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::write, user, "offline.remove_through", [user, id](Worker& worker) {
      return offline_of(worker).remove_through(user, id);
    });
    co_return co_await run;
  }

  StoreTask<void> remove(UserKey user, std::vector<std::uint64_t> ids) override {
    if (auto checked = check_user(user); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::write, user, "offline.remove",
                         [user, all = std::move(ids)](Worker& worker) {
                           return offline_of(worker).remove(user, all);
                         });
    co_return co_await run;
  }

  StoreTask<std::uint64_t> count(UserKey user) override {
    if (auto checked = check_user(user); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::read, user, "offline.count",
                         [user](Worker& worker) { return offline_of(worker).count(user); });
    co_return co_await run;
  }

 private:
  WorkerPort& port_;
};

class KeyValues final : public KeyValueStore {
 public:
  explicit KeyValues(WorkerPort& port) : port_(port) {}

  StoreTask<std::string> get(UserKey user, std::string space, std::string key) override {
    if (auto checked = check(user, space, key); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run = port_.run(Access::read, user, "key_values.get", [user, space, key](Worker& worker) {
      return key_values_of(worker).get(user, space, key);
    });
    co_return co_await run;
  }

  StoreTask<void> put(UserKey user,
                      std::string space,
                      std::string key,
                      std::string value) override {
    if (auto checked = check(user, space, key); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    if (value.size() > kValueBytesMax) {
      co_return fail(Failure::invalid, "a value for '" + space + "' is too large");
    }
    auto run = port_.run(Access::write, user, "key_values.put",
                         [user, space, key, bytes = std::move(value)](Worker& worker) {
                           return key_values_of(worker).put(user, space, key, bytes);
                         });
    co_return co_await run;
  }

  StoreTask<void> remove(UserKey user, std::string space, std::string key) override {
    if (auto checked = check(user, space, key); !checked) {
      co_return base::Unexpected(std::move(checked).error());
    }
    auto run =
        port_.run(Access::write, user, "key_values.remove", [user, space, key](Worker& worker) {
          return key_values_of(worker).remove(user, space, key);
        });
    co_return co_await run;
  }

 private:
  static StoreResult<void> check(const UserKey& user,
                                 const std::string& space,
                                 const std::string& key) {
    RONDEL_TRY_VOID(check_user_or_host(user));
    return check_key(space, key);
  }

  WorkerPort& port_;
};

}  // namespace

WorkerSession::WorkerSession(WorkerPool& pool,
                             base::Executor& shard,
                             FaceSet faces,
                             std::size_t under_way_max)
    : port_(pool, shard, under_way_max),
      users_(faces.users ? std::make_unique<Users>(port_, faces) : nullptr),
      rosters_(faces.rosters ? std::make_unique<Rosters>(port_) : nullptr),
      offline_(faces.offline ? std::make_unique<Offline>(port_) : nullptr),
      key_values_(faces.key_values ? std::make_unique<KeyValues>(port_) : nullptr) {
}

WorkerSession::~WorkerSession() = default;

UserStore* WorkerSession::users() {
  return users_.get();
}
RosterStore* WorkerSession::rosters() {
  return rosters_.get();
}
OfflineStore* WorkerSession::offline() {
  return offline_.get();
}
KeyValueStore* WorkerSession::key_values() {
  return key_values_.get();
}

StoreTask<void> WorkerSession::erase_user(UserKey user) {
  if (auto checked = check_user(user); !checked) {
    co_return base::Unexpected(std::move(checked).error());
  }
  auto run = port_.run(Access::write, user, "erase_user", [user](Worker& worker) {
    return static_cast<BlockingStore&>(worker).erase_user(user);
  });
  co_return co_await run;
}

StoreTask<std::vector<UserKey>> WorkerSession::owners(std::string host,
                                                      std::string after_local,
                                                      std::size_t limit) {
  const UserKey key = host_key(std::move(host));
  if (auto checked = check_user_or_host(key); !checked) {
    co_return base::Unexpected(std::move(checked).error());
  }
  auto run = port_.run(Access::read, key, "owners",
                       [key, after = std::move(after_local), limit](Worker& worker) {
                         return static_cast<BlockingStore&>(worker).owners(key.host, after, limit);
                       });
  co_return co_await run;
}

StoreTask<UserData> WorkerSession::read_all(UserKey user) {
  if (auto checked = check_user_or_host(user); !checked) {
    co_return base::Unexpected(std::move(checked).error());
  }
  auto run = port_.run(Access::read, user, "read_all", [user](Worker& worker) {
    return static_cast<BlockingStore&>(worker).read_all(user);
  });
  co_return co_await run;
}

StoreTask<void> WorkerSession::write_all(UserData data) {
  if (auto checked = check_user_or_host(data.user); !checked) {
    co_return base::Unexpected(std::move(checked).error());
  }
  const UserKey user = data.user;
  auto run = port_.run(Access::write, user, "write_all", [all = std::move(data)](Worker& worker) {
    return static_cast<BlockingStore&>(worker).write_all(all);
  });
  co_return co_await run;
}

}  // namespace rondel::store
