#pragma once
#include "adapters/shared/sqlite/database.h"
#include "ports/last_seen.h"

namespace parley::last_seen {

/// presence.db, opened. Any thread. What `put` has answered is durable.
class SqliteLastSeenStore final : public LastSeenStore {
 public:
  /// Errors are one sentence for the person who starts the server (see sqlite::Database::open).
  static Result<std::unique_ptr<SqliteLastSeenStore>> open(std::filesystem::path folder);

  Result<void> put(const std::vector<LastSeen>& batch) override;
  Result<std::vector<LastSeen>> of(const std::vector<UserId>& users) override;
  /// The next rows by rising user; none at the end.
  Result<std::vector<LastSeen>> scan(UserId after, std::size_t limit);
  sqlite::Database& database() { return *db_; }

 private:
  explicit SqliteLastSeenStore(std::unique_ptr<sqlite::Database> db) : db_(std::move(db)) {}

  std::unique_ptr<sqlite::Database> db_;
};

}  // namespace parley::last_seen
