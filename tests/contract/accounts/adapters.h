#pragma once
#include <gtest/gtest.h>

#include "adapters/accounts/memory/accounts.h"
#include "adapters/accounts/sqlite/accounts.h"
#include "tests/contract/accounts/promises.h"
#include "tests/support/contract/temp_folder.h"

namespace parley::test {

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
    auto opened = parley::accounts::SqliteAccounts::open(folder_.path() / "accounts");
    if (!opened) throw std::runtime_error(opened.error().message);
    stores_ = std::move(*opened);
  }

  TempFolder folder_;
  std::unique_ptr<parley::accounts::SqliteAccounts> stores_;
};

}  // namespace parley::test
