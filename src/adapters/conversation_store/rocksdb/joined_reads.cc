// Reads of RocksdbConversationStore that join rising rows of the tails and of a table.
#include <map>

#include "adapters/conversation_store/rocksdb/damaged.h"
#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "adapters/shared/rows/rows.h"
#include "ports/quick_reads.h"

namespace parley {
namespace {

// So many participants are looked at while nothing can be committed.
constexpr std::size_t kStretch = 1'000;

/// A table's rows whose keys begin with `prefix`, from `start` on, joined with what the tails hold:
/// `emit` gets each key once, by rising key, until it says false. `key_of` reads what follows the
/// prefix.
template <class Key, class Value>
Result<void> join(Index& index, Table table, std::string_view prefix, std::string_view start,
                  const std::map<Key, Value>& fresh,
                  const std::function<Key(std::string_view)>& key_of,
                  const std::function<bool(const Key&, const Value&)>& emit) {
  auto next = fresh.begin();
  bool room = true, readable = true;
  PARLEY_TRY_VOID(index.scan(table, start, [&](std::string_view bytes, std::string_view stored) {
    if (!bytes.starts_with(prefix)) return false;
    Value value;
    if (!rows::decode(stored, value)) return readable = false;
    const auto key = key_of(bytes.substr(prefix.size()));
    for (; room && next != fresh.end() && next->first < key; ++next)
      room = emit(next->first, next->second);
    if (room && next != fresh.end() && next->first == key) value.merge((next++)->second);
    room = room && emit(key, value);
    return room;
  }));
  if (!readable) return damaged("a row of marks or of an inbox cannot be read");
  for (; room && next != fresh.end(); ++next) room = emit(next->first, next->second);
  return {};
}

/// The least key above this one.
std::string after_key(std::string key) {
  key.push_back('\0');
  return key;
}

}  // namespace

Result<std::vector<InboxRow>> RocksdbConversationStore::inbox(UserId user, TimeMs since,
                                                              std::optional<ConversationId> after,
                                                              std::size_t limit) {
  std::vector<InboxRow> out;
  if (limit == 0) return out;
  std::map<ConversationId, rows::InboxValue> fresh;
  bool quick = true;
  tails_.each([&](const Tail& tail) {
    tail.each_of_user(user, [&](const Tail::Participant& p) {
      quick = quick && QuickReads::take(0);
      if (quick && p.has_inbox && (!after || p.conversation > *after))
        fresh[p.conversation].merge(p.inbox());
    });
  });
  if (!quick) return fail(Code::busy, "this takes a while");
  std::string prefix;
  rows::put_u64(prefix, user.value);
  PARLEY_TRY_VOID((join<ConversationId, rows::InboxValue>(
      *index_, Table::inbox, prefix, after ? after_key(rows::inbox_key(user, *after)) : prefix,
      fresh, ConversationId::from_key,
      [&](const ConversationId& conversation, const rows::InboxValue& row) {
        if (row.changed >= since || row.wide)
          out.push_back({conversation, row.changed, row.head, row.wide});
        return out.size() < limit;
      })));
  // A mark made the row, and no entry since then named it.
  for (auto& row : out)
    if (!row.head) {
      PARLEY_TRY(head, this->head(row.conversation));
      row.head = head.seq;
    }
  return out;
}

Result<std::vector<Participant>> RocksdbConversationStore::participants(const ConversationId& group,
                                                                        UserId after,
                                                                        std::size_t limit) {
  std::vector<Participant> out;
  std::string prefix;
  rows::put_conversation(prefix, group);
  for (bool more = limit > 0; more;) {
    std::map<UserId, Marks> fresh;
    UserId last(UINT64_MAX);  // what the tails hold is in `fresh` up to here
    tails_.each([&](const Tail& tail) {
      auto left = kStretch;
      tail.each_of_group(group, after, [&](const Tail::Participant& p) {
        if (p.has_marks) fresh[p.user].merge(p.marks);
        if (--left > 0) return true;
        last = std::min(last, p.user);
        return false;
      });
    });
    PARLEY_TRY_VOID((join<UserId, Marks>(
        *index_, Table::marks, prefix, after_key(rows::marks_key(group, after)), fresh,
        [](std::string_view key) { return UserId(rows::get_u64(key)); },
        [&](const UserId& user, const Marks& marks) {
          if (user > last) return false;
          if (marks.joined) out.push_back({user, marks});
          return out.size() < limit;
        })));
    after = last;
    more = out.size() < limit && last != UserId(UINT64_MAX);
  }
  return out;
}

}  // namespace parley
