// What a MySQL database promises to the stores on it (src/adapters/shared/mysql/README.md).
#include "adapters/shared/mysql/database.h"

#include <barrier>
#include <future>
#include <gtest/gtest.h>
#include <thread>

#include "adapters/shared/sql/execute.h"
#include "tests/support/mysql/database.h"

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using mysql::Database;

const std::vector<sql::Migration> kMigrations = {
    {1,
     {"CREATE TABLE IF NOT EXISTS notes (id {id}, text VARCHAR(8) NOT NULL, n BIGINT NOT NULL) "
      "{table}"}}};
const sql::Schema kNotes{"notes", kMigrations};

class MysqlDatabaseTest : public testing::Test {
 protected:
  std::unique_ptr<Database> open(mysql::Settings settings) {
    auto opened = Database::open(std::move(settings), kNotes);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  std::unique_ptr<Database> open() { return open(database_.settings()); }
  mysql::Settings with(std::size_t connections) const {
    auto settings = database_.settings();
    settings.connections = connections;
    return settings;
  }

  MysqlDatabase database_{{&kNotes}};
};

Result<void> add(Database& db, long long id, const std::string& text) {
  return db.write([&](soci::session& s) -> Result<void> {
    sql::execute(s, "INSERT INTO notes (id, text, n) VALUES (:id, :text, 0)", id, text);
    return {};
  });
}
Result<void> raise(soci::session& s, long long id) {
  if (sql::execute(s, "UPDATE notes SET n = n + 1 WHERE id = :id", id) != 1)
    return fail(Code::not_found, "there is no such note");
  return {};
}
long long sum(Database& db) {
  return db
      .read([](soci::session& s) -> Result<long long> {
        long long n = 0;
        s << "SELECT CAST(COALESCE(SUM(n), 0) AS SIGNED) FROM notes", soci::into(n);
        return n;
      })
      .value();
}
Result<long long> connection_of(soci::session& s) {
  long long id = 0;
  s << "SELECT CONNECTION_ID()", soci::into(id);
  return id;
}

TEST_F(MysqlDatabaseTest, UndoesWhatFails) {
  auto db = open();
  ASSERT_TRUE(add(*db, 1, "one"));
  const auto refused = db->write([](soci::session& s) -> Result<void> {
    PARLEY_TRY_VOID(raise(s, 1));
    return raise(s, 2);
  });
  EXPECT_EQ(refused.error().code, Code::not_found);
  const auto thrown = db->write([](soci::session& s) -> Result<void> {
    PARLEY_TRY_VOID(raise(s, 1));
    s << "INSERT INTO nowhere (id) VALUES (1)";
    return {};
  });
  EXPECT_EQ(thrown.error().code, Code::internal);
  EXPECT_EQ(sum(*db), 0);
  EXPECT_EQ(add(*db, 1, "again").error().code, Code::already_exists);
}

TEST_F(MysqlDatabaseTest, WhatIsTooLongIsRefusedAndNotCut) {
  auto db = open();
  const auto refused = add(*db, 1, "123456789");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::invalid_argument);
  EXPECT_EQ(refused.error().message.find("123456789"), std::string::npos);
  EXPECT_FALSE(db->write([](soci::session& s) { return raise(s, 1); }));
  EXPECT_EQ(add(*db, 1, "\xF0\x28\x8C\x28").error().code, Code::invalid_argument);
  EXPECT_TRUE(add(*db, 1, "12345678"));
}

// Each holds what the other one wants next: the server undoes one of them, which runs again.
TEST_F(MysqlDatabaseTest, ADeadlockIsRunAgainUnseen) {
  auto db = open();
  ASSERT_TRUE(add(*db, 1, "one"));
  ASSERT_TRUE(add(*db, 2, "two"));
  std::barrier both(2);
  std::atomic<int> runs = 0;
  const auto in_order = [&](long long first, long long then) {
    bool again = false;
    return db->write([&, first, then](soci::session& s) -> Result<void> {
      ++runs;
      PARLEY_TRY_VOID(raise(s, first));
      if (!std::exchange(again, true)) both.arrive_and_wait();
      return raise(s, then);
    });
  };
  auto other = std::async(std::launch::async, [&] { return in_order(2, 1); });
  EXPECT_TRUE(in_order(1, 2));
  EXPECT_TRUE(other.get());
  EXPECT_GT(runs, 2);
  EXPECT_EQ(sum(*db), 4);
}

TEST_F(MysqlDatabaseTest, WhoeverWaitsTooLongForARowIsToldThatItIsBusy) {
  auto settings = database_.settings();
  settings.lock_wait = 1s;
  settings.contention = 1'500ms;
  auto db = open(settings);
  ASSERT_TRUE(add(*db, 1, "one"));
  std::promise<void> locked, done;
  auto holder = std::async(std::launch::async, [&] {
    return db->write([&](soci::session& s) -> Result<void> {
      PARLEY_TRY_VOID(raise(s, 1));
      locked.set_value();
      done.get_future().wait();
      return {};
    });
  });
  locked.get_future().wait();
  const auto refused = db->write([](soci::session& s) { return raise(s, 1); });
  done.set_value();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::busy);
  EXPECT_GT(refused.error().retry_after_ms, 0u);
  EXPECT_TRUE(holder.get());
  EXPECT_TRUE(db->write([](soci::session& s) { return raise(s, 1); }));
  EXPECT_EQ(sum(*db), 2);
}

TEST_F(MysqlDatabaseTest, WhoFindsNoFreeConnectionIsToldThatItIsBusy) {
  auto settings = with(1);
  settings.wait = 50ms;
  auto db = open(settings);
  const auto outer = db->read([&](soci::session&) -> Result<void> {
    const auto refused = db->read([](soci::session&) -> Result<void> { return {}; });
    EXPECT_EQ(refused.error().code, Code::busy);
    EXPECT_GT(refused.error().retry_after_ms, 0u);
    return {};
  });
  EXPECT_TRUE(outer);
  EXPECT_TRUE(db->read([](soci::session&) -> Result<void> { return {}; }));
}

TEST_F(MysqlDatabaseTest, AnIdleConnectionThatWasClosedIsReplacedUnseen) {
  auto db = open(with(1));
  ASSERT_TRUE(add(*db, 1, "one"));
  for (int i = 0; i < 2; ++i) {
    const auto id = db->read(connection_of).value();
    run_on_mysql(database_.settings(), fmt::format("KILL CONNECTION {}", id));
    if (i == 0)
      EXPECT_TRUE(db->write([](soci::session& s) { return raise(s, 1); }));
    else
      EXPECT_EQ(sum(*db), 1);
    EXPECT_NE(db->read(connection_of).value(), id);
  }
}

TEST_F(MysqlDatabaseTest, AConnectionLostInAWriteIsUnavailableAndUndoesIt) {
  auto db = open(with(1));
  ASSERT_TRUE(add(*db, 1, "one"));
  const auto lost = db->write([&](soci::session& s) -> Result<void> {
    PARLEY_TRY_VOID(raise(s, 1));
    PARLEY_TRY(id, connection_of(s));
    run_on_mysql(database_.settings(), fmt::format("KILL CONNECTION {}", id));
    return raise(s, 1);
  });
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Code::unavailable);
  EXPECT_GT(lost.error().retry_after_ms, 0u);
  EXPECT_EQ(sum(*db), 0);
  EXPECT_TRUE(db->write([](soci::session& s) { return raise(s, 1); }));
}

TEST_F(MysqlDatabaseTest, AWriteSeesWhatWasCommittedWhileItWaitedForALock) {
  auto db = open();
  ASSERT_TRUE(add(*db, 1, "one"));
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const auto done = db->write([](soci::session& s) -> Result<void> {
          long long n = 0;
          s << std::string("SELECT n FROM notes WHERE id = 1") + sql::for_update(s), soci::into(n);
          sql::execute(s, "UPDATE notes SET n = :n WHERE id = 1", n + 1);
          return {};
        });
        if (!done) ++failures;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(sum(*db), 80);
}

TEST_F(MysqlDatabaseTest, TheSessionIsAsStoresNeedIt) {
  auto db = open();
  const auto said = db->write([](soci::session& s) -> Result<std::string> {
    std::string isolation, mode, charset;
    s << "SELECT @@tx_isolation, @@sql_mode, @@character_set_connection", soci::into(isolation),
        soci::into(mode), soci::into(charset);
    return fmt::format("{} {} {}", isolation, mode.contains("STRICT_ALL_TABLES"), charset);
  });
  EXPECT_EQ(said.value(), "READ-COMMITTED true utf8mb4");
}

TEST_F(MysqlDatabaseTest, AServerThatIsNotThereIsNamedInOneSentence) {
  auto settings = database_.settings();
  settings.port = 1;
  settings.password = "hush";
  const auto refused = Database::open(settings, kNotes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_NE(refused.error().message.find("127.0.0.1:1"), std::string::npos);
  EXPECT_EQ(refused.error().message.find("hush"), std::string::npos);

  settings = database_.settings();
  settings.user = "nobody_here";
  settings.password = "hush";
  const auto stranger = Database::open(settings, kNotes);
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, Code::forbidden) << "it is no use to wait";
  EXPECT_NE(stranger.error().message.find("mysql.user"), std::string::npos);
  EXPECT_EQ(stranger.error().message.find("hush"), std::string::npos);
}

}  // namespace
}  // namespace parley::test
