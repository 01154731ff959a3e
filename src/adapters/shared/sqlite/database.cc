#include "adapters/shared/sqlite/database.h"

#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "base/check.h"
#include "base/log.h"
#include "base/one_line.h"

namespace parley::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 5'000;  // a person's sqlite3 shell may hold the file for a moment
constexpr std::uint32_t kRetryMs = 1'000;
constexpr sql::Dialect kDialect{.add_column = "ADD COLUMN",  // a step is one transaction
                                .id = "INTEGER PRIMARY KEY",
                                .long_text = "TEXT",
                                .table = "",
                                .table_by_key = "WITHOUT ROWID"};

int code_of(const std::exception& e) {
  const auto* known = dynamic_cast<const soci::sqlite3_soci_error*>(&e);
  return known ? known->result() : SQLITE_ERROR;
}

// Without SOCI's context, which quotes the values that were bound: password hashes, keys.
std::string text_of(const std::exception& e) {
  const auto* known = dynamic_cast<const soci::soci_error*>(&e);
  return known ? known->get_error_message() : e.what();
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(Settings settings, const sql::Schema& schema) {
  PARLEY_TRY(folder, Folder::lock(settings.folder));
  std::unique_ptr<Database> db(new Database(std::move(settings), std::move(folder), schema.name));
  PARLEY_TRY_VOID(db->folder_.ensure_file(db->path_.filename()));
  try {
    db->connect(db->writer_);
    PARLEY_TRY_VOID(db->check());
    PARLEY_TRY_VOID(db->migrate(schema));
    const auto readers = db->settings_.readers;
    db->readers_ = std::make_unique<soci::connection_pool>(readers);
    for (std::size_t i = 0; i < readers; ++i) db->connect(db->readers_->at(i));
  } catch (const std::exception& e) {
    Error error = db->explain(e);
    error.message = fmt::format("{}: {} ({})", db->path(), error.message, one_line(text_of(e)));
    return std::unexpected(std::move(error));
  }
  return db;
}

Database::Database(Settings settings, Folder folder, std::string_view name)
    : settings_(std::move(settings)),
      folder_(std::move(folder)),
      path_(folder_.path() / fmt::format("{}.db", name)) {}

Database::~Database() = default;

void Database::connect(soci::session& session) {
  session.open(soci::sqlite3, fmt::format("dbname=\"{}\"", path()));
  auto* backend = static_cast<soci::sqlite3_session_backend*>(session.get_backend());
  sqlite_api::sqlite3_extended_result_codes(backend->conn_, 1);
  sqlite_api::sqlite3_busy_timeout(backend->conn_, kBusyTimeoutMs);
  session << "PRAGMA journal_mode=WAL";
  session << "PRAGMA synchronous=" << (settings_.sync ? "FULL" : "OFF");
  session << "PRAGMA foreign_keys=ON";
  session << "PRAGMA cache_size=-" << settings_.cache_kib;
  session << "PRAGMA wal_autocheckpoint=" << settings_.checkpoint_pages;
}

Result<void> Database::check() {
  std::string verdict;
  writer_ << "PRAGMA quick_check(1)", soci::into(verdict);
  if (verdict == "ok") return {};
  return fail(Code::damaged,
              fmt::format("{}: the database is damaged: restore it from a backup ({})", path(),
                          one_line(verdict)));
}

Result<void> Database::migrate(const sql::Schema& schema) {
  writer_ << "CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY)";
  int stored = 0;
  writer_ << "SELECT COALESCE(MAX(version), 0) FROM schema_versions", soci::into(stored);
  const int known = schema.version();
  if (stored > known)
    return fail(Code::unsupported,
                fmt::format("{} has schema version {}, this program knows up to {}: run the newer "
                            "program that wrote it",
                            path(), stored, known));
  for (int next = stored + 1; next <= known; ++next) {
    const auto& migration = schema.migrations[static_cast<std::size_t>(next - 1)];
    PARLEY_CHECK(migration.version == next, "migrations are dense from 1");
    soci::transaction transaction(writer_);
    for (const auto statement : migration.statements)
      writer_ << sql::in_dialect(statement, kDialect);
    writer_ << "INSERT INTO schema_versions (version) VALUES (:version)", soci::use(next);
    transaction.commit();
  }
  return {};
}

Result<void> Database::run_read(const Work& work) {
  try {
    soci::session session(*readers_);
    work(session);
    return {};
  } catch (const std::exception& e) {
    return std::unexpected(explain(e));
  }
}

Result<void> Database::run_write(const Work& work) {
  const std::lock_guard lock(mutex_);
  try {
    soci::transaction transaction(writer_);
    if (work(writer_)) transaction.commit();
    return {};
  } catch (const std::exception& e) {
    return std::unexpected(explain(e));
  }
}

Error Database::explain(const std::exception& e) const {
  const int code = code_of(e);
  PARLEY_CHECK(code != SQLITE_IOERR_FSYNC && code != SQLITE_IOERR_DIR_FSYNC,
               "a sync failed: what is on disk is unknown until the next start");
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {Code::storage_full, "no space left on the server's disk", {}, kRetryMs};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Code::busy, "the database is held by another program", {}, kRetryMs};
    case SQLITE_CONSTRAINT:
      return {Code::already_exists, "there is one with that key already"};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return {Code::unavailable, "the database cannot be opened for writing", {}, kRetryMs};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      log::error("sqlite", "damaged file={} error={}", path(), text_of(e));
      return {Code::damaged, "the database is damaged: restore it from a backup"};
    default:
      // The index of the write-ahead log is a file, too.
      if (code == SQLITE_IOERR_SHMSIZE)
        return {Code::storage_full, "no space left on the server's disk", {}, kRetryMs};
      log::error("sqlite", "failed file={} code={} error={}", path(), code, text_of(e));
      return {Code::internal, "the database failed; the server's log says more"};
  }
}

}  // namespace parley::sqlite
