// What a database of schema 1 holds is there in the newest, in both kinds of database.
#include <gtest/gtest.h>

#include "adapters/shared/mysql/migrate.h"
#include "tests/contract/accounts/adapters.h"

namespace parley::test {
namespace {

sql::Schema first() {
  const auto& now = parley::accounts::schema();
  return {now.name, now.migrations.first(1)};
}

/// As the program of that time wrote it.
void fill(sql::Database& db) {
  const auto filled = db.write([](soci::session& s) -> Result<void> {
    s << "INSERT INTO accounts (id, name, display_name, about, created_ms, password_hash) "
         "VALUES (7, 'ann', 'Ann', '', 1, 'hash')";
    s << "INSERT INTO revoked_devices (id, tokens_end_ms) VALUES (20, 1000)";
    s << "INSERT INTO revoked_devices (id, tokens_end_ms) VALUES (21, 2000)";
    return {};
  });
  ASSERT_TRUE(filled) << filled.error().message;
}

void expect_all_there(parley::accounts::SqlAccounts& stores) {
  using Gone = std::vector<RevokedDevice>;
  const RevokedDevice old{DeviceId(20), UserId(), TimeMs(1'000), TimeMs(0)};
  const RevokedDevice later{DeviceId(21), UserId(), TimeMs(2'000), TimeMs(0)};
  EXPECT_EQ(stores.devices().revoked(TimeMs(0)).value(), (Gone{old, later}));
  EXPECT_EQ(stores.devices().revoked_since(TimeMs(0)).value(), (Gone{old, later}));
  EXPECT_EQ(stores.devices().revoked_since(TimeMs(1)).value(), Gone{});
  ASSERT_TRUE(stores.devices().revoke(gone(20, 3'000)));
  EXPECT_EQ(stores.devices().revoked_since(TimeMs(1)).value(), Gone{gone(20, 3'000)});
  EXPECT_EQ(stores.accounts().by_name("ann").value()->id, UserId(7));
}

TEST(AccountsUpgrade, OnSqlite) {
  TempFolder folder;
  fill(*sqlite::Database::open({.folder = folder.path() / "accounts"}, first()).value());
  for (int opened = 0; opened < 2; ++opened)
    ASSERT_TRUE(accounts_on_sqlite(folder.path() / "accounts"));
  expect_all_there(*accounts_on_sqlite(folder.path() / "accounts").value());
}

TEST(AccountsUpgrade, OnMysql) {
  const auto old = first();
  const MysqlDatabase database({&old});
  fill(*mysql::Database::open(database.settings(), old).value());
  const sql::Schema* const now[] = {&parley::accounts::schema()};
  EXPECT_EQ(mysql::Database::open(database.settings(), *now[0]).error().code, Code::unsupported);
  ASSERT_TRUE(mysql::migrate(database.settings(), now, [](auto) {}));
  expect_all_there(
      *over<parley::accounts::SqlAccounts>(mysql::Database::open(database.settings(), *now[0]))
           .value());
}

}  // namespace
}  // namespace parley::test
