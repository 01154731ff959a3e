#pragma once
#include <optional>
#include <span>

#include "ports/conversation_store.h"

namespace parley::cassandra_log {

/// A row of a conversation's log as it was read at a quorum.
struct Row {
  EntryPtr entry;
  Generation generation;  // the time stamp of its cell: of who wrote it last
  Seq committed;          // the head that its writer had when it wrote it
};

/// The end of a log, from its last rows by rising seq, without holes made by reading.
/// `from_start`: nothing of the log lies before the first of them. None: too few rows to say.
/// `damaged`: an entry that was committed is not there.
///
/// Everything up to the highest `committed` of any row is certain: a writer moved its head only
/// while its lease held. What follows densely, and by generations that do not fall, is the tail;
/// what lies behind a hole or a lower generation was written late by somebody who had lost the
/// shard, and is no part of the log. (docs/ownership.md; rule 4 of "How the order is kept".)
Result<std::optional<Begun>> end_of_log(std::span<const Row> rows, bool from_start);

/// The highest generation that wrote any of the rows.
Generation newest(std::span<const Row> rows);

}  // namespace parley::cassandra_log
