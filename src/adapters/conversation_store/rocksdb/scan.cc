#include "adapters/conversation_store/rocksdb/scan.h"

#include <algorithm>
#include <tuple>

#include "adapters/conversation_store/rocksdb/damaged.h"

namespace parley {
namespace {

auto key_of(const EntryPtr& entry) {
  return std::tuple<const ConversationId&, Seq>(entry->conversation, entry->seq);
}
auto key_of(const MarksRow& row) {
  return std::tuple<const ConversationId&, UserId>(row.conversation, row.user);
}
auto key_of(const UserInboxRow& row) {
  return std::tuple<UserId, const ConversationId&>(row.user, row.row.conversation);
}

void merge(EntryPtr&, const EntryPtr&) {}  // an entry is in one of them alone
void merge(MarksRow& row, const MarksRow& other) { row.marks.merge(other.marks); }
void merge(UserInboxRow& row, const UserInboxRow& other) {
  row.row.changed = std::max(row.row.changed, other.row.changed);
  row.row.head = std::max(row.row.head, other.row.head);
  row.row.wide = row.row.wide || other.row.wide;
}

/// Rows of a table from `from` on that lie after `after`, with those of the tail. `decode(key,
/// value, row)`: 1 a row, 0 none, -1 damage.
template <class Row, class Key, class Decode>
Result<std::vector<Row>> weave(Index& index, Table table, std::string_view name,
                               const std::string& from, const Key& after,
                               const std::vector<Row>& tail, std::size_t limit, Decode decode) {
  std::vector<Row> out;
  auto next = std::ranges::upper_bound(tail, after, {}, [](const Row& row) { return key_of(row); });
  bool good = true;
  const auto take = [&](std::string_view key, std::string_view value) {
    Row row;
    const int decoded = decode(key, value, row);
    good = decoded >= 0;
    if (decoded <= 0) return good;
    if (key_of(row) <= after) return true;
    for (; next != tail.end() && key_of(*next) < key_of(row) && out.size() < limit; ++next)
      out.push_back(*next);
    if (out.size() >= limit) return false;
    if (next != tail.end() && key_of(*next) == key_of(row)) merge(row, *next++);
    out.push_back(std::move(row));
    return out.size() < limit;
  };
  PARLEY_TRY_VOID(index.scan(table, from, take));
  if (!good) return damaged(fmt::format("a row of the table {} cannot be read", name));
  for (; next != tail.end() && out.size() < limit; ++next) out.push_back(*next);
  return out;
}

constexpr auto kId = rows::kConversationBytes;

}  // namespace

Result<std::unique_ptr<RocksdbScan>> RocksdbScan::open(const std::string& folder,
                                                       RocksdbConversationStoreSettings settings) {
  PARLEY_TRY(parts, read_store(folder, std::move(settings)));
  return std::unique_ptr<RocksdbScan>(new RocksdbScan(std::move(parts)));
}

RocksdbScan::RocksdbScan(StoreParts parts) : parts_(std::move(parts)) {
  const auto& tail = *parts_.tail;
  for (auto p = tail.first_feed(); p <= tail.last_feed(); ++p)
    entries_.push_back(tail.feed_entry(p));
  for (const auto& p : tail.participants()) {
    if (p.has_marks) marks_.push_back({p.conversation, p.user, p.marks});
    if (p.has_inbox) inboxes_.push_back({p.user, {p.conversation, p.changed, p.head, p.wide}});
  }
  const auto sort = [](auto& rows) {
    std::ranges::sort(rows, {}, [](const auto& row) { return key_of(row); });
  };
  sort(entries_);
  sort(marks_);
  sort(inboxes_);
}

std::uint64_t RocksdbScan::version() const {
  return parts_.info.generation.value * 0x9e3779b97f4a7c15 + parts_.state.covered +
         parts_.tail_bytes;
}

Result<std::vector<EntryPtr>> RocksdbScan::entries(const ConversationId& conversation, Seq after,
                                                   std::size_t limit) {
  return weave(*parts_.index, Table::entries, "entries", rows::entry_key(conversation, after),
               std::tuple<const ConversationId&, Seq>(conversation, after), entries_, limit,
               [](std::string_view key, std::string_view value, EntryPtr& out) {
                 if (key.size() != kId + 8) return -1;
                 const Seq seq(rows::get_u64(key.substr(kId)));
                 if (!seq) return 0;  // the head, which the last entry says too
                 out = rows::decode_entry(ConversationId::from_key(key.substr(0, kId)), seq, value);
                 return out ? 1 : -1;
               });
}

Result<std::vector<MarksRow>> RocksdbScan::marks(const ConversationId& conversation, UserId after,
                                                 std::size_t limit) {
  return weave(*parts_.index, Table::marks, "marks", rows::marks_key(conversation, after),
               std::tuple<const ConversationId&, UserId>(conversation, after), marks_, limit,
               [](std::string_view key, std::string_view value, MarksRow& out) {
                 if (key.size() != kId + 8 || !rows::decode(value, out.marks)) return -1;
                 out.conversation = ConversationId::from_key(key.substr(0, kId));
                 out.user = UserId(rows::get_u64(key.substr(kId)));
                 return 1;
               });
}

Result<std::vector<UserInboxRow>> RocksdbScan::inboxes(UserId user, const ConversationId& after,
                                                       std::size_t limit) {
  return weave(*parts_.index, Table::inbox, "inbox", rows::inbox_key(user, after),
               std::tuple<UserId, const ConversationId&>(user, after), inboxes_, limit,
               [](std::string_view key, std::string_view value, UserInboxRow& out) {
                 rows::InboxValue row;
                 if (key.size() != 8 + kId || !rows::decode(value, row)) return -1;
                 out = {UserId(rows::get_u64(key)),
                        {ConversationId::from_key(key.substr(8)), row.changed, row.head, row.wide}};
                 return 1;
               });
}

Result<std::vector<FeedEntry>> RocksdbScan::feed(std::uint64_t after, std::size_t limit) {
  std::vector<FeedEntry> out;
  const auto& tail = *parts_.tail;
  after = std::max(after, parts_.state.trimmed);
  bool good = true;
  if (after + 1 < tail.first_feed())
    PARLEY_TRY_VOID(parts_.index->scan(Table::feed, rows::feed_key(after + 1),
                                       [&](std::string_view key, std::string_view value) {
                                         auto& row = out.emplace_back();
                                         good = key.size() == 8 && rows::decode(value, row);
                                         if (good) row.position = rows::get_u64(key);
                                         return good && out.size() < limit;
                                       }));
  if (!good) return damaged("a row of the table feed cannot be read");
  if (!out.empty()) return out;
  for (auto p = std::max(after + 1, tail.first_feed()); p <= tail.last_feed() && out.size() < limit;
       ++p)
    out.push_back({p, tail.feed_entry(p)->conversation, tail.feed_entry(p)->seq});
  return out;
}

}  // namespace parley
