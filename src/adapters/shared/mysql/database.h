#pragma once
#include <memory>

#include "adapters/shared/mysql/pool.h"
#include "adapters/shared/sql/database.h"

namespace parley::mysql {

/// A database of a MySQL server through SOCI, for one kind of store. See README.md for what is
/// promised.
class Database final : public sql::Database {
 public:
  /// Connects once, and looks at the schema. Errors are one sentence for the person who starts the
  /// server: `unavailable`, `busy`: it cannot be reached now, or takes no more connections;
  /// `forbidden`: it refuses this user; `unsupported`: the schema is not the one that this program
  /// needs, or it has a table `moving`: it is being filled from elsewhere, and nobody may use it
  /// (Settings::moving).
  static Result<std::unique_ptr<Database>> open(Settings settings, const sql::Schema& schema);

 private:
  explicit Database(Settings settings) : settings_(std::move(settings)), pool_(settings_) {}
  Result<void> check(const sql::Schema& schema);
  Result<void> run_read(const Work& work) override { return run(work, false); }
  Result<void> run_write(const Work& work) override { return run(work, true); }
  Result<void> run(const Work& work, bool in_transaction);

  const Settings settings_;
  Pool pool_;
};

}  // namespace parley::mysql
