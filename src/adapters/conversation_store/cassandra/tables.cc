#include "adapters/conversation_store/cassandra/tables.h"

#include "adapters/shared/rows/rows.h"

namespace parley::cassandra_log {
namespace {

constexpr std::size_t kReadBytes = 16;

std::uint64_t number_at(const cassandra::Rows& rows, std::size_t row, std::size_t column) {
  const auto cell = rows.at(row, column);
  return cell.is_null() ? 0 : static_cast<std::uint64_t>(cell.bigint());
}

}  // namespace

Result<Tables> Tables::prepare(cassandra::Session& s) {
  PARLEY_TRY(put_entry, s.prepare("INSERT INTO log (conversation, bucket, seq, time_ms, value) "
                                  "VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?"));
  PARLEY_TRY(put_sent, s.prepare("INSERT INTO sent (conversation, sender, key, value) "
                                 "VALUES (?, ?, ?, ?) USING TTL ? AND TIMESTAMP ?"));
  PARLEY_TRY(put_changed, s.prepare("UPDATE inboxes USING TIMESTAMP ? SET changed_ms = ? "
                                    "WHERE user_id = ? AND conversation = ?"));
  PARLEY_TRY(put_head, s.prepare("UPDATE inboxes USING TIMESTAMP ? SET head = ? "
                                 "WHERE user_id = ? AND conversation = ?"));
  PARLEY_TRY(put_wide, s.prepare("UPDATE inboxes USING TIMESTAMP 1 SET wide = true "
                                 "WHERE user_id = ? AND conversation = ?"));
  const auto put_mark = [&s](std::string_view column) {
    return s.prepare("UPDATE marks USING TIMESTAMP ? SET " + std::string(column) +
                     " = ? WHERE conversation = ? AND user_id = ?");
  };
  PARLEY_TRY(put_delivered, put_mark("delivered"));
  PARLEY_TRY(put_read, put_mark("read_to"));
  PARLEY_TRY(put_joined, put_mark("joined"));
  PARLEY_TRY(put_left, put_mark("left_at"));
  PARLEY_TRY(put_touched, s.prepare("INSERT INTO touched (shard, period, conversation) "
                                    "VALUES (?, ?, ?) USING TTL ?"));
  PARLEY_TRY(put_settled,
             s.prepare("UPDATE settled USING TIMESTAMP ? SET time_ms = ? WHERE shard = ?"));
  PARLEY_TRY(last_entries, s.prepare("SELECT seq, value, WRITETIME(value) FROM log "
                                     "WHERE conversation = ? AND bucket = ? AND seq <= ? LIMIT ?"));
  PARLEY_TRY(entries_up,
             s.prepare("SELECT seq, value FROM log WHERE conversation = ? AND "
                       "bucket = ? AND seq >= ? AND seq <= ? ORDER BY seq ASC LIMIT ?"));
  PARLEY_TRY(entries_down, s.prepare("SELECT seq, value FROM log WHERE conversation = ? AND "
                                     "bucket = ? AND seq >= ? AND seq <= ? LIMIT ?"));
  PARLEY_TRY(entry, s.prepare("SELECT value FROM log "
                              "WHERE conversation = ? AND bucket = ? AND seq = ?"));
  PARLEY_TRY(times_down, s.prepare("SELECT seq, time_ms FROM log "
                                   "WHERE conversation = ? AND bucket = ? AND seq <= ? LIMIT ?"));
  PARLEY_TRY(sent, s.prepare("SELECT value FROM sent "
                             "WHERE conversation = ? AND sender = ? AND key = ?"));
  PARLEY_TRY(marks, s.prepare("SELECT delivered, read_to, joined, left_at FROM marks "
                              "WHERE conversation = ? AND user_id = ?"));
  PARLEY_TRY(participants,
             s.prepare("SELECT user_id, delivered, read_to, joined, left_at FROM marks "
                       "WHERE conversation = ? AND user_id > ?"));
  PARLEY_TRY(inbox, s.prepare("SELECT conversation, changed_ms, head, wide FROM inboxes "
                              "WHERE user_id = ?"));
  PARLEY_TRY(inbox_after, s.prepare("SELECT conversation, changed_ms, head, wide FROM inboxes "
                                    "WHERE user_id = ? AND conversation > ?"));
  PARLEY_TRY(touched,
             s.prepare("SELECT conversation FROM touched WHERE shard IN ? AND period = ?"));
  PARLEY_TRY(settled, s.prepare("SELECT shard, time_ms FROM settled WHERE shard IN ?"));
  return Tables{std::move(put_entry),    std::move(put_sent),     std::move(put_changed),
                std::move(put_head),     std::move(put_wide),     std::move(put_delivered),
                std::move(put_read),     std::move(put_joined),   std::move(put_left),
                std::move(put_touched),  std::move(put_settled),  std::move(last_entries),
                std::move(entries_up),   std::move(entries_down), std::move(entry),
                std::move(times_down),   std::move(sent),         std::move(marks),
                std::move(participants), std::move(inbox),        std::move(inbox_after),
                std::move(touched),      std::move(settled)};
}

cassandra::Statement repeatable(const cassandra::Prepared& prepared) {
  cassandra::Statement statement(prepared);
  statement.options.idempotent = true;
  return statement;
}

std::string encode_row(Seq committed, const Entry& entry, Generation generation) {
  std::string value, encoded;
  rows::encode_entry(entry, generation, encoded);
  value.reserve(8 + encoded.size());
  rows::put_u64(value, committed.value);
  value += encoded;
  return value;
}

bool decode_row(const ConversationId& conversation, Seq seq, std::string_view value, Seq& committed,
                EntryPtr& entry) {
  if (value.size() < 8) return false;
  committed = Seq(rows::get_u64(value));
  entry = rows::decode_entry(conversation, seq, value.substr(8));
  return entry != nullptr;
}

std::string encode_read(const Marks& marks) {
  std::string value;
  rows::put_u64(value, marks.read.value);
  rows::put_u64(value, marks.read_countable);
  return value;
}

Result<Marks> marks_at(const cassandra::Rows& rows, std::size_t row, std::size_t column) {
  Marks stored, marks;
  stored.delivered = Seq(number_at(rows, row, column));
  if (const auto read = rows.at(row, column + 1); !read.is_null()) {
    if (read.bytes().size() != kReadBytes) return damaged("marks");
    stored.read = Seq(rows::get_u64(read.bytes()));
    stored.read_countable = rows::get_u64(read.bytes().substr(8));
  }
  stored.joined = Seq(number_at(rows, row, column + 2));
  stored.left = Seq(number_at(rows, row, column + 3));
  marks.merge(stored);  // read implies delivered
  return marks;
}

}  // namespace parley::cassandra_log
