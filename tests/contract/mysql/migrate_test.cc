// The tables of a MySQL database: made by `mysql::migrate` alone, one process at a time, and again
// after an interruption.
#include "adapters/shared/mysql/migrate.h"

#include <gtest/gtest.h>
#include <mutex>
#include <thread>

#include "adapters/accounts/sql/accounts.h"
#include "adapters/groups/sql/group_store.h"
#include "adapters/push/sql/push_sink.h"
#include "adapters/shared/mysql/database.h"
#include "tests/support/contract/over.h"
#include "tests/support/mysql/database.h"

namespace parley::test {
namespace {

using mysql::Migrated;

const sql::Schema* const kAll[] = {&parley::accounts::schema(), &parley::groups::schema(),
                                   &parley::push::schema()};

/// A database that is not made yet; dropped with the object.
struct NoDatabase : MysqlDatabase {
  NoDatabase() : MysqlDatabase({}) {
    run_on_mysql(settings(), "DROP DATABASE " + settings().database);
  }
};

Result<std::vector<std::string>> migrate(const mysql::Settings& settings,
                                         std::span<const sql::Schema* const> schemas = kAll) {
  std::vector<std::string> steps;
  PARLEY_TRY_VOID(mysql::migrate(settings, schemas, [&](Migrated step) {
    steps.push_back(fmt::format("{} {}", step.schema, step.version));
  }));
  return steps;
}
using Steps = std::vector<std::string>;

bool works(const mysql::Settings& settings) {
  auto stores = over<parley::accounts::SqlAccounts>(
      mysql::Database::open(settings, parley::accounts::schema()));
  return stores && (*stores)->accounts().last_id() &&
         (*stores)->accounts().create({UserId(7), "ann", "Ann", "", TimeMs(1)}, "hash") &&
         (*stores)->secrets().get_or_make("key", 32) &&
         mysql::Database::open(settings, parley::groups::schema()) &&
         mysql::Database::open(settings, parley::push::schema());
}

TEST(MysqlMigrate, MakesADatabaseAndTwiceChangesNothing) {
  NoDatabase database;
  EXPECT_EQ(migrate(database.settings()),
            (Steps{"accounts 1", "accounts 2", "groups 1", "pushes 1"}));
  EXPECT_TRUE(works(database.settings()));
  EXPECT_EQ(migrate(database.settings()), Steps{});
  EXPECT_TRUE(works(database.settings()));
}

TEST(MysqlMigrate, OfManyAtOnceOneTakesEachStep) {
  NoDatabase database;
  Steps steps;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&] {
      const auto mine = migrate(database.settings());
      const std::lock_guard lock(mutex);
      ASSERT_TRUE(mine) << mine.error().message;
      steps.insert(steps.end(), mine->begin(), mine->end());
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(steps, (Steps{"accounts 1", "accounts 2", "groups 1", "pushes 1"}));
  EXPECT_TRUE(works(database.settings()));
}

// A step is cut after each of its statements, before the next one or before it is noted down.
TEST(MysqlMigrate, AnInterruptedStepIsTakenAgain) {
  for (const auto* schema : kAll)
    for (const auto& step : schema->migrations)
      for (std::size_t cut = 1; cut <= step.statements.size(); ++cut) {
        NoDatabase database;
        std::vector<sql::Migration> broken(schema->migrations.begin(), schema->migrations.end());
        auto& last = broken[static_cast<std::size_t>(step.version - 1)];
        last.statements.resize(cut);
        last.statements.push_back("NO SUCH STATEMENT");
        const sql::Schema interrupted{schema->name, broken};
        const sql::Schema* const one[] = {&interrupted};
        ASSERT_FALSE(migrate(database.settings(), one));
        EXPECT_FALSE(mysql::Database::open(database.settings(), *schema));
        const auto again = migrate(database.settings());
        ASSERT_TRUE(again) << schema->name << " after " << cut << ": " << again.error().message;
        EXPECT_TRUE(works(database.settings())) << schema->name << " after " << cut;
      }
}

TEST(MysqlMigrate, TakesADatabaseFromWhereItStandsAndRefusesANewerOne) {
  NoDatabase database;
  const std::vector<sql::Migration> first = {
      {1, {"CREATE TABLE IF NOT EXISTS notes (id {id}) {table}", "INSERT INTO notes VALUES (1)"}}};
  auto second = first;
  second.push_back(
      {2, {"ALTER TABLE notes ADD COLUMN IF NOT EXISTS stars BIGINT NOT NULL DEFAULT 0"}});
  const sql::Schema old{"notes", first}, now{"notes", second};
  const sql::Schema* const only_old[] = {&old};
  const sql::Schema* const only_now[] = {&now};
  EXPECT_EQ(migrate(database.settings(), only_old), Steps{"notes 1"});
  EXPECT_EQ(migrate(database.settings(), only_now), Steps{"notes 2"});
  auto db = mysql::Database::open(database.settings(), now).value();
  const auto rows = db->read([](soci::session& s) -> Result<int> {
    int n = 0;
    s << "SELECT COUNT(*) FROM notes WHERE stars = 0", soci::into(n);
    return n;
  });
  EXPECT_EQ(rows, 1);

  const auto refused = migrate(database.settings(), only_old);
  EXPECT_EQ(refused.error().code, Code::unsupported);
  const auto not_opened = mysql::Database::open(database.settings(), old);
  ASSERT_FALSE(not_opened);
  EXPECT_EQ(not_opened.error().code, Code::unsupported);
  EXPECT_EQ(not_opened.error().message,
            fmt::format("the MySQL database {} has schema 2 of notes, this program knows up to 1: "
                        "run the newer program that migrated it",
                        database.settings().database));
}

TEST(MysqlMigrate, AStoreThatWantsTablesNamesTheCommandThatMakesThem) {
  NoDatabase database;
  const auto expected = fmt::format(
      "the MySQL database {} has schema 0 of accounts, this program needs 2: run "
      "`parleyd migrate --config FILE`",
      database.settings().database);
  const auto no_database = mysql::Database::open(database.settings(), parley::accounts::schema());
  ASSERT_FALSE(no_database);
  EXPECT_EQ(no_database.error().code, Code::unsupported);
  EXPECT_EQ(no_database.error().message, expected);
  const sql::Schema* const others[] = {&parley::groups::schema()};
  using Schemas = std::span<const sql::Schema* const>;
  for (auto schemas : {Schemas(), Schemas(others)}) {
    ASSERT_TRUE(migrate(database.settings(), schemas));
    const auto no_tables = mysql::Database::open(database.settings(), parley::accounts::schema());
    ASSERT_FALSE(no_tables);
    EXPECT_EQ(no_tables.error().message, expected);
  }
}

}  // namespace
}  // namespace parley::test
