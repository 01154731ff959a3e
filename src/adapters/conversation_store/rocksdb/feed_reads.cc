// The feed's side of RocksdbConversationStore.
#include <algorithm>

#include "adapters/conversation_store/rocksdb/damaged.h"
#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "adapters/shared/rows/rows.h"

namespace parley {
namespace {

// So many rows are looked at while nothing can be committed.
constexpr std::uint64_t kStretch = 4'096;

}  // namespace

Result<FeedPage> RocksdbConversationStore::feed(std::uint64_t after, std::size_t limit, Of of) {
  FeedPage page{{}, std::max(after, trimmed_.load())};
  while (page.entries.size() < limit) {
    const auto from = page.next + 1;
    std::uint64_t in_tails = 0;  // from here on
    bool taken = false;
    tails_.each([&](const Tail& tail) {
      in_tails = tail.first_feed();
      if (from < in_tails || from > tail.last_feed()) return;
      taken = true;
      const auto end = std::min(tail.last_feed() + 1, from + kStretch);
      for (auto p = from; p < end && page.entries.size() < limit; page.next = p++) {
        const auto& entry = *tail.feed_entry(p);
        if (of == Of::groups && entry.conversation.is_direct()) continue;
        page.entries.push_back({p, entry.conversation, entry.seq});
      }
    });
    if (taken) continue;
    if (from >= in_tails) break;
    PARLEY_TRY_VOID(stored_feed(in_tails, limit, of, page));
  }
  return page;
}

Result<void> RocksdbConversationStore::stored_feed(std::uint64_t end, std::size_t limit, Of of,
                                                   FeedPage& page) {
  PARLEY_TRY_VOID(index_->scan(Table::feed, rows::feed_key(page.next + 1),
                               [&](std::string_view key, std::string_view value) {
                                 FeedEntry row;
                                 row.position = rows::get_u64(key);
                                 if (row.position != page.next + 1 || row.position >= end)
                                   return false;
                                 if (of == Of::all || !rows::is_direct_feed(value)) {
                                   if (!rows::decode(value, row)) return false;
                                   page.entries.push_back(row);
                                 }
                                 ++page.next;
                                 return page.entries.size() < limit;
                               }));
  if (page.next + 1 >= end || page.entries.size() >= limit) return {};
  // Rows may have gone while they were read.
  const auto trimmed = trimmed_.load();
  if (trimmed <= page.next)
    return damaged(fmt::format("row {} of the feed is missing or cannot be read", page.next + 1));
  page.next = trimmed;
  return {};
}

void RocksdbConversationStore::trim(std::uint64_t position) {
  std::uint64_t last = 0;
  tails_.each([&](const Tail& tail) { last = std::max(last, tail.last_feed()); });
  position = std::min(position, last);
  for (auto trimmed = trimmed_.load();
       trimmed < position && !trimmed_.compare_exchange_weak(trimmed, position);) {
  }
}

Result<std::uint64_t> RocksdbConversationStore::position(std::string_view consumer) {
  const std::lock_guard lock(positions_mutex_);
  const auto found = positions_.find(consumer);
  return found == positions_.end() ? 0 : found->second.position;
}

void RocksdbConversationStore::set_position(std::string_view consumer, std::uint64_t position) {
  const std::lock_guard lock(positions_mutex_);
  auto found = positions_.find(consumer);
  if (found == positions_.end()) found = positions_.emplace(consumer, Position{0, true}).first;
  if (position <= found->second.position) return;
  found->second = {position, false};
}

}  // namespace parley
