#pragma once
#include <gtest/gtest.h>

#include "adapters/groups/memory/group_store.h"
#include "adapters/groups/sql/group_store.h"
#include "adapters/shared/mysql/database.h"
#include "adapters/shared/sqlite/database.h"
#include "tests/contract/groups/promises.h"
#include "tests/support/contract/over.h"
#include "tests/support/contract/temp_folder.h"
#include "tests/support/mysql/database.h"

namespace parley::test {

class MemoryGroupsUnderTest final : public GroupsUnderTest {
 public:
  GroupStore& groups() override { return store_; }

 private:
  parley::groups::MemoryGroupStore store_;
};

class SqliteGroupsUnderTest final : public GroupsUnderTest {
 public:
  SqliteGroupsUnderTest() { open(); }
  GroupStore& groups() override { return *store_; }
  void reopen() override {
    store_.reset();
    open();
  }

 private:
  void open() {
    auto opened = over<parley::groups::SqlGroupStore>(
        sqlite::Database::open({.folder = folder_.path() / "group"}, parley::groups::schema()));
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
  }

  TempFolder folder_;
  std::unique_ptr<parley::groups::SqlGroupStore> store_;
};

class MysqlGroupsUnderTest final : public GroupsUnderTest {
 public:
  MysqlGroupsUnderTest() { open(); }
  GroupStore& groups() override { return *store_; }
  void reopen() override {
    store_.reset();
    open();
  }

 private:
  void open() {
    auto opened = over<parley::groups::SqlGroupStore>(
        mysql::Database::open(database_.settings(), parley::groups::schema()));
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
  }

  MysqlDatabase database_{{&parley::groups::schema()}};
  std::unique_ptr<parley::groups::SqlGroupStore> store_;
};

}  // namespace parley::test
