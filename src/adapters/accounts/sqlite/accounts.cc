#include "adapters/accounts/sqlite/accounts.h"

#include "adapters/accounts/sqlite/schema.h"

namespace parley::accounts {

Result<std::unique_ptr<SqliteAccounts>> SqliteAccounts::open(std::filesystem::path folder) {
  return open(sqlite::Settings{.folder = std::move(folder), .file = "accounts.db"});
}

Result<std::unique_ptr<SqliteAccounts>> SqliteAccounts::open(sqlite::Settings settings) {
  PARLEY_TRY(db, sqlite::Database::open(std::move(settings), migrations()));
  return std::unique_ptr<SqliteAccounts>(new SqliteAccounts(std::move(db)));
}

Result<void> SqliteAccounts::add(std::span<const Account> accounts, std::string_view password_hash,
                                 std::span<const AccountDevice> devices) {
  const std::string hash(password_hash);
  return db_->write([&](soci::session& s) -> Result<void> {
    for (const auto& account : accounts) insert_account(s, account, hash);
    for (const auto& device : devices) insert_device(s, device);
    return {};
  });
}

}  // namespace parley::accounts
