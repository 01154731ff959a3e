#include "app/mysql.h"

#include <fmt/format.h>
#include <fstream>

#include "adapters/accounts/sql/accounts.h"
#include "adapters/groups/sql/group_store.h"
#include "adapters/push/sql/push_sink.h"
#include "adapters/shared/mysql/migrate.h"

namespace parley::app {
namespace {

Result<std::string> password_of(const Config& config) {
  const auto& file = config.mysql.password_file;
  if (file.empty()) return config.mysql.password;
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line))
    return fail(Code::invalid_argument,
                file + " (mysql.password_file) cannot be read: its first line is the password");
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace

Result<mysql::Settings> mysql_settings(const Config& config) {
  if (config.mysql.address.empty())
    return fail(Code::invalid_argument,
                "mysql.address is not set: write address = \"HOST:PORT\" under [mysql] in the file "
                "of --config");
  PARLEY_TRY(server, parse_remote_address(config.mysql.address));
  PARLEY_TRY(password, password_of(config));
  mysql::Settings settings;
  settings.host = server.host;
  settings.port = server.port;
  settings.user = config.mysql.user;
  settings.password = password;
  settings.database = config.mysql.database;
  settings.connections = config.mysql.connections;
  return settings;
}

Result<void> migrate(const Config& config) {
  PARLEY_TRY(settings, mysql_settings(config));
  const sql::Schema* const schemas[] = {&accounts::schema(), &groups::schema(), &push::schema()};
  PARLEY_TRY_VOID(mysql::migrate(settings, schemas, [](mysql::Migrated step) {
    fmt::print("{}: schema {}\n", step.schema, step.version);
    std::fflush(stdout);
  }));
  fmt::print("the MySQL database {} at {} is up to date\n", settings.database, settings.address());
  return {};
}

}  // namespace parley::app
