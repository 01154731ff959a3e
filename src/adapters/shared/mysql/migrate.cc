#include "adapters/shared/mysql/migrate.h"

#include <fmt/format.h>

#include "adapters/shared/mysql/connection.h"
#include "adapters/shared/mysql/failure.h"
#include "adapters/shared/sql/execute.h"
#include "base/check.h"

namespace parley::mysql {
namespace {

constexpr int kLockSeconds = 600;
// Texts compare by their bytes, as in SQLite; `nopad`: a space at the end counts, too.
#define PARLEY_TABLE "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin"
constexpr sql::Dialect kDialect{.add_column = "ADD COLUMN IF NOT EXISTS",
                                .id = "BIGINT NOT NULL PRIMARY KEY",
                                .long_text = "MEDIUMTEXT",
                                .table = PARLEY_TABLE,
                                .table_by_key = PARLEY_TABLE};
#undef PARLEY_TABLE

void choose_database(soci::session& session, const Settings& settings) {
  const auto name = quoted(settings.database);
  session << "CREATE DATABASE IF NOT EXISTS " + name +
                 " CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";
  session << "USE " + name;
}

// Held until the connection ends, however it ends.
bool lock(soci::session& session, const Settings& settings) {
  const std::string name = "parley.migrate." + settings.database;
  int got = 0;
  soci::indicator known = soci::i_null;
  session << fmt::format("SELECT GET_LOCK(:name, {})", kLockSeconds), soci::use(name),
      soci::into(got, known);
  return known == soci::i_ok && got == 1;
}

Result<void> take_to_its_version(soci::session& session, const Settings& settings,
                                 const sql::Schema& schema,
                                 const std::function<void(Migrated)>& report) {
  const int stored = stored_version(session, schema.name);
  if (stored > schema.version())
    return fail(Code::unsupported,
                fmt::format("the MySQL database {} has schema {} of {}, this program knows up to "
                            "{}: migrate by the newer program",
                            settings.database, stored, schema.name, schema.version()));
  for (int next = stored + 1; next <= schema.version(); ++next) {
    const auto& step = schema.migrations[static_cast<std::size_t>(next - 1)];
    PARLEY_CHECK(step.version == next, "migrations are dense from 1");
    for (const auto statement : step.statements) session << sql::in_dialect(statement, kDialect);
    sql::execute(session, "INSERT INTO schema_versions (name, version) VALUES (:name, :version)",
                 std::string(schema.name), next);
    report({schema.name, next});
  }
  return {};
}

}  // namespace

int stored_version(soci::session& session, std::string_view schema) {
  const std::string name(schema);
  int stored = 0;
  try {
    session << "SELECT COALESCE(MAX(version), 0) FROM schema_versions WHERE name = :name",
        soci::use(name), soci::into(stored);
  } catch (const std::exception& e) {
    if (failure_of(e).number != kNoSuchTable) throw;
  }
  return stored;
}

Result<void> migrate(const Settings& settings, std::span<const sql::Schema* const> schemas,
                     const std::function<void(Migrated)>& report) {
  try {
    soci::session session;
    connect(session, settings, Purpose::schema);
    choose_database(session, settings);
    if (!lock(session, settings))
      return fail_for(Code::busy,
                      fmt::format("another process has migrated the MySQL database {} for {} "
                                  "minutes: wait for it, or end it",
                                  settings.database, kLockSeconds / 60),
                      1'000);
    session << sql::in_dialect(
        "CREATE TABLE IF NOT EXISTS schema_versions ("
        "name VARCHAR(32) NOT NULL, version INT NOT NULL, PRIMARY KEY (name, version)) {table}",
        kDialect);
    for (const auto* schema : schemas)
      PARLEY_TRY_VOID(take_to_its_version(session, settings, *schema, report));
    return {};
  } catch (const soci::soci_error& e) {
    return std::unexpected(error_at_start(settings, e));
  }
}

}  // namespace parley::mysql
