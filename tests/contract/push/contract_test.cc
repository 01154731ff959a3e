// What PushSink promises (src/ports/push.h), held by every adapter, and found missing in wrong
// ones.
#include <algorithm>
#include <thread>

#include "adapters/push/memory/push_sink.h"
#include "adapters/push/sql/push_sink.h"
#include "adapters/shared/mysql/database.h"
#include "adapters/shared/sqlite/database.h"
#include "tests/support/contract/failures.h"
#include "tests/support/contract/over.h"
#include "tests/support/contract/temp_folder.h"
#include "tests/support/mysql/database.h"

namespace parley::test {
namespace {

using push::MemoryPushSink;
using push::SqlPushSink;

class SinkUnderTest {
 public:
  virtual ~SinkUnderTest() = default;
  virtual PushSink& sink() = 0;
  virtual void reopen() {}
};

Push push_of(std::uint64_t user, std::uint64_t peer, std::uint64_t seq, std::int64_t decided) {
  return {UserId(user), ConversationId::direct(UserId(user), UserId(peer)), Seq(seq),
          TimeMs(decided)};
}

struct Promise {
  const char* name;
  void (*holds)(SinkUnderTest& t);
};
const Promise kPromises[] = {
    {"RecordsABatch",
     [](SinkUnderTest& t) {
       ASSERT_TRUE(t.sink().record({push_of(7, 8, 1, 100), push_of(8, 7, 2, 101)}));
       EXPECT_EQ(t.sink().of(UserId(7)).value(), std::vector{push_of(7, 8, 1, 100)});
       EXPECT_EQ(t.sink().of(UserId(8)).value(), std::vector{push_of(8, 7, 2, 101)});
       EXPECT_TRUE(t.sink().of(UserId(9)).value().empty());
     }},
    {"RecordsNothing", [](SinkUnderTest& t) { EXPECT_TRUE(t.sink().record({})); }},
    {"TwiceChangesNothing",
     [](SinkUnderTest& t) {
       ASSERT_TRUE(t.sink().record({push_of(7, 8, 1, 100), push_of(7, 8, 1, 100)}));
       ASSERT_TRUE(t.sink().record({push_of(7, 8, 1, 200), push_of(7, 8, 2, 200)}));
       EXPECT_EQ(t.sink().of(UserId(7)).value(),
                 (std::vector{push_of(7, 8, 1, 100), push_of(7, 8, 2, 200)}));
     }},
    {"OneSeqOfTwoConversationsIsTwoPushes",
     [](SinkUnderTest& t) {
       ASSERT_TRUE(t.sink().record({push_of(7, 8, 1, 100), push_of(7, 9, 1, 101)}));
       EXPECT_EQ(t.sink().of(UserId(7)).value().size(), 2u);
     }},
    {"AnswersByRisingDecisionAndSeq",
     [](SinkUnderTest& t) {
       ASSERT_TRUE(t.sink().record({push_of(7, 8, 3, 100), push_of(7, 9, 1, 50)}));
       ASSERT_TRUE(t.sink().record({push_of(7, 8, 2, 100), push_of(7, 9, 9, 75)}));
       EXPECT_EQ(t.sink().of(UserId(7)).value(),
                 (std::vector{push_of(7, 9, 1, 50), push_of(7, 9, 9, 75), push_of(7, 8, 2, 100),
                              push_of(7, 8, 3, 100)}));
     }},
    {"OutlivesTheProcess",
     [](SinkUnderTest& t) {
       ASSERT_TRUE(t.sink().record({push_of(7, 8, 1, 100), push_of(7, 8, 2, 101)}));
       t.reopen();
       EXPECT_EQ(t.sink().of(UserId(7)).value().size(), 2u);
     }},
    {"ManyThreadsRecordTheSame",
     [](SinkUnderTest& t) {
       std::vector<std::thread> threads;
       for (int i = 0; i < 8; ++i)
         threads.emplace_back([&] {
           for (std::uint64_t seq = 1; seq <= 10; ++seq)
             EXPECT_TRUE(t.sink().record({push_of(7, 8, seq, 100)}));
         });
       for (auto& thread : threads) thread.join();
       EXPECT_EQ(t.sink().of(UserId(7)).value().size(), 10u);
     }},
};

class MemoryUnderTest final : public SinkUnderTest {
 public:
  PushSink& sink() override { return sink_; }

 private:
  MemoryPushSink sink_;
};

class SqliteUnderTest final : public SinkUnderTest {
 public:
  SqliteUnderTest() { reopen(); }
  PushSink& sink() override { return *sink_; }
  void reopen() override {
    sink_.reset();
    auto opened = over<SqlPushSink>(
        sqlite::Database::open({.folder = folder_.path() / "notification"}, push::schema()));
    if (!opened) throw std::runtime_error(opened.error().message);
    sink_ = std::move(*opened);
  }

 private:
  TempFolder folder_;
  std::unique_ptr<SqlPushSink> sink_;
};

class MysqlUnderTest final : public SinkUnderTest {
 public:
  MysqlUnderTest() { reopen(); }
  PushSink& sink() override { return *sink_; }
  void reopen() override {
    sink_.reset();
    auto opened = over<SqlPushSink>(mysql::Database::open(database_.settings(), push::schema()));
    if (!opened) throw std::runtime_error(opened.error().message);
    sink_ = std::move(*opened);
  }

 private:
  MysqlDatabase database_{{&push::schema()}};
  std::unique_ptr<SqlPushSink> sink_;
};

struct Adapter {
  const char* name;
  std::unique_ptr<SinkUnderTest> (*make)();
};
const Adapter kAdapters[] = {
    {"Memory",
     []() -> std::unique_ptr<SinkUnderTest> { return std::make_unique<MemoryUnderTest>(); }},
    {"Sqlite",
     []() -> std::unique_ptr<SinkUnderTest> { return std::make_unique<SqliteUnderTest>(); }},
    {"Mysql",
     []() -> std::unique_ptr<SinkUnderTest> { return std::make_unique<MysqlUnderTest>(); }},
};

class PushContract : public testing::TestWithParam<std::tuple<Adapter, Promise>> {};
TEST_P(PushContract, Holds) {
  const auto& [adapter, promise] = GetParam();
  promise.holds(*adapter.make());
}
INSTANTIATE_TEST_SUITE_P(Push, PushContract,
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

/// Answers, and has nothing of it after a restart.
class Forgets final : public SinkUnderTest {
 public:
  PushSink& sink() override { return *sink_; }
  void reopen() override { sink_ = std::make_unique<MemoryPushSink>(); }

 private:
  std::unique_ptr<MemoryPushSink> sink_ = std::make_unique<MemoryPushSink>();
};

/// Records what it has already.
class Repeats final : public SinkUnderTest, public PushSink {
 public:
  PushSink& sink() override { return *this; }
  Result<void> record(const std::vector<Push>& pushes) override {
    const std::lock_guard lock(mutex_);
    all_.insert(all_.end(), pushes.begin(), pushes.end());
    return {};
  }
  Result<std::vector<Push>> of(UserId user) override {
    auto found = all_;
    std::erase_if(found, [&](const Push& p) { return p.user != user; });
    std::ranges::sort(found, {}, [](const Push& p) { return std::tuple(p.decided, p.seq); });
    return found;
  }

 private:
  std::mutex mutex_;
  std::vector<Push> all_;
};

TEST(PushContractItself, FindsOneThatForgets) {
  EXPECT_EQ(broken_promises<Forgets>(), std::vector<std::string>{"OutlivesTheProcess"});
}
TEST(PushContractItself, FindsOneThatRepeats) {
  EXPECT_EQ(broken_promises<Repeats>(),
            (std::vector<std::string>{"TwiceChangesNothing", "ManyThreadsRecordTheSame"}));
}

}  // namespace
}  // namespace parley::test
