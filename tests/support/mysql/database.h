#pragma once
#include <vector>

#include "adapters/shared/mysql/settings.h"
#include "adapters/shared/sql/schema.h"

namespace parley::test {

/// How the server that tests share is reached, with a database that nobody else names and that is
/// not made yet.
mysql::Settings shared_mysql();

/// Runs one statement without rows, on the server itself. Throws what SOCI throws.
void run_on_mysql(const mysql::Settings& settings, const std::string& statement);

/// A database with these schemas; dropped with the object. Throws std::runtime_error.
class MysqlDatabase {
 public:
  explicit MysqlDatabase(std::vector<const sql::Schema*> schemas,
                         mysql::Settings settings = shared_mysql());
  ~MysqlDatabase();
  MysqlDatabase(const MysqlDatabase&) = delete;

  const mysql::Settings& settings() const { return settings_; }

 private:
  mysql::Settings settings_;
};

}  // namespace parley::test
