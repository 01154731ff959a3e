// What a writer begins with: the end of a conversation's log.
#include <algorithm>

#include "adapters/conversation_store/cassandra/cassandra_conversation_store.h"
#include "ports/quick_reads.h"

namespace parley {
namespace {

using cassandra_log::number;
using cassandra_log::repeatable;

// The last append is mostly one entry, and names the one before it.
constexpr std::int32_t kFirstRows = 4, kMoreRows = 512;

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

Result<CassandraConversationStore::End> CassandraConversationStore::read_end(
    const ConversationId& conversation) {
  End end;
  PARLEY_TRY(last, last_seq(conversation));
  auto next = last;
  for (auto limit = kFirstRows;; limit = kMoreRows) {
    const bool from_start = !next;
    if (next) {
      const auto bucket = bucket_of(next);
      auto statement = repeatable(tables_.last_entries);
      statement.bytes(conversation.key())
          .bigint(number(bucket))
          .bigint(number(next))
          .integer(limit);
      PARLEY_TRY(rows, session_->run(statement));
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const Seq seq(static_cast<std::uint64_t>(rows.at(i, 0).bigint()));
        auto& row = end.rows.emplace_back();
        if (!cassandra_log::decode_row(conversation, seq, rows.at(i, 1).bytes(), row.committed,
                                       row.entry))
          return cassandra_log::damaged("log");
        row.generation = Generation(static_cast<std::uint64_t>(rows.at(i, 2).bigint()));
      }
      // Fewer than asked for: the partition has no more, and the one before it is full.
      next = static_cast<std::int32_t>(rows.size()) < limit
                 ? Seq(bucket * settings_.bucket_entries)
                 : Seq(end.rows.back().entry->seq.value - 1);
    }
    std::ranges::sort(end.rows, {}, [](const auto& row) { return row.entry->seq; });
    PARLEY_TRY(found, cassandra_log::end_of_log(end.rows, from_start || !next));
    if (found) {
      end.begun = std::move(*found);
      return end;
    }
  }
}

Result<Begun> CassandraConversationStore::begin(const ConversationId& conversation,
                                                Generation generation) {
  if (QuickReads::wanted()) return fail(Code::busy, "Cassandra is not asked on an event loop");
  if (!holds(conversation, generation)) return stale();
  PARLEY_TRY(end, read_end(conversation));
  // The generations of leases never go back; what a later one has written is not this one's to
  // read.
  if (cassandra_log::newest(end.rows) > generation) return stale();
  if (!holds(conversation, generation)) return stale();
  return std::move(end.begun);
}

}  // namespace parley
