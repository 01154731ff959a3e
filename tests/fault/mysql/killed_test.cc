#include <csignal>
#include <future>
#include <gtest/gtest.h>
#include <thread>

#include "adapters/shared/mysql/migrate.h"
#include "tests/fault/mysql/writer.h"
#include "tests/support/mysql/database.h"
#include "tests/support/mysql/server.h"

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

/// One for all tests: to make its data takes seconds.
MysqlServer& server() {
  static MysqlServer server;
  return server;
}

void await(const char* what, const std::function<bool()>& holds) {
  const auto until = SteadyClock::now() + 60s;
  while (!holds()) {
    if (SteadyClock::now() > until) throw std::runtime_error(std::string("in vain: ") + what);
    std::this_thread::sleep_for(2ms);
  }
}

Account account(std::uint64_t id) {
  return {UserId(id), fmt::format("user{}", id), "Ann", "", TimeMs(1)};
}

TEST(MysqlKilled, NothingAcknowledgedIsLostAndCallsWorkAgainByThemselves) {
  const MysqlDatabase database(mysql_schemas(), server().settings("load"));
  MysqlStores one(database.settings()), two(database.settings());
  std::atomic<bool> stop = false;
  std::vector<std::unique_ptr<Writer>> writers;
  std::vector<std::jthread> threads;
  for (std::uint64_t i = 1; i <= 6; ++i) {
    writers.push_back(std::make_unique<Writer>(i % 2 == 0 ? one : two, i, stop));
    threads.emplace_back([&writer = *writers.back()] { writer.run(); });
  }
  // Every writer has done so much more of it.
  const auto await_more = [&](const char* what, auto counter, std::uint64_t more) {
    std::vector<std::uint64_t> before;
    for (auto& w : writers) before.push_back((*w).*counter);
    await(what, [&] {
      for (std::size_t i = 0; i < writers.size(); ++i)
        if ((*writers[i]).*counter < before[i] + more) return false;
      return true;
    });
  };
  try {
    for (int round = 0; round < 5; ++round) {
      await_more("work", &Writer::rounds, 5);
      server().kill();
      await_more("a refusal", &Writer::unavailable, 1);
      server().start();
    }
    await_more("work again", &Writer::rounds, 5);
  } catch (const std::exception& e) {
    ADD_FAILURE() << e.what();
  }
  stop = true;
  threads.clear();
  MysqlStores after(database.settings());
  for (auto& w : writers) w->verify(after);
}

TEST(MysqlKilled, ARestartBetweenCallsIsNotSeen) {
  const MysqlDatabase database(mysql_schemas(), server().settings("between"));
  MysqlStores stores(database.settings());
  auto& accounts = stores.accounts->accounts();
  {  // Several connections are open, and all of them are lost.
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 1; i <= 6; ++i)
      threads.emplace_back([&, i] { EXPECT_TRUE(accounts.create(account(i), "hash")); });
  }
  for (const bool by_a_write : {true, false}) {
    server().kill();
    server().start();
    if (by_a_write) EXPECT_TRUE(accounts.create(account(10), "hash"));
    EXPECT_EQ(accounts.by_id(UserId(10)).value(), account(10));
    for (std::uint64_t i = 1; i <= 6; ++i) EXPECT_EQ(accounts.by_id(UserId(i)).value(), account(i));
  }
}

TEST(MysqlStopped, AServerThatHangsIsUnavailableInTime) {
  const MysqlDatabase database(mysql_schemas(), server().settings("hangs"));
  auto settings = database.settings();
  settings.answer_timeout = 1s;
  settings.connect_timeout = 1s;
  MysqlStores stores(settings);
  auto& accounts = stores.accounts->accounts();
  ASSERT_TRUE(accounts.create(account(1), "hash"));
  server().signal(SIGSTOP);
  for (int i = 0; i < 2; ++i) {
    const auto began = SteadyClock::now();
    EXPECT_EQ(accounts.by_id(UserId(1)).error().code, Code::unavailable);
    EXPECT_EQ(accounts.create(account(2), "hash").error().code, Code::unavailable);
    EXPECT_LT(SteadyClock::now() - began, 10s);
  }
  server().signal(SIGCONT);
  await("an answer", [&] { return accounts.create(account(2), "hash").has_value(); });
  EXPECT_EQ(accounts.by_id(UserId(1)).value(), account(1));
}

// Each round kills it a little later.
TEST(MysqlKilled, AMigrationIsTakenAgain) {
  int interrupted = 0;
  for (const int ms : {1, 5, 10, 20, 40}) {
    const MysqlDatabase database({}, server().settings(fmt::format("migrated_{}", ms)));
    auto first = std::async(std::launch::async, [&] {
      return mysql::migrate(database.settings(), mysql_schemas(), [](mysql::Migrated) {});
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    server().kill();
    if (!first.get()) ++interrupted;
    server().start();
    const auto again = mysql::migrate(database.settings(), mysql_schemas(), [](mysql::Migrated) {});
    ASSERT_TRUE(again) << again.error().message;
    MysqlStores stores(database.settings());
    EXPECT_TRUE(stores.accounts->accounts().create(account(1), "hash"));
    EXPECT_EQ(stores.groups->last_id().value(), 0u);
    EXPECT_TRUE(stores.pushes->of(UserId(1)).value().empty());
  }
  EXPECT_GE(interrupted, 2);
}

}  // namespace
}  // namespace parley::test
