#include <gtest/gtest.h>

#include "adapters/accounts/sql/accounts.h"
#include "adapters/shared/mysql/database.h"
#include "tests/support/contract/over.h"
#include "tests/support/mysql/database.h"
#include "tests/support/mysql/server.h"

namespace parley::test {
namespace {

using parley::accounts::SqlAccounts;

Account account(std::uint64_t id) {
  return {UserId(id), fmt::format("user{}", id), "Ann", std::string(500, 'a'), TimeMs(1)};
}

TEST(MysqlFull, AFullDiskStoresNothingAndIsOverWhenThereIsSpace) {
  MysqlServer server({"--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:20M"});
  const MysqlDatabase database({&parley::accounts::schema()}, server.settings("full"));
  auto stores =
      over<SqlAccounts>(mysql::Database::open(database.settings(), parley::accounts::schema()))
          .value();
  ASSERT_TRUE(stores->accounts().create(account(1), "hash"));
  run_on_mysql(database.settings(), "CREATE TABLE full.filler (t MEDIUMTEXT) ENGINE=InnoDB");
  for (std::size_t size = 1'000'000; size >= 10'000; size /= 10) {
    bool fits = true;
    for (int i = 0; fits && i < 100; ++i) {
      try {
        run_on_mysql(database.settings(),
                     fmt::format("INSERT INTO full.filler VALUES (REPEAT('x', {}))", size));
      } catch (const std::exception&) {
        fits = false;
      }
    }
    ASSERT_FALSE(fits) << "the server has space for everything";
  }
  // What is left takes a few more.
  Result<void> made{};
  std::uint64_t last = 1;
  while (made && last < 20'000) made = stores->accounts().create(account(++last), "hash");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::storage_full);
  EXPECT_GT(made.error().retry_after_ms, 0u);
  EXPECT_EQ(stores->accounts().by_id(UserId(last)).value(), std::nullopt);
  EXPECT_EQ(stores->accounts().by_id(UserId(1)).value(), account(1));

  server.kill();
  server.start({"--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:20M;ibdata2:20M"});
  EXPECT_TRUE(stores->accounts().create(account(last), "hash"));
  for (std::uint64_t id = 1; id <= last; ++id)
    EXPECT_EQ(stores->accounts().by_id(UserId(id)).value(), account(id));
}

}  // namespace
}  // namespace parley::test
