#pragma once
#include "adapters/conversation_store/cassandra/intake.h"
#include "adapters/shared/sql/database.h"

namespace parley::app {

/// How far a move has come: the table `moving` of the target's MySQL database, which is there from
/// its beginning to its end, and by which stores refuse the database meanwhile.
struct MoveState {
  enum class Part : std::uint8_t { sql, entries, marks, inboxes, last_seen, duties, check, done };

  std::uint64_t epoch = 0;           // of the source
  std::string source;                // what it was like when this began
  TimeMs begun;                      // which idempotency rows still matter is judged by this
  Part part = Part::sql;             // that is to be gone on with,
  std::string after;                 // after this key of its source
  RowSum log, sent, marks, inboxes;  // of what was written

  /// None: there is no such table.
  static Result<std::optional<MoveState>> read(sql::Database& db);
  /// Makes the table, too.
  Result<void> write(sql::Database& db) const;
  /// The last step: the table goes.
  static Result<void> end(sql::Database& db);
};

}  // namespace parley::app
