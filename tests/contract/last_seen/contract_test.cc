// What LastSeenStore promises (src/ports/last_seen.h), held by every adapter, and found missing in
// wrong ones.
#include <gmock/gmock.h>
#include <thread>

#include "adapters/last_seen/cassandra/last_seen_store.h"
#include "adapters/last_seen/memory/last_seen_store.h"
#include "adapters/last_seen/sqlite/last_seen_store.h"
#include "tests/support/cassandra/keyspace.h"
#include "tests/support/contract/failures.h"
#include "tests/support/contract/temp_folder.h"

namespace parley::test {
namespace {

using last_seen::CassandraLastSeenStore;
using last_seen::MemoryLastSeenStore;
using last_seen::SqliteLastSeenStore;

class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual LastSeenStore& store() = 0;
  virtual void reopen() {}  // after a proper end
};

LastSeen seen(std::uint64_t user, std::int64_t at) { return {UserId(user), TimeMs(at)}; }

struct Promise {
  const char* name;
  void (*holds)(StoreUnderTest& t);
};
const Promise kPromises[] = {
    {"AnswersInTheOrderAsked",
     [](StoreUnderTest& t) {
       ASSERT_TRUE(t.store().put({seen(7, 100), seen(8, 50), seen(9, 70)}));
       EXPECT_EQ(t.store().of({UserId(9), UserId(7)}).value(),
                 (std::vector{seen(9, 70), seen(7, 100)}));
     }},
    {"WhoWasNeverSeenHasNoRow",
     [](StoreUnderTest& t) {
       ASSERT_TRUE(t.store().put({seen(7, 100)}));
       EXPECT_EQ(t.store().of({UserId(6), UserId(7), UserId(8)}).value(),
                 std::vector{seen(7, 100)});
       EXPECT_TRUE(t.store().of({}).value().empty());
     }},
    {"AnEmptyBatchChangesNothing", [](StoreUnderTest& t) { EXPECT_TRUE(t.store().put({})); }},
    {"TheLatestTimeStays",
     [](StoreUnderTest& t) {
       ASSERT_TRUE(t.store().put({seen(7, 100)}));
       ASSERT_TRUE(t.store().put({seen(7, 99)}));
       EXPECT_EQ(t.store().of({UserId(7)}).value(), std::vector{seen(7, 100)});
       ASSERT_TRUE(t.store().put({seen(7, 102), seen(7, 101)}));
       EXPECT_EQ(t.store().of({UserId(7)}).value(), std::vector{seen(7, 102)});
     }},
    {"OutlivesTheProcess",
     [](StoreUnderTest& t) {
       ASSERT_TRUE(t.store().put({seen(7, 100)}));
       t.reopen();
       ASSERT_TRUE(t.store().put({seen(7, 99), seen(8, 5)}));
       EXPECT_EQ(t.store().of({UserId(7), UserId(8)}).value(),
                 (std::vector{seen(7, 100), seen(8, 5)}));
     }},
    {"ManyThreadsPutAndAsk",
     [](StoreUnderTest& t) {
       std::vector<std::thread> threads;
       for (int i = 0; i < 4; ++i)
         threads.emplace_back([&t, i] {
           for (std::int64_t at = 1; at <= 10; ++at) {
             EXPECT_TRUE(t.store().put({seen(7, at * 10 + i), seen(8, at)}));
             EXPECT_TRUE(t.store().of({UserId(7), UserId(8)}));
           }
         });
       for (auto& thread : threads) thread.join();
       EXPECT_EQ(t.store().of({UserId(7), UserId(8)}).value(),
                 (std::vector{seen(7, 103), seen(8, 10)}));
     }},
};

class MemoryUnderTest final : public StoreUnderTest {
 public:
  LastSeenStore& store() override { return store_; }

 private:
  MemoryLastSeenStore store_;
};

class SqliteUnderTest final : public StoreUnderTest {
 public:
  SqliteUnderTest() { reopen(); }
  LastSeenStore& store() override { return *store_; }
  void reopen() override {
    store_.reset();
    auto opened = SqliteLastSeenStore::open(folder_.path() / "presence");
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
  }

 private:
  TempFolder folder_;
  std::unique_ptr<SqliteLastSeenStore> store_;
};

/// The real server; one keyspace, emptied for each promise.
class CassandraUnderTest final : public StoreUnderTest {
 public:
  CassandraUnderTest() {
    static const Keyspace keyspace;
    settings_ = keyspace.settings();
    reopen();
    if (auto emptied = session_->run("TRUNCATE last_seen"); !emptied)
      throw std::runtime_error(emptied.error().message);
  }
  LastSeenStore& store() override { return *store_; }
  void reopen() override {
    store_.reset();
    session_ = Keyspace::open(settings_);
    auto opened = CassandraLastSeenStore::open(session_);
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
  }

 private:
  cassandra::Settings settings_;
  std::shared_ptr<cassandra::Session> session_;
  std::unique_ptr<CassandraLastSeenStore> store_;
};

struct Adapter {
  const char* name;
  std::unique_ptr<StoreUnderTest> (*make)();
};
const Adapter kAdapters[] = {
    {"Memory",
     []() -> std::unique_ptr<StoreUnderTest> { return std::make_unique<MemoryUnderTest>(); }},
    {"Sqlite",
     []() -> std::unique_ptr<StoreUnderTest> { return std::make_unique<SqliteUnderTest>(); }},
    {"Cassandra",
     []() -> std::unique_ptr<StoreUnderTest> { return std::make_unique<CassandraUnderTest>(); }},
};

class LastSeenContract : public testing::TestWithParam<std::tuple<Adapter, Promise>> {};
TEST_P(LastSeenContract, Holds) {
  const auto& [adapter, promise] = GetParam();
  promise.holds(*adapter.make());
}
INSTANTIATE_TEST_SUITE_P(LastSeen, LastSeenContract,
                         testing::Combine(testing::ValuesIn(kAdapters),
                                          testing::ValuesIn(kPromises)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  std::get<1>(info.param).name;
                         });

template <class Wrong>
std::vector<std::string> broken_promises() {
  std::vector<std::string> broken;
  for (const auto& promise : kPromises) {
    const auto failures = failures_of([&] {
      Wrong wrong;
      promise.holds(wrong);
    });
    if (!failures.empty()) broken.emplace_back(promise.name);
  }
  return broken;
}

/// Has nothing after a restart.
class Forgets final : public StoreUnderTest {
 public:
  LastSeenStore& store() override { return *store_; }
  void reopen() override { store_ = std::make_unique<MemoryLastSeenStore>(); }

 private:
  std::unique_ptr<MemoryLastSeenStore> store_ = std::make_unique<MemoryLastSeenStore>();
};

/// Takes what comes last for the latest.
class Overwrites final : public StoreUnderTest, public LastSeenStore {
 public:
  LastSeenStore& store() override { return *this; }
  Result<void> put(const std::vector<LastSeen>& batch) override {
    const std::lock_guard lock(mutex_);
    for (const auto& row : batch) rows_[row.user] = row.at;
    return {};
  }
  Result<std::vector<LastSeen>> of(const std::vector<UserId>& users) override {
    const std::lock_guard lock(mutex_);
    std::vector<LastSeen> found;
    for (const auto user : users)
      if (rows_.contains(user)) found.push_back({user, rows_[user]});
    return found;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<UserId, TimeMs> rows_;
};

TEST(LastSeenContractItself, FindsOneThatForgets) {
  EXPECT_EQ(broken_promises<Forgets>(), std::vector<std::string>{"OutlivesTheProcess"});
}
TEST(LastSeenContractItself, FindsOneThatOverwrites) {
  EXPECT_THAT(broken_promises<Overwrites>(),
              testing::IsSupersetOf({"TheLatestTimeStays", "OutlivesTheProcess"}));
}

}  // namespace
}  // namespace parley::test
