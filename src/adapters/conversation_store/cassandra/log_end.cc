#include "adapters/conversation_store/cassandra/log_end.h"

#include <algorithm>

namespace parley::cassandra_log {

Result<std::optional<Begun>> end_of_log(std::span<const Row> rows, bool from_start) {
  Begun begun;
  if (rows.empty()) return from_start ? std::optional(std::move(begun)) : std::optional<Begun>();
  Seq committed;
  for (const auto& row : rows) committed = std::max(committed, row.committed);
  auto next = rows.begin();
  Generation generation;
  if (committed) {
    next = std::ranges::lower_bound(rows, committed, {}, [](const Row& r) { return r.entry->seq; });
    const bool before = next == rows.begin() && rows.front().entry->seq > committed;
    if (before && !from_start) return std::nullopt;
    if (next == rows.end() || next->entry->seq != committed)
      return fail(Code::damaged, "an entry that was committed is missing from the store");
    begun.head = head_after(*next->entry);
    generation = next->generation;
    ++next;
  } else if (!from_start) {
    return std::nullopt;
  }
  for (auto seq = committed.value + 1; next != rows.end(); ++next, ++seq) {
    if (next->entry->seq.value != seq || next->generation < generation) break;
    generation = next->generation;
    begun.tail.push_back(next->entry);
  }
  return begun;
}

Generation newest(std::span<const Row> rows) {
  Generation highest;
  for (const auto& row : rows) highest = std::max(highest, row.generation);
  return highest;
}

}  // namespace parley::cassandra_log
