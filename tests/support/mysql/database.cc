#include "tests/support/mysql/database.h"

#include <charconv>
#include <cstdio>
#include <stdexcept>

#include "adapters/shared/mysql/connection.h"
#include "adapters/shared/mysql/migrate.h"
#include "tests/support/backends/backends.h"

namespace parley::test {

mysql::Settings shared_mysql() {
  const auto address = backend("mysql");
  const auto colon = address.rfind(':');
  mysql::Settings settings;
  settings.host = address.substr(0, colon);
  settings.port = static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)));
  settings.user = "root";
  settings.database = unique_name("parley_test");
  return settings;
}

void run_on_mysql(const mysql::Settings& settings, const std::string& statement) {
  soci::session session;
  mysql::connect(session, settings, mysql::Purpose::schema);
  session << statement;
}

MysqlDatabase::MysqlDatabase(std::vector<const sql::Schema*> schemas, mysql::Settings settings)
    : settings_(std::move(settings)) {
  const auto made = mysql::migrate(settings_, schemas, [](mysql::Migrated) {});
  if (!made) throw std::runtime_error(made.error().message);
}

MysqlDatabase::~MysqlDatabase() {
  try {
    run_on_mysql(settings_, "DROP DATABASE IF EXISTS " + mysql::quoted(settings_.database));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "the database %s stays: %s\n", settings_.database.c_str(), e.what());
  }
}

}  // namespace parley::test
