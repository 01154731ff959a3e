#include "tests/fault/power_cut/history.h"

#include <algorithm>
#include <fmt/format.h>

#include "domain/text.h"

namespace parley::test {
namespace {

constexpr std::size_t kAll = 1'000'000;

std::string log_difference(const ConversationId& id, const std::vector<EntryPtr>& expected,
                           ConversationStore& store) {
  const auto head = store.head(id);
  if (!head) return head.error().message;
  const auto read = store.read(id, Seq(1), Seq(UINT64_MAX), kAll, false);
  if (!read) return read.error().message;
  if (read->size() != expected.size() || head->seq.value != expected.size())
    return fmt::format("{} has head {} and {} entries instead of {}", id.text(), head->seq.value,
                       read->size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto& e = *expected[i];
    if (*(*read)[i] != e) return fmt::format("{} differs at {}", id.text(), i + 1);
    const auto sent = store.find(id, e.sender, e.client_message_id);
    if (!sent) return sent.error().message;
    if (!*sent || (*sent)->seq != e.seq || (*sent)->id != e.id || (*sent)->time != e.time ||
        (*sent)->body_hash != hash_bytes(e.body))
      return fmt::format("{}: the idempotency row of {} is wrong", id.text(), i + 1);
  }
  if (!expected.empty() && *head != head_after(*expected.back()))
    return id.text() + " has a wrong head";
  return {};
}

std::string participants_difference(const ConversationId& group, const Contents& expected,
                                    ConversationStore& store) {
  std::vector<Participant> joined;
  for (const auto& [of, marks] : expected.marks)
    if (of.first == group && marks.joined) joined.push_back({of.second, marks});
  const auto found = store.participants(group, UserId(0), kAll);
  if (!found) return found.error().message;
  return *found == joined ? "" : "the participants of " + group.text() + " are wrong";
}

std::string inbox_difference(UserId user, const Contents& contents, ConversationStore& store) {
  const auto& expected = contents.inboxes.at(user);
  const auto rows = store.inbox(user, TimeMs(0), std::nullopt, kAll);
  if (!rows) return rows.error().message;
  if (!std::ranges::equal(*rows, expected, [&](const InboxRow& row, const auto& e) {
        // Marks alone made the row: the log's end at the time of reading.
        const auto head =
            e.second.head ? e.second.head : Seq(contents.logs.at(row.conversation).size());
        return row.conversation == e.first && row.changed == e.second.changed && row.head == head &&
               row.wide == e.second.wide;
      }))
    return fmt::format("the inbox of {} is wrong ({} rows, expected {})", user.value, rows->size(),
                       expected.size());
  return {};
}

/// How many rows at its start the feed does not show.
std::uint64_t gone_of(Feed& feed) {
  const auto page = feed.feed(0, 1, Feed::Of::all);
  if (!page) return 0;  // it is said where the rows are read
  return page->entries.empty() ? page->next : page->entries.front().position - 1;
}

}  // namespace

void Contents::add(const Called& called) {
  for (const auto& append : called.group) {
    auto& log = logs[append.conversation];
    for (const auto& entry : append.entries) {
      log.push_back(entry);
      feed.emplace_back(entry->conversation, entry->seq);
    }
    for (const auto& change : append.marks)
      marks[{change.conversation, change.user}].merge(change.marks);
    for (const auto user : append.inboxes) {
      auto& row = inboxes[user][append.conversation];
      const auto at = append.entries.empty() ? called.now : append.entries.back()->time;
      row.conversation = append.conversation;
      row.changed = std::max(row.changed, at);
      row.wide = row.wide || append.wide;
      if (!append.entries.empty()) row.head = Seq(log.size());
    }
  }
}

std::size_t History::add(Called called) {
  consumed_ = std::max(consumed_, called.consumed);
  calls_.push_back(std::move(called));
  return calls_.size() - 1;
}

std::size_t History::answered() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < calls_.size(); ++i)
    if (calls_[i].answered) count = i + 1;
  return count;
}

Contents History::contents_after(std::size_t calls) const {
  Contents contents;
  for (std::size_t i = 0; i < calls; ++i) contents.add(calls_[i]);
  return contents;
}

std::optional<std::size_t> History::judge(ConversationStore& store, Feed& feed,
                                          std::vector<std::string>& wrong) const {
  const auto stored = feed.feed(0, kAll, Feed::Of::all);
  if (!stored) {
    wrong.push_back(stored.error().message);
    return std::nullopt;
  }
  // Calls without entries leave no trace in the feed: each number of calls that fits it is tried.
  std::string difference =
      fmt::format("{} entries end within a call, or before an answered one", stored->next);
  Contents contents;
  const auto answered = this->answered();
  for (std::size_t calls = 0;; ++calls) {
    if (contents.feed.size() == stored->next && calls >= answered) {
      difference = this->difference(contents, store, feed);
      if (difference.empty()) difference = vanished_but_there(calls, store);
      if (difference.empty()) {
        const auto position = feed.position("consumer");
        const auto least = answered == 0 ? 0 : calls_[answered - 1].consumed;
        if (!position || *position < least || *position > consumed_)
          wrong.push_back(fmt::format("the consumer's position is {}, not {} to {}",
                                      position.value_or(0), least, consumed_));
        return calls;
      }
    }
    if (calls == calls_.size()) break;
    contents.add(calls_[calls]);
  }
  wrong.push_back(fmt::format("{} calls, {} answered: {}", calls_.size(), answered, difference));
  return std::nullopt;
}

std::string History::difference(const Contents& expected, ConversationStore& store,
                                Feed& feed) const {
  if (auto d = feed_difference(expected, feed, Feed::Of::all); !d.empty()) return d;
  if (auto d = feed_difference(expected, feed, Feed::Of::groups); !d.empty()) return d;
  std::uint64_t last_id = 0;
  for (const auto& [id, log] : expected.logs) {
    if (auto d = log_difference(id, log, store); !d.empty()) return d;
    if (!id.is_direct())
      if (auto d = participants_difference(id, expected, store); !d.empty()) return d;
    if (!log.empty()) last_id = std::max(last_id, log.back()->id.value);
  }
  if (store.info().last_issued < last_id) return "last_issued is below a stored id";
  for (const auto& [of, expected_marks] : expected.marks) {
    const auto marks = store.marks(of.first, of.second);
    if (!marks) return marks.error().message;
    if (*marks != expected_marks)
      return fmt::format("the marks of {} in {} are wrong", of.second.value, of.first.text());
  }
  for (const auto& [user, inbox] : expected.inboxes)
    if (auto d = inbox_difference(user, expected, store); !d.empty()) return d;
  return {};
}

std::string History::feed_difference(const Contents& expected, Feed& feed, Feed::Of of) const {
  const auto gone = gone_of(feed);
  if (gone < gone_ || gone > trimmed_)
    return fmt::format("the feed lacks its first {} rows, not {} to {}", gone, gone_, trimmed_);
  const auto page = feed.feed(0, kAll, of);
  if (!page) return page.error().message;
  auto row = page->entries.begin();
  for (auto i = gone; i < expected.feed.size(); ++i) {
    const auto& [conversation, seq] = expected.feed[i];
    if (of == Feed::Of::groups && conversation.is_direct()) continue;
    if (row == page->entries.end() || row->position != i + 1 || row->conversation != conversation ||
        row->seq != seq)
      return fmt::format("row {} of the feed is wrong", i + 1);
    ++row;
  }
  return row == page->entries.end() ? "" : "the feed has rows too many";
}

std::string History::vanished_but_there(std::size_t from, ConversationStore& store) const {
  const auto there = [&](const ConversationId& id, UserId sender, const std::string& key) {
    const auto sent = store.find(id, sender, key);
    return !sent || sent->has_value();
  };
  for (const auto& key : vanished_)
    if (there(key.conversation, key.sender, key.id)) return "an entry that vanished came back";
  for (; from < calls_.size(); ++from)
    for (const auto& append : calls_[from].group)
      for (const auto& e : append.entries)
        if (there(e->conversation, e->sender, e->client_message_id))
          return "an idempotency row without its entry";
  return {};
}

void History::settle(std::size_t calls, Feed& feed) {
  gone_ = trimmed_ = gone_of(feed);
  for (auto i = calls; i < calls_.size(); ++i)
    for (const auto& append : calls_[i].group)
      for (const auto& e : append.entries)
        vanished_.insert({e->conversation, e->sender, e->client_message_id});
  calls_.resize(calls);
  for (auto& call : calls_) call.answered = true;
}

}  // namespace parley::test
