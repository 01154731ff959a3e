// What the tables hold, read back whole.
#include "adapters/conversation_store/cassandra/intake.h"
#include "adapters/shared/rows/rows.h"

namespace parley {

using cassandra_log::damaged;

namespace cassandra_log {

void log_row(std::string_view conversation, std::uint64_t seq, std::int64_t time,
             std::string_view value, std::string& out) {
  out.assign(conversation);
  rows::put_u64(out, seq);
  rows::put_u64(out, static_cast<std::uint64_t>(time));
  out += value;
}

void sent_row(std::string_view conversation, std::uint64_t sender, std::string_view key,
              std::string_view value, std::string& out) {
  out.assign(conversation);
  rows::put_u64(out, sender);
  rows::put_u64(out, key.size());
  out += key;
  out += value;
}

void marks_row(const MarksRow& row, std::string& out) {
  out = row.conversation.key();
  const auto& m = row.marks;
  for (const auto number : {row.user.value, m.delivered.value, m.read.value, m.read_countable,
                            m.joined.value, m.left.value})
    rows::put_u64(out, number);
}

void inbox_row(const UserInboxRow& row, std::string& out) {
  out = row.row.conversation.key();
  for (const auto number : {row.user.value, static_cast<std::uint64_t>(row.row.changed.value),
                            row.row.head.value, std::uint64_t{row.row.wide}})
    rows::put_u64(out, number);
}

}  // namespace cassandra_log

namespace {

constexpr std::uint32_t kPage = 2'000;

std::uint64_t number_at(const cassandra::Rows& rows, std::size_t row, std::size_t column) {
  const auto cell = rows.at(row, column);
  return cell.is_null() ? 0 : static_cast<std::uint64_t>(cell.bigint());
}

/// Of the first column.
Result<ConversationId> conversation_at(const cassandra::Rows& rows, std::size_t row,
                                       std::size_t column, std::string_view table) {
  const auto key = rows.at(row, column).bytes();
  if (key.size() != rows::kConversationBytes) return damaged(table);
  return ConversationId::from_key(key);
}

}  // namespace

/// `encode` says false of a row that does not count.
Result<RowSum> CassandraIntake::sum(
    std::string_view cql, const Progress& progress,
    const std::function<Result<bool>(const cassandra::Rows&, std::size_t, std::string&)>& encode) {
  PARLEY_TRY(prepared, session_->prepare(cql));
  auto statement = cassandra_log::repeatable(prepared);
  statement.options.page_size = kPage;
  RowSum out;
  std::string row;
  for (;;) {
    PARLEY_TRY(rows, session_->run(statement));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      PARLEY_TRY(counts, encode(rows, i, row));
      if (counts) out.add(row);
    }
    progress(out.rows);
    if (rows.paging_state().empty()) return out;
    statement.options.paging_state = rows.paging_state();
  }
}

Result<RowSum> CassandraIntake::sum_log(const Progress& progress) {
  return sum("SELECT conversation, seq, time_ms, value FROM log", progress,
             [](const auto& rows, std::size_t i, std::string& out) -> Result<bool> {
               cassandra_log::log_row(rows.at(i, 0).bytes(), number_at(rows, i, 1),
                                      static_cast<std::int64_t>(number_at(rows, i, 2)),
                                      rows.at(i, 3).bytes(), out);
               return true;
             });
}

Result<RowSum> CassandraIntake::sum_sent(const Progress& progress) {
  return sum("SELECT conversation, sender, key, value FROM sent", progress,
             [](const auto& rows, std::size_t i, std::string& out) -> Result<bool> {
               cassandra_log::sent_row(rows.at(i, 0).bytes(), number_at(rows, i, 1),
                                       rows.at(i, 2).bytes(), rows.at(i, 3).bytes(), out);
               return true;
             });
}

Result<RowSum> CassandraIntake::sum_marks(const Progress& progress) {
  return sum("SELECT conversation, user_id, delivered, read_to, joined, left_at FROM marks",
             progress, [](const auto& rows, std::size_t i, std::string& out) -> Result<bool> {
               PARLEY_TRY(id, conversation_at(rows, i, 0, "marks"));
               PARLEY_TRY(marks, cassandra_log::marks_at(rows, i, 2));
               cassandra_log::marks_row({id, UserId(number_at(rows, i, 1)), marks}, out);
               return true;
             });
}

Result<RowSum> CassandraIntake::sum_inboxes(const Progress& progress) {
  return sum("SELECT conversation, user_id, changed_ms, head, wide FROM inboxes", progress,
             [](const auto& rows, std::size_t i, std::string& out) -> Result<bool> {
               PARLEY_TRY(id, conversation_at(rows, i, 0, "inboxes"));
               const InboxRow row{id, TimeMs(static_cast<std::int64_t>(number_at(rows, i, 2))),
                                  Seq(number_at(rows, i, 3)), !rows.at(i, 4).is_null()};
               cassandra_log::inbox_row({UserId(number_at(rows, i, 1)), row}, out);
               return true;
             });
}

}  // namespace parley
