#include "adapters/last_seen/sqlite/last_seen_store.h"

namespace parley::last_seen {
namespace {

const sql::Schema& schema() {
  static const std::vector<sql::Migration> kAll = {
      {1,
       {"CREATE TABLE IF NOT EXISTS last_seen (user_id BIGINT NOT NULL PRIMARY KEY, seen_ms BIGINT "
        "NOT NULL)"}},
  };
  static const sql::Schema kSchema{"presence", kAll};
  return kSchema;
}

}  // namespace

Result<std::unique_ptr<SqliteLastSeenStore>> SqliteLastSeenStore::open(
    std::filesystem::path folder) {
  PARLEY_TRY(db, sqlite::Database::open({.folder = std::move(folder)}, schema()));
  return std::unique_ptr<SqliteLastSeenStore>(new SqliteLastSeenStore(std::move(db)));
}

Result<void> SqliteLastSeenStore::put(const std::vector<LastSeen>& batch) {
  if (batch.empty()) return {};
  return db_->write([&](soci::session& s) -> Result<void> {
    long long user = 0, seen = 0;
    soci::statement merge =
        (s.prepare << "INSERT INTO last_seen (user_id, seen_ms) VALUES (:user, :seen) "
                      "ON CONFLICT (user_id) DO UPDATE SET seen_ms = excluded.seen_ms "
                      "WHERE excluded.seen_ms > last_seen.seen_ms",
         soci::use(user), soci::use(seen));
    for (const auto& row : batch) {
      user = static_cast<long long>(row.user.value);
      seen = row.at.value;
      merge.execute(true);
    }
    return {};
  });
}

Result<std::vector<LastSeen>> SqliteLastSeenStore::of(const std::vector<UserId>& users) {
  return db_->read([&](soci::session& s) -> Result<std::vector<LastSeen>> {
    std::vector<LastSeen> found;
    long long user = 0, seen = 0;
    soci::statement look = (s.prepare << "SELECT seen_ms FROM last_seen WHERE user_id = :user",
                            soci::use(user), soci::into(seen));
    for (const auto id : users) {
      user = static_cast<long long>(id.value);
      look.execute();
      while (look.fetch()) found.push_back({id, TimeMs(seen)});
    }
    return found;
  });
}

Result<std::vector<LastSeen>> SqliteLastSeenStore::scan(UserId after, std::size_t limit) {
  return db_->read([&](soci::session& s) -> Result<std::vector<LastSeen>> {
    std::vector<LastSeen> found;
    const auto from = static_cast<long long>(after.value), most = static_cast<long long>(limit);
    long long user = 0, seen = 0;
    soci::statement select =
        (s.prepare << "SELECT user_id, seen_ms FROM last_seen WHERE user_id > :after "
                      "ORDER BY user_id LIMIT :most",
         soci::use(from), soci::use(most), soci::into(user), soci::into(seen));
    select.execute();
    while (select.fetch())
      found.push_back({UserId(static_cast<std::uint64_t>(user)), TimeMs(seen)});
    return found;
  });
}

}  // namespace parley::last_seen
