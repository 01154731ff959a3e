#pragma once
#include <memory>
#include <span>

#include "adapters/accounts/sql/account_store.h"
#include "adapters/accounts/sql/device_store.h"
#include "adapters/accounts/sql/secret_store.h"

namespace parley::accounts {

/// The tables of the database that `SqlAccounts` is given.
const sql::Schema& schema();

/// Accounts, devices and secrets in one database, opened with `schema()`. Any thread.
class SqlAccounts {
 public:
  explicit SqlAccounts(std::unique_ptr<sql::Database> db)
      : db_(std::move(db)), accounts_(*db_), devices_(*db_), secrets_(*db_) {}

  AccountStore& accounts() { return accounts_; }
  DeviceStore& devices() { return devices_; }
  SecretStore& secrets() { return secrets_; }

  /// Adds accounts that share a password, and devices, in one transaction: all or nothing.
  /// `already_exists`: an id or a name is there.
  Result<void> add(std::span<const Account> accounts, std::string_view password_hash,
                   std::span<const AccountDevice> devices);

 private:
  std::unique_ptr<sql::Database> db_;
  SqlAccountStore accounts_;
  SqlDeviceStore devices_;
  SqlSecretStore secrets_;
};

}  // namespace parley::accounts
