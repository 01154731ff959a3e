// The readers' side of RocksdbConversationStore: the tails first, the tables for what they lack.
#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "adapters/conversation_store/rocksdb/rows.h"
#include "domain/text.h"
#include "ports/quick_reads.h"

namespace parley {
namespace {

std::unexpected<Error> damaged(std::string_view what) {
  return fail(Code::damaged, fmt::format("the store is damaged: {}", what));
}
std::unexpected<Error> missing(const ConversationId& conversation, Seq seq) {
  return damaged(
      fmt::format("entry {} of {} is missing or cannot be read", seq.value, conversation.text()));
}

}  // namespace

Result<Head> RocksdbConversationStore::head(const ConversationId& conversation) {
  std::optional<Head> head;
  tails_.each([&](const Tail& tail) {
    if (head) return;
    if (const auto* of = tail.conversation(conversation)) head = tail.head(*of);
  });
  if (head) return *head;
  return stored_head(conversation);
}

Result<Head> RocksdbConversationStore::stored_head(const ConversationId& conversation) {
  rocksdb::PinnableSlice value;
  PARLEY_TRY(found, index_->get(Table::entries, rows::entry_key(conversation, Seq(0)), value));
  Head head;
  if (found && !rows::decode(value.ToStringView(), head))
    return damaged("the head of " + conversation.text() + " cannot be read");
  return head;
}

Result<EntryPtr> RocksdbConversationStore::entry(const ConversationId& conversation, Seq seq) {
  EntryPtr entry;
  tails_.each([&](const Tail& tail) {
    const auto* of = tail.conversation(conversation);
    if (of != nullptr && seq >= of->first && seq.value < of->first.value + of->entries.size())
      entry = tail.entry(*of, seq);
  });
  if (entry) return entry;
  return stored_entry(conversation, seq);
}

Result<EntryPtr> RocksdbConversationStore::stored_entry(const ConversationId& conversation,
                                                        Seq seq) {
  rocksdb::PinnableSlice value;
  PARLEY_TRY(found, index_->get(Table::entries, rows::entry_key(conversation, seq), value));
  auto entry = found ? rows::decode_entry(conversation, seq, value.ToStringView()) : nullptr;
  if (!entry) return missing(conversation, seq);
  return entry;
}

Result<std::optional<Sent>> RocksdbConversationStore::find(const ConversationId& conversation,
                                                           UserId sender,
                                                           std::string_view client_message_id) {
  std::optional<Sent> sent;
  tails_.each([&](const Tail& tail) {
    if (sent) return;
    if (const auto* entry = tail.find(conversation, sender, client_message_id))
      sent = Sent{entry->seq, entry->id, entry->time, hash_bytes(entry->body)};
  });
  if (sent) return sent;
  rocksdb::PinnableSlice value;
  PARLEY_TRY(found, index_->get(Table::idem,
                                rows::sent_key(conversation, sender, client_message_id), value));
  if (!found) return std::nullopt;
  rows::SentRow row;
  if (!rows::decode(value.ToStringView(), row))
    return damaged("an idempotency row of " + conversation.text() + " cannot be read");
  PARLEY_TRY(entry, stored_entry(conversation, row.seq));
  return Sent{row.seq, entry->id, entry->time, row.body_hash};
}

Result<std::vector<EntryPtr>> RocksdbConversationStore::read(const ConversationId& conversation,
                                                             Seq from, Seq to, std::size_t limit,
                                                             bool newest) {
  // What the tails hold of a conversation is its end, without a gap: from `in_tails` on.
  std::vector<EntryPtr> late;
  std::uint64_t first = std::max<std::uint64_t>(from.value, 1), last = 0;
  std::uint64_t in_tails = 0;
  const auto cut = [&](Seq head) {
    last = std::min(to.value, head.value);
    if (first > last || limit == 0) return false;
    if (last - first >= limit)
      (newest ? first : last) = newest ? last - limit + 1 : first + limit - 1;
    return true;
  };
  bool known = false, any = false;
  tails_.each([&](const Tail& tail) {
    const auto* of = tail.conversation(conversation);
    if (of == nullptr) return;
    if (!known) any = cut(tail.head(*of).seq);
    known = true;
    in_tails = of->first.value;
    if (!any) return;
    // The newest tail comes first: collected backwards, turned round in the end.
    const auto end = in_tails + of->entries.size() - 1;
    for (auto seq = std::min(end, last); seq >= std::max(in_tails, first); --seq)
      late.push_back(tail.entry(*of, Seq(seq)));
  });
  if (!known) {
    PARLEY_TRY(head, stored_head(conversation));
    any = cut(head.seq);
    in_tails = last + 1;
  }
  std::vector<EntryPtr> entries;
  if (!any) return entries;
  if (first < in_tails)
    PARLEY_TRY_VOID(
        stored_entries(conversation, Seq(first), Seq(std::min(last, in_tails - 1)), entries));
  entries.insert(entries.end(), late.rbegin(), late.rend());
  return entries;
}

Result<void> RocksdbConversationStore::stored_entries(const ConversationId& conversation, Seq from,
                                                      Seq to, std::vector<EntryPtr>& out) {
  if (from == to) {
    PARLEY_TRY(only, stored_entry(conversation, from));
    out.push_back(std::move(only));
    return {};
  }
  auto next = from.value;
  PARLEY_TRY_VOID(index_->scan(Table::entries, rows::entry_key(conversation, from),
                               [&](std::string_view key, std::string_view value) {
                                 if (key != rows::entry_key(conversation, Seq(next))) return false;
                                 auto entry = rows::decode_entry(conversation, Seq(next), value);
                                 if (!entry) return false;
                                 out.push_back(std::move(entry));
                                 return ++next <= to.value;
                               }));
  if (next <= to.value) return missing(conversation, Seq(next));
  return {};
}

Result<Seq> RocksdbConversationStore::seek(const ConversationId& conversation, TimeMs time) {
  PARLEY_TRY(head, this->head(conversation));
  std::uint64_t low = 1, high = head.seq.value + 1;  // times do not fall as seq rises
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    PARLEY_TRY(entry, this->entry(conversation, Seq(middle)));
    if (entry->time < time)
      low = middle + 1;
    else
      high = middle;
  }
  return Seq(low);
}

Result<Marks> RocksdbConversationStore::marks(const ConversationId& conversation, UserId user) {
  Marks marks;
  tails_.each([&](const Tail& tail) {
    if (const auto* participant = tail.participant(conversation, user))
      marks.merge(participant->marks);
  });
  rocksdb::PinnableSlice value;
  PARLEY_TRY(found, index_->get(Table::marks, rows::marks_key(conversation, user), value));
  Marks stored;
  if (found && !rows::decode(value.ToStringView(), stored))
    return damaged("marks in " + conversation.text() + " cannot be read");
  marks.merge(stored);
  return marks;
}

Result<std::vector<InboxRow>> RocksdbConversationStore::inbox(UserId user, TimeMs since,
                                                              std::optional<ConversationId> after,
                                                              std::size_t limit) {
  std::map<ConversationId, rows::InboxValue> fresh;
  bool quick = true;
  tails_.each([&](const Tail& tail) {
    tail.each_of_user(user, [&](const Tail::Participant& p) {
      quick = quick && QuickReads::take(0);
      if (!quick || !p.has_inbox || (after && p.conversation <= *after)) return;
      auto& row = fresh[p.conversation];
      row.changed = std::max(row.changed, p.changed);
      row.head = std::max(row.head, p.head);
    });
  });
  std::vector<InboxRow> out;
  const auto emit = [&](const ConversationId& conversation, const rows::InboxValue& row) {
    if (row.changed >= since) out.push_back({conversation, row.changed, row.head});
    return out.size() < limit;
  };
  if (!quick) return fail(Code::busy, "this takes a while");
  if (limit == 0) return out;

  // Two rising sequences, joined.
  auto next = fresh.begin();
  bool room = true, readable = true;
  const auto start = rows::inbox_key(user, after.value_or(ConversationId()));
  const std::string_view prefix = std::string_view(start).substr(0, 8);
  PARLEY_TRY_VOID(
      index_->scan(Table::inbox, start, [&](std::string_view key, std::string_view value) {
        if (!key.starts_with(prefix)) return false;
        if (after && key == start) return true;
        rows::InboxValue row;
        if (!rows::decode(value, row)) return readable = false;
        const auto conversation = ConversationId::from_key(key.substr(8));
        for (; room && next != fresh.end() && next->first < conversation; ++next)
          room = emit(next->first, next->second);
        if (room && next != fresh.end() && next->first == conversation) {
          row.changed = std::max(row.changed, next->second.changed);
          row.head = std::max(row.head, next->second.head);
          ++next;
        }
        room = room && emit(conversation, row);
        return room;
      }));
  if (!readable) return damaged("a row of an inbox cannot be read");
  for (; room && next != fresh.end(); ++next) room = emit(next->first, next->second);
  // A mark made the row, and no entry since then named it.
  for (auto& row : out)
    if (!row.head) {
      PARLEY_TRY(head, this->head(row.conversation));
      row.head = head.seq;
    }
  return out;
}

Result<std::vector<FeedEntry>> RocksdbConversationStore::feed(std::uint64_t after,
                                                              std::size_t limit) {
  std::vector<FeedEntry> late;
  std::uint64_t in_tails = 0;
  tails_.each([&](const Tail& tail) {
    in_tails = tail.first_feed();
    // The newest tail comes first: the older one's rows go before.
    std::vector<FeedEntry> rows;
    for (auto p = std::max(after + 1, in_tails); p <= tail.last_feed() && rows.size() < limit; ++p)
      rows.push_back({p, tail.feed_entry(p)->conversation, tail.feed_entry(p)->seq});
    rows.insert(rows.end(), late.begin(), late.end());
    late = std::move(rows);
  });
  std::vector<FeedEntry> out;
  auto next = after + 1;
  if (next < in_tails && limit > 0) {
    PARLEY_TRY_VOID(index_->scan(
        Table::feed, rows::feed_key(next), [&](std::string_view key, std::string_view value) {
          FeedEntry row;
          row.position = rows::get_u64(key);
          if (row.position != next || next >= in_tails || !rows::decode(value, row)) return false;
          out.push_back(row);
          return ++next < in_tails && out.size() < limit;
        }));
    if (next < in_tails && out.size() < limit)
      return damaged(fmt::format("row {} of the feed is missing or cannot be read", next));
  }
  for (const auto& row : late)
    if (out.size() < limit) out.push_back(row);
  return out;
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
