// Two processes, and many threads in each, write to one MySQL database: whatever they do at the
// same time comes out as if they had done it one after the other.
#include <atomic>
#include <barrier>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <thread>

#include "adapters/accounts/sql/accounts.h"
#include "adapters/groups/sql/group_store.h"
#include "adapters/push/sql/push_sink.h"
#include "adapters/shared/mysql/database.h"
#include "tests/support/contract/over.h"
#include "tests/support/mysql/database.h"

namespace parley::test {
namespace {

using parley::accounts::SqlAccounts;
using parley::groups::SqlGroupStore;
using parley::push::SqlPushSink;
using What = GroupChange::What;

constexpr std::size_t kThreads = 8;
constexpr std::uint64_t kRounds = 20;

template <class Stores>
std::unique_ptr<Stores> open(const MysqlDatabase& database, const sql::Schema& schema) {
  return over<Stores>(mysql::Database::open(database.settings(), schema)).value();
}

/// The stores as each of two processes has them.
template <class Stores>
struct TwoProcesses {
  explicit TwoProcesses(const sql::Schema& schema)
      : database({&schema}),
        one(open<Stores>(database, schema)),
        two(open<Stores>(database, schema)) {}

  /// `body(stores, thread)`, all of the threads at once; half of them in either process.
  template <class F>
  void at_once(F body) {
    std::barrier start(kThreads);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        body(t % 2 == 0 ? *one : *two, t);
      });
    for (auto& thread : threads) thread.join();
  }

  MysqlDatabase database;
  std::unique_ptr<Stores> one, two;
};

struct Accounts : TwoProcesses<SqlAccounts> {
  Accounts() : TwoProcesses(parley::accounts::schema()) {}
};
struct Groups : TwoProcesses<SqlGroupStore> {
  Groups() : TwoProcesses(parley::groups::schema()) {}
};

/// How often each outcome came; none: a success.
class Outcomes {
 public:
  void add(const auto& result) {
    const std::lock_guard lock(mutex_);
    if (result)
      ++succeeded;
    else
      ++failed[result.error().code];
  }
  std::size_t succeeded = 0;
  std::map<Code, std::size_t> failed;

 private:
  std::mutex mutex_;
};
using Failed = std::map<Code, std::size_t>;

Account account(std::uint64_t id, std::string name) {
  return {UserId(id), std::move(name), "Ann", "", TimeMs(1)};
}
AccountDevice device(std::uint64_t id, std::string hash) {
  return {DeviceId(id), UserId(7), "phone", TimeMs(1), TimeMs(1), std::move(hash), "", TimeMs(9)};
}
RevokedDevice gone(std::uint64_t id, std::int64_t tokens_end) {
  return {DeviceId(id), UserId(7), TimeMs(tokens_end), TimeMs(5)};
}
Group club(std::uint64_t id) {
  return {GroupId(id), "Club", "", UserId(7), 1, TimeMs(1), 1, false};
}
const GroupChange kCreated{What::created, 1, "Club", {UserId(7)}, Role::member};

TEST(MysqlWriters, OneOfAllGetsAName) {
  Accounts t;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    Outcomes outcomes;
    const auto name = fmt::format("ann{}", round);
    t.at_once([&](SqlAccounts& stores, std::size_t i) {
      outcomes.add(stores.accounts().create(account(1 + round * kThreads + i, name), "hash"));
    });
    EXPECT_EQ(outcomes.succeeded, 1u);
    EXPECT_EQ(outcomes.failed, (Failed{{Code::already_exists, kThreads - 1}}));
  }
}

TEST(MysqlWriters, OneOfAllTakesAnothersName) {
  Accounts t;
  for (std::uint64_t i = 0; i < kThreads; ++i)
    ASSERT_TRUE(t.one->accounts().create(account(1 + i, fmt::format("user{}", i)), "hash"));
  Outcomes outcomes;
  t.at_once([&](SqlAccounts& stores, std::size_t i) {
    outcomes.add(
        stores.accounts().update(account(1 + i, fmt::format("user{}", i)), account(1 + i, "ann")));
  });
  EXPECT_EQ(outcomes.succeeded, 1u);
  EXPECT_EQ(outcomes.failed, (Failed{{Code::already_exists, kThreads - 1}}));
}

TEST(MysqlWriters, UpdatesOfOneAccountDoNotUndoEachOther) {
  Accounts t;
  ASSERT_TRUE(t.one->accounts().create(account(1, "ann"), "hash"));
  t.at_once([&](SqlAccounts& stores, std::size_t) {
    for (std::uint64_t done = 0; done < kRounds;) {
      const Account seen = stores.accounts().by_id(UserId(1)).value().value();
      Account wanted = seen;
      wanted.about += ".";
      const auto updated = stores.accounts().update(seen, wanted);
      ASSERT_TRUE(updated) << updated.error().message;
      if (*updated) ++done;
    }
  });
  EXPECT_EQ(t.two->accounts().by_id(UserId(1)).value().value().about,
            std::string(kThreads * kRounds, '.'));
}

// As two processes do that came to the same ids.
TEST(MysqlWriters, OneOfAllGetsAnId) {
  Accounts t;
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    Outcomes people, devices;
    t.at_once([&](SqlAccounts& stores, std::size_t i) {
      people.add(
          stores.accounts().create(account(round, fmt::format("ann{}.{}", round, i)), "hash"));
      devices.add(stores.devices().add(device(round, std::to_string(i))));
    });
    for (const auto* outcomes : {&people, &devices}) {
      EXPECT_EQ(outcomes->succeeded, 1u);
      EXPECT_EQ(outcomes->failed, (Failed{{Code::conflict, kThreads - 1}}));
    }
  }
}

TEST(MysqlWriters, RetriesOfOneCallOnTwoProcessesAllSucceed) {
  Accounts t;
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    Outcomes created, put, secrets;
    std::set<std::string> made;
    std::mutex mutex;
    t.at_once([&](SqlAccounts& stores, std::size_t) {
      created.add(stores.accounts().create(account(round, fmt::format("ann{}", round)), "hash"));
      put.add(stores.devices().add(device(round, "a")));
      auto secret = stores.secrets().get_or_make(fmt::format("key{}", round), 32);
      secrets.add(secret);
      const std::lock_guard lock(mutex);
      made.insert(secret.value_or(""));
    });
    EXPECT_EQ(created.failed, Failed{});
    EXPECT_EQ(put.failed, Failed{});
    EXPECT_EQ(secrets.failed, Failed{});
    EXPECT_EQ(made.size(), 1u);
  }
}

TEST(MysqlWriters, OneOfAllRotatesAToken) {
  Accounts t;
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    ASSERT_TRUE(t.one->devices().add(device(round, "a")));
    std::atomic<int> won = 0, lost = 0;
    t.at_once([&](SqlAccounts& stores, std::size_t i) {
      const auto swapped = stores.devices().rotate(DeviceId(round), "a",
                                                   {std::to_string(i), "a", TimeMs(5), TimeMs(9)});
      ASSERT_TRUE(swapped) << swapped.error().message;
      ++(*swapped ? won : lost);
    });
    EXPECT_EQ(won, 1);
    EXPECT_EQ(lost, static_cast<int>(kThreads) - 1);
  }
}

TEST(MysqlWriters, TheLatestEndOfARevokedDeviceStays) {
  Accounts t;
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    Outcomes outcomes;
    t.at_once([&](SqlAccounts& stores, std::size_t i) {
      outcomes.add(stores.devices().revoke(gone(round, 1'000 + static_cast<long>(i))));
    });
    EXPECT_EQ(outcomes.failed, Failed{});
    const auto rows = t.two->devices().revoked(TimeMs(0)).value();
    EXPECT_EQ(rows.back(), gone(round, 1'000 + kThreads - 1));
  }
}

// Devices come and go, and are dropped from the revoked ones, while their ids are asked for.
TEST(MysqlWriters, NoDeviceEverHadAnIdAboveTheLast) {
  Accounts t;
  std::atomic<std::uint64_t> ids = 0;
  t.at_once([&](SqlAccounts& stores, std::size_t) {
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      const auto id = ++ids;
      ASSERT_TRUE(stores.devices().add(device(id, "a")));
      EXPECT_GE(stores.devices().last_id().value(), id);
      ASSERT_TRUE(stores.devices().revoke(gone(id, 1)));
      EXPECT_GE(stores.devices().last_id().value(), id);
      ASSERT_TRUE(stores.devices().revoked(TimeMs(2)));
      EXPECT_GE(stores.devices().last_id().value(), id);
    }
  });
  EXPECT_EQ(t.one->devices().last_id().value(), ids);
  EXPECT_TRUE(t.one->devices().revoked(TimeMs(2)).value().empty());
}

TEST(MysqlWriters, OneOfAllMakesAVersionOfAGroup) {
  Groups t;
  ASSERT_TRUE(t.one->create(club(1), "", kCreated));
  for (std::uint64_t version = 2; version <= kRounds; ++version) {
    Outcomes outcomes;
    t.at_once([&](SqlGroupStore& groups, std::size_t i) {
      const UserId user(version * 100 + i);
      outcomes.add(groups.apply(GroupId(1), UserId(7),
                                {What::added, version, "", {user}, Role::member}, TimeMs(2)));
    });
    EXPECT_EQ(outcomes.succeeded, 1u);
    EXPECT_EQ(outcomes.failed, (Failed{{Code::conflict, kThreads - 1}}));
  }
  const auto found = t.two->find(GroupId(1), UserId(7)).value().value().group;
  EXPECT_EQ(found.version, kRounds);
  EXPECT_EQ(found.members, kRounds);
  EXPECT_EQ(t.two->members(GroupId(1), UserId(0), 1'000).value().size(), kRounds);
  EXPECT_EQ(t.two->outbox(1'000).value().size(), kRounds);
}

TEST(MysqlWriters, AChangeStoredByAllIsOneChange) {
  Groups t;
  ASSERT_TRUE(t.one->create(club(1), "", kCreated));
  for (std::uint64_t version = 2; version <= kRounds; ++version) {
    Outcomes outcomes;
    t.at_once([&](SqlGroupStore& groups, std::size_t) {
      outcomes.add(groups.apply(GroupId(1), UserId(7),
                                {What::added, version, "", {UserId(100 + version)}, Role::member},
                                TimeMs(2)));
    });
    EXPECT_EQ(outcomes.failed, Failed{});
  }
  EXPECT_EQ(t.two->outbox(1'000).value().size(), kRounds);
  EXPECT_EQ(t.two->members(GroupId(1), UserId(0), 1'000).value().size(), kRounds);
}

TEST(MysqlWriters, ARequestOfAllMakesOneGroup) {
  Groups t;
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    Outcomes outcomes;
    std::set<GroupId> made;
    std::mutex mutex;
    t.at_once([&](SqlGroupStore& groups, std::size_t i) {
      const auto group =
          groups.create(club(round * 100 + i), fmt::format("request{}", round), kCreated);
      outcomes.add(group);
      const std::lock_guard lock(mutex);
      if (group) made.insert(group->id);
    });
    EXPECT_EQ(outcomes.failed, Failed{});
    EXPECT_EQ(made.size(), 1u);
  }
  EXPECT_EQ(t.two->of(UserId(7), GroupId(0), 1'000).value().size(), kRounds);
}

TEST(MysqlWriters, APushRecordedByAllIsOnePush) {
  TwoProcesses<SqlPushSink> t(parley::push::schema());
  const auto conversation = ConversationId::direct(UserId(7), UserId(8));
  Outcomes outcomes;
  t.at_once([&](SqlPushSink& sink, std::size_t i) {
    std::vector<Push> pushes;
    for (std::uint64_t seq = 1; seq <= 20;
         ++seq)  // in either order, so that they wait for each other
      pushes.push_back({UserId(7), conversation, Seq(i % 2 == 0 ? seq : 21 - seq), TimeMs(1)});
    outcomes.add(sink.record(pushes));
  });
  EXPECT_EQ(outcomes.failed, Failed{});
  EXPECT_EQ(t.one->of(UserId(7)).value().size(), 20u);
}

}  // namespace
}  // namespace parley::test
