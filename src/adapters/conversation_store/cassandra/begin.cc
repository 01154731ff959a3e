// What a writer begins with: the end of a conversation's log.
#include <algorithm>

#include "adapters/conversation_store/cassandra/cassandra_conversation_store.h"
#include "ports/quick_reads.h"

namespace parley {
namespace {

using cassandra_log::number;
using cassandra_log::repeatable;

// The last append is mostly one entry, and names the one before it.
constexpr std::uint64_t kFirstRows = 4, kMoreRows = 512;

std::unexpected<Error> stale() {
  return fail(Code::stale_generation, "another process owns this shard now");
}

}  // namespace

Result<Seq> CassandraConversationStore::last_seq(const ConversationId& conversation,
                                                 std::uint64_t bucket) {
  auto statement = repeatable(tables_.times_down);
  statement.bytes(conversation.key())
      .bigint(number(bucket))
      .bigint(number(last_of(bucket)))
      .integer(1);
  PARLEY_TRY(rows, session_->run(statement));
  return rows.empty() ? Seq() : Seq(static_cast<std::uint64_t>(rows.at(0, 0).bigint()));
}

/// A partition is begun only when everything in the one before is committed, so those with rows
/// come before those without: found by doubling, then halving.
Result<Seq> CassandraConversationStore::last_seq(const ConversationId& conversation) {
  std::uint64_t full = 0, empty = 1;
  PARLEY_TRY(last, last_seq(conversation, 0));
  if (last < last_of(0)) return last;
  for (;; empty *= 2) {
    PARLEY_TRY(there, last_seq(conversation, empty));
    if (!there) break;
    full = empty;
    last = there;
  }
  while (full + 1 < empty) {
    const auto middle = full + (empty - full) / 2;
    PARLEY_TRY(there, last_seq(conversation, middle));
    (there ? full : empty) = middle;
    if (there) last = there;
  }
  return last;
}

/// The rows of the last partition in one read, so that a batch is seen whole or not at all: two
/// reads may ask other replicas. The row before the partition is certain, and may be read by
/// itself.
Result<CassandraConversationStore::End> CassandraConversationStore::read_end(
    const ConversationId& conversation) {
  PARLEY_TRY(last, last_seq(conversation));
  const auto bucket = last ? bucket_of(last) : 0;
  const auto most = settings_.bucket_entries;
  for (const auto limit : {std::min(kFirstRows, most), std::min(kMoreRows, most), most}) {
    End end;
    PARLEY_TRY_VOID(read_rows(conversation, bucket, last_of(bucket), limit, end.rows));
    const bool whole = end.rows.size() < limit || bucket_begins(end.rows.back());
    if (whole && bucket > 0)
      PARLEY_TRY_VOID(read_rows(conversation, bucket - 1, last_of(bucket - 1), 1, end.rows));
    std::ranges::reverse(end.rows);
    PARLEY_TRY(found, cassandra_log::end_of_log(end.rows, whole && bucket == 0));
    if (!found) continue;
    end.begun = std::move(*found);
    return end;
  }
  return fail(Code::damaged, "the end of a log in Cassandra names no row before it");
}

bool CassandraConversationStore::bucket_begins(const cassandra_log::Row& row) const {
  return (row.entry->seq.value - 1) % settings_.bucket_entries == 0;
}

/// Appends the last `limit` rows of a partition, the last one first.
Result<void> CassandraConversationStore::read_rows(const ConversationId& conversation,
                                                   std::uint64_t bucket, Seq to,
                                                   std::uint64_t limit,
                                                   std::vector<cassandra_log::Row>& out) {
  auto statement = repeatable(tables_.last_entries);
  statement.bytes(conversation.key())
      .bigint(number(bucket))
      .bigint(number(to))
      .integer(static_cast<std::int32_t>(limit));
  PARLEY_TRY(rows, session_->run(statement));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Seq seq(static_cast<std::uint64_t>(rows.at(i, 0).bigint()));
    auto& row = out.emplace_back();
    if (!cassandra_log::decode_row(conversation, seq, rows.at(i, 1).bytes(), row.committed,
                                   row.entry))
      return cassandra_log::damaged("log");
    row.generation = Generation(static_cast<std::uint64_t>(rows.at(i, 2).bigint()));
  }
  return {};
}

Result<Begun> CassandraConversationStore::begin(const ConversationId& conversation,
                                                Generation generation) {
  if (QuickReads::wanted()) return fail(Code::busy, "Cassandra is not asked on an event loop");
  if (!holds(conversation, generation)) return stale();
  auto end = read_end(conversation);
  // Whoever was overtaken meanwhile may have read what a later one was writing.
  if (!holds(conversation, generation)) return stale();
  if (!end) return std::unexpected(end.error());
  // The generations of leases never go back; what a later one has written is not this one's to
  // read.
  if (cassandra_log::newest(end->rows) > generation) return stale();
  return std::move(end->begun);
}

}  // namespace parley
