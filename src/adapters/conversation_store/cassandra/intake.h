#pragma once
#include <functional>
#include <memory>
#include <span>

#include "adapters/conversation_store/cassandra/settings.h"
#include "adapters/conversation_store/cassandra/tables.h"
#include "ports/store_scan.h"

namespace parley {

/// How many rows, and the sum of a hash of each: equal for equal rows in whatever order.
struct RowSum {
  std::uint64_t rows = 0, sum = 0;

  void add(std::string_view row);
  RowSum& operator+=(const RowSum& other) {
    rows += other.rows;
    sum += other.sum;
    return *this;
  }
  bool operator==(const RowSum&) const = default;
};

/// Fills Cassandra's tables with a store that was kept elsewhere, while no message process runs.
/// Log and keys are stamped 0, below every generation that a coordinator gives, and each row says
/// that it is committed: who owns the conversation later begins after it. Everything may be put
/// again. Blocking; one thread.
class CassandraIntake {
 public:
  /// `session`: of a keyspace that has the tables.
  static Result<std::unique_ptr<CassandraIntake>> open(std::shared_ptr<cassandra::Session> session);

  struct Found {
    std::optional<std::uint64_t> epoch;  // none: nobody has used the tables
    bool moving = false;                 // begun, and not ended
  };
  Result<Found> found();
  /// Message processes refuse these tables from `begin` to `end`. The store has this epoch.
  Result<void> begin(std::uint64_t epoch);
  Result<void> end();

  /// Rows stored, and their sums. Entries whose keys still count at `now` leave them (`sent`).
  struct Put {
    RowSum log, sent;
  };
  Result<Put> put(std::span<const EntryPtr> entries, TimeMs now);
  Result<RowSum> put(std::span<const MarksRow> rows);
  Result<RowSum> put(std::span<const UserInboxRow> rows);
  /// The conversation got entries from `since` on that somebody may not have: its first owner looks
  /// after them. Of several in a shard the earliest time counts, so they come together.
  struct Undone {
    ConversationId conversation;
    TimeMs since;
  };
  Result<void> put(const std::vector<Undone>& undone, TimeMs now);

  /// Of all rows that the tables hold, read back at a quorum; `progress` hears of each page.
  using Progress = std::function<void(std::uint64_t rows)>;
  Result<RowSum> sum_log(const Progress& progress);
  Result<RowSum> sum_sent(const Progress& progress);
  Result<RowSum> sum_marks(const Progress& progress);
  Result<RowSum> sum_inboxes(const Progress& progress);

 private:
  CassandraIntake(std::shared_ptr<cassandra::Session> session, cassandra_log::Tables tables)
      : session_(std::move(session)), tables_(std::move(tables)) {}
  Result<void> write(std::vector<cassandra::Batch> batches);
  Result<RowSum> sum(
      std::string_view cql, const Progress& progress,
      const std::function<Result<bool>(const cassandra::Rows&, std::size_t, std::string&)>& encode);

  const std::shared_ptr<cassandra::Session> session_;
  const cassandra_log::Tables tables_;
  const CassandraConversationStoreSettings settings_;
};

namespace cassandra_log {
// A row as it is summed, wherever it was read; replaces `out`.
void log_row(std::string_view conversation, std::uint64_t seq, std::int64_t time,
             std::string_view value, std::string& out);
void sent_row(std::string_view conversation, std::uint64_t sender, std::string_view key,
              std::string_view value, std::string& out);
void marks_row(const MarksRow& row, std::string& out);
void inbox_row(const UserInboxRow& row, std::string& out);
}  // namespace cassandra_log

}  // namespace parley
