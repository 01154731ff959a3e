// Reads at a quorum. They block.
#include <algorithm>
#include <limits>

#include "adapters/conversation_store/cassandra/cassandra_conversation_store.h"
#include "adapters/shared/rows/rows.h"
#include "domain/text.h"
#include "ports/quick_reads.h"

namespace parley {
namespace {

using cassandra_log::damaged;
using cassandra_log::number;
using cassandra_log::repeatable;

constexpr std::uint32_t kPage = 1'000;  // rows asked for at once
constexpr std::uint64_t kNewest = 64;   // that are looked through for a time, before halving

/// A store over the network is never quick.
Result<void> may_block() {
  if (QuickReads::wanted()) return fail(Code::busy, "Cassandra is not asked on an event loop");
  return {};
}

std::int32_t limit_of(std::uint64_t rows) {
  return static_cast<std::int32_t>(
      std::min<std::uint64_t>(rows, std::numeric_limits<std::int32_t>::max()));
}

}  // namespace

Result<void> CassandraConversationStore::each_row(
    cassandra::Statement statement,
    const std::function<Result<bool>(const cassandra::Rows&, std::size_t)>& take) {
  statement.options.page_size = kPage;
  for (;;) {
    PARLEY_TRY(rows, session_->run(statement));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      PARLEY_TRY(more, take(rows, i));
      if (!more) return {};
    }
    if (rows.paging_state().empty()) return {};
    statement.options.paging_state = rows.paging_state();
  }
}

Result<Head> CassandraConversationStore::head(const ConversationId& conversation) {
  PARLEY_TRY_VOID(may_block());
  return settings_.ask_owner(conversation);
}

Result<EntryPtr> CassandraConversationStore::entry(const ConversationId& conversation, Seq seq) {
  auto statement = repeatable(tables_.entry);
  statement.bytes(conversation.key()).bigint(number(bucket_of(seq))).bigint(number(seq));
  PARLEY_TRY(rows, session_->run(statement));
  EntryPtr found;
  Seq committed;
  if (!rows.empty() &&
      !cassandra_log::decode_row(conversation, seq, rows.at(0, 0).bytes(), committed, found))
    return damaged("log");
  return found;
}

/// Rule 5: a row counts only if the log has that very message at that seq.
Result<std::optional<Sent>> CassandraConversationStore::find(const ConversationId& conversation,
                                                             UserId sender,
                                                             std::string_view client_message_id) {
  PARLEY_TRY_VOID(may_block());
  if (client_message_id.empty()) return std::nullopt;
  auto statement = repeatable(tables_.sent);
  statement.bytes(conversation.key()).bigint(number(sender)).bytes(client_message_id);
  PARLEY_TRY(found, session_->run(statement));
  if (found.empty()) return std::nullopt;
  rows::SentRow row;
  if (!rows::decode(found.at(0, 0).bytes(), row) || !row.seq) return damaged("sent");
  PARLEY_TRY(logged, entry(conversation, row.seq));
  if (!logged || logged->sender != sender || logged->client_message_id != client_message_id)
    return std::nullopt;
  return Sent{row.seq, logged->id, logged->time, row.body_hash};
}

Result<void> CassandraConversationStore::read_bucket(const ConversationId& conversation, Seq from,
                                                     Seq to, std::size_t limit, bool newest,
                                                     std::vector<EntryPtr>& out) {
  auto statement = repeatable(newest ? tables_.entries_down : tables_.entries_up);
  statement.bytes(conversation.key())
      .bigint(number(bucket_of(from)))
      .bigint(number(from))
      .bigint(number(to))
      .integer(limit_of(limit));
  return each_row(std::move(statement), [&](const auto& rows, std::size_t i) -> Result<bool> {
    Seq committed;
    if (!cassandra_log::decode_row(conversation,
                                   Seq(static_cast<std::uint64_t>(rows.at(i, 0).bigint())),
                                   rows.at(i, 1).bytes(), committed, out.emplace_back()))
      return damaged("log");
    return true;
  });
}

Result<std::vector<EntryPtr>> CassandraConversationStore::read(const ConversationId& conversation,
                                                               Seq from, Seq to, std::size_t limit,
                                                               bool newest) {
  PARLEY_TRY_VOID(may_block());
  std::vector<EntryPtr> out;
  from = std::max(from, Seq(1));
  // Callers know the head; whoever does not, means the end.
  if (to.value > from.value && to.value - from.value > settings_.bucket_entries) {
    PARLEY_TRY(last, last_seq(conversation));
    to = std::min(to, last);
  }
  if (from > to || limit == 0) return out;
  for (auto left = bucket_of(to) - bucket_of(from) + 1; left > 0 && out.size() < limit; --left) {
    const auto bucket = newest ? bucket_of(from) + left - 1 : bucket_of(to) - left + 1;
    const Seq first(bucket * settings_.bucket_entries + 1);
    PARLEY_TRY_VOID(read_bucket(conversation, std::max(from, first), std::min(to, last_of(bucket)),
                                limit - out.size(), newest, out));
  }
  if (newest) std::ranges::reverse(out);
  for (std::size_t i = 1; i < out.size(); ++i)
    if (out[i]->seq.value != out[i - 1]->seq.value + 1)
      return fail(Code::damaged, "an entry is missing from Cassandra's table log");
  return out;
}

Result<Seq> CassandraConversationStore::seek(const ConversationId& conversation, TimeMs time) {
  PARLEY_TRY_VOID(may_block());
  PARLEY_TRY(end, last_seq(conversation));
  if (!end) return Seq(1);
  // What is asked for is mostly near the end: the newest first, of their partition.
  auto statement = repeatable(tables_.times_down);
  statement.bytes(conversation.key())
      .bigint(number(bucket_of(end)))
      .bigint(number(end))
      .integer(limit_of(kNewest));
  PARLEY_TRY(rows, session_->run(statement));
  Seq after(end.value + 1);  // this one, or the end, is at or after the time
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows.at(i, 1).bigint() < time.value) return after;
    after = Seq(static_cast<std::uint64_t>(rows.at(i, 0).bigint()));
  }
  Seq before;  // and this one is before it
  while (before.value + 1 < after.value) {
    const Seq middle(before.value + (after.value - before.value) / 2);
    PARLEY_TRY(found, entry(conversation, middle));
    if (!found) return fail(Code::damaged, "an entry is missing from Cassandra's table log");
    (found->time < time ? before : after) = middle;
  }
  return after;
}

Result<Marks> CassandraConversationStore::marks(const ConversationId& conversation, UserId user) {
  PARLEY_TRY_VOID(may_block());
  auto statement = repeatable(tables_.marks);
  statement.bytes(conversation.key()).bigint(number(user));
  PARLEY_TRY(rows, session_->run(statement));
  return rows.empty() ? Marks() : cassandra_log::marks_at(rows, 0, 0);
}

Result<std::vector<Participant>> CassandraConversationStore::participants(
    const ConversationId& group, UserId after, std::size_t limit) {
  PARLEY_TRY_VOID(may_block());
  std::vector<Participant> found;
  if (limit == 0) return found;
  auto statement = repeatable(tables_.participants);
  statement.bytes(group.key()).bigint(number(after));
  PARLEY_TRY_VOID(each_row(std::move(statement), [&](const auto& rows, auto i) -> Result<bool> {
    PARLEY_TRY(marks, cassandra_log::marks_at(rows, i, 1));
    if (marks.joined)
      found.push_back({UserId(static_cast<std::uint64_t>(rows.at(i, 0).bigint())), marks});
    return found.size() < limit;
  }));
  return found;
}

Result<std::vector<InboxRow>> CassandraConversationStore::inbox(UserId user, TimeMs since,
                                                                std::optional<ConversationId> after,
                                                                std::size_t limit) {
  PARLEY_TRY_VOID(may_block());
  std::vector<InboxRow> found;
  if (limit == 0) return found;
  auto statement = repeatable(after ? tables_.inbox_after : tables_.inbox);
  statement.bigint(number(user));
  if (after) statement.bytes(after->key());
  PARLEY_TRY_VOID(each_row(std::move(statement), [&](const auto& rows, auto i) -> Result<bool> {
    const auto key = rows.at(i, 0).bytes();
    if (key.size() != rows::kConversationBytes) return damaged("inboxes");
    const auto of = [&](std::size_t column) {
      const auto cell = rows.at(i, column);
      return cell.is_null() ? 0 : cell.bigint();
    };
    const InboxRow row{ConversationId::from_key(key), TimeMs(of(1)),
                       Seq(static_cast<std::uint64_t>(of(2))), !rows.at(i, 3).is_null()};
    if (row.changed >= since || row.wide) found.push_back(row);
    return found.size() < limit;
  }));
  return found;
}

}  // namespace parley
