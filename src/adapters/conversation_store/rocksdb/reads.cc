// The readers' side of RocksdbConversationStore: the tails first, the tables for what they lack.
#include <algorithm>
#include <fmt/format.h>

#include "adapters/conversation_store/rocksdb/damaged.h"
#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "adapters/shared/rows/rows.h"
#include "domain/text.h"
#include "ports/quick_reads.h"

namespace parley {
namespace {

std::unexpected<Error> missing(const ConversationId& conversation, Seq seq) {
  return damaged(
      fmt::format("entry {} of {} is missing or cannot be read", seq.value, conversation.text()));
}

}  // namespace

Result<Begun> RocksdbConversationStore::begin(const ConversationId& conversation,
                                              Generation generation) {
  if (generation != info_.generation) return std::unexpected(stale());
  PARLEY_TRY(end, head(conversation));
  return Begun{end, {}};
}

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

}  // namespace parley
