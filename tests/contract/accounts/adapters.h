#pragma once
#include <gtest/gtest.h>

#include "adapters/accounts/memory/accounts.h"
#include "adapters/accounts/sql/accounts.h"
#include "adapters/shared/mysql/database.h"
#include "adapters/shared/sqlite/database.h"
#include "tests/contract/accounts/promises.h"
#include "tests/support/contract/over.h"
#include "tests/support/contract/temp_folder.h"
#include "tests/support/mysql/database.h"

namespace parley::test {

inline Result<std::unique_ptr<parley::accounts::SqlAccounts>> accounts_on_sqlite(
    std::filesystem::path folder) {
  return over<parley::accounts::SqlAccounts>(
      sqlite::Database::open({.folder = std::move(folder)}, parley::accounts::schema()));
}

class MemoryUnderTest : public AccountsUnderTest {
 public:
  AccountStore& accounts() override { return stores_.accounts(); }
  DeviceStore& devices() override { return stores_.devices(); }
  SecretStore& secrets() override { return stores_.secrets(); }

 private:
  parley::accounts::MemoryAccounts stores_;
};

class SqliteUnderTest final : public AccountsUnderTest {
 public:
  SqliteUnderTest() { open(); }
  AccountStore& accounts() override { return stores_->accounts(); }
  DeviceStore& devices() override { return stores_->devices(); }
  SecretStore& secrets() override { return stores_->secrets(); }
  void reopen() override {
    stores_.reset();
    open();
  }

 private:
  void open() {
    auto opened = accounts_on_sqlite(folder_.path() / "accounts");
    if (!opened) throw std::runtime_error(opened.error().message);
    stores_ = std::move(*opened);
  }

  TempFolder folder_;
  std::unique_ptr<parley::accounts::SqlAccounts> stores_;
};

class MysqlUnderTest final : public AccountsUnderTest {
 public:
  MysqlUnderTest() { open(); }
  AccountStore& accounts() override { return stores_->accounts(); }
  DeviceStore& devices() override { return stores_->devices(); }
  SecretStore& secrets() override { return stores_->secrets(); }
  void reopen() override {
    stores_.reset();
    open();
  }

 private:
  void open() {
    auto opened = over<parley::accounts::SqlAccounts>(
        mysql::Database::open(database_.settings(), parley::accounts::schema()));
    if (!opened) throw std::runtime_error(opened.error().message);
    stores_ = std::move(*opened);
  }

  MysqlDatabase database_{{&parley::accounts::schema()}};
  std::unique_ptr<parley::accounts::SqlAccounts> stores_;
};

}  // namespace parley::test
