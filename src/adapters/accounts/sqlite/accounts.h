#pragma once
#include "adapters/accounts/sqlite/account_store.h"
#include "adapters/accounts/sqlite/device_store.h"
#include "adapters/accounts/sqlite/secret_store.h"

namespace parley::accounts {

/// accounts.db, opened: accounts, devices and secrets in one file. Any thread.
class SqliteAccounts {
 public:
  /// Errors are one sentence for the person who starts the server (see sqlite::Database::open).
  static Result<std::unique_ptr<SqliteAccounts>> open(std::filesystem::path folder);
  static Result<std::unique_ptr<SqliteAccounts>> open(sqlite::Settings settings);

  AccountStore& accounts() { return accounts_; }
  DeviceStore& devices() { return devices_; }
  SecretStore& secrets() { return secrets_; }

  /// Adds accounts that share a password, and devices, in one transaction: all or nothing.
  /// `already_exists`: an id or a name is there.
  Result<void> add(std::span<const Account> accounts, std::string_view password_hash,
                   std::span<const AccountDevice> devices);

 private:
  explicit SqliteAccounts(std::unique_ptr<sqlite::Database> db)
      : db_(std::move(db)), accounts_(*db_), devices_(*db_), secrets_(*db_) {}

  std::unique_ptr<sqlite::Database> db_;
  SqliteAccountStore accounts_;
  SqliteDeviceStore devices_;
  SqliteSecretStore secrets_;
};

}  // namespace parley::accounts
