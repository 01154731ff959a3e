#include <soci/sqlite3/soci-sqlite3.h>

#include "adapters/shared/sqlite/database.h"

namespace parley::sqlite {
namespace {

constexpr int kPagesAtOnce = 64;
constexpr std::uint64_t kPageBytes = 4096;  // SQLite's default

sqlite_api::sqlite3* connection(soci::session& session) {
  return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
}

}  // namespace

/// With the write-ahead log, a reader goes on seeing what was there when it began.
Result<std::unique_ptr<Database::Snapshot>> Database::snapshot() {
  std::unique_ptr<Snapshot> out(new Snapshot(*this));
  try {
    connect(out->session_);
    out->session_.begin();
    int tables = 0;
    out->session_ << "SELECT COUNT(*) FROM sqlite_master", soci::into(tables);
    return out;
  } catch (const std::exception& e) {
    return std::unexpected(explain(e));
  }
}

/// SQLite's online backup, of a connection whose transaction stays open: so it does not begin anew
/// when somebody writes.
Result<void> Database::Snapshot::copy_to(
    const std::filesystem::path& file,
    const std::function<Result<void>(std::uint64_t bytes)>& progress) {
  try {
    soci::session target(soci::sqlite3, "dbname=\"" + file.string() + "\"");
    target << "PRAGMA synchronous=OFF";
    auto* backup =
        sqlite_api::sqlite3_backup_init(connection(target), "main", connection(session_), "main");
    int code = backup ? SQLITE_OK : sqlite_api::sqlite3_errcode(connection(target));
    Result<void> wanted;
    while (code == SQLITE_OK && wanted) {
      code = sqlite_api::sqlite3_backup_step(backup, kPagesAtOnce);
      wanted = progress(kPageBytes *
                        static_cast<std::uint64_t>(sqlite_api::sqlite3_backup_pagecount(backup) -
                                                   sqlite_api::sqlite3_backup_remaining(backup)));
    }
    if (backup) sqlite_api::sqlite3_backup_finish(backup);
    if (!wanted) return wanted;
    if (code != SQLITE_DONE)
      throw soci::sqlite3_soci_error(
          "the copy of " + of_.path() + " failed: " + sqlite_api::sqlite3_errstr(code), code);
    return {};
  } catch (const std::exception& e) {
    return std::unexpected(of_.explain(e));
  }
}

}  // namespace parley::sqlite
