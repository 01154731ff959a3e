#include "services/message/reader.h"

#include <boost/asio.hpp>

#include "domain/group_rules.h"
#include "ports/quick_reads.h"
#include "services/message/errors.h"

namespace parley::message {
namespace {
constexpr std::size_t kInboxPage = 500;
constexpr std::size_t kParticipants = 1'000;
constexpr std::size_t kGroupsOfOne = 1'000;  // that are looked through for who is visible
// What a loop reads by itself, at most. What fails half way is read again on the pool, so it must
// not be much more than the hop costs.
constexpr std::size_t kQuickBytes = 4 * 1024;
}  // namespace

template <class F>
Awaitable<std::invoke_result_t<F>> Reader::read(F work) const {
  {
    const QuickReads quick(kQuickBytes);
    auto result = work();
    if (result || result.error().code != Code::busy) co_return result;
  }
  co_return co_await run_blocking(shared_.loops.pool(), std::move(work));
}

Cursor Reader::cursor_now() const {
  // What is being committed has an earlier time than now and cannot be read yet: the cursor must
  // not pass it.
  TimeMs time = shared_.hybrid.now();
  for (const auto& owner : owners_) time = std::min(time, owner->oldest_in_flight());
  return {shared_.info.epoch, time};
}

Result<Reader::Readable> Reader::readable(const ConversationId& conversation, UserId user) const {
  Readable what{Seq(1), {}, {}};
  if (conversation.is_direct() && !conversation.has(user)) return not_here();
  PARLEY_TRY(own, shared_.store.marks(conversation, user));
  what.own = own;
  PARLEY_TRY(head, shared_.store.head(conversation));
  what.head = head;
  if (conversation.is_direct()) return what;
  if (!own.joined) return not_here();
  what.first = own.joined;
  if (own.member()) return what;
  PARLEY_TRY(last, shared_.store.read(conversation, own.left, own.left, 1, false));
  if (last.empty()) return fail(Code::damaged, "the entry by which a user left is missing");
  what.head = head_after(*last.front());
  return what;
}

Result<ConversationView> Reader::read_view(const ConversationId& conversation, UserId user,
                                           TimeMs changed, const Readable& what) const {
  ConversationView out;
  out.conversation = conversation;
  out.head = what.head;
  out.own = what.own;
  out.changed = changed;
  if (!conversation.is_direct()) {
    out.joined = what.own.joined;
    out.left = what.own.member() ? Seq() : what.own.left;
    out.members = what.head.group.members;
  } else if (const auto peer = conversation.peer(user); peer != user) {
    PARLEY_TRY(other, shared_.store.marks(conversation, peer));
    out.others.emplace_back(peer, other);
  }
  return out;
}

Result<std::optional<Change>> Reader::read_change(const InboxRow& row, UserId user,
                                                  TimeMs since) const {
  PARLEY_TRY(what, readable(row.conversation, user));
  // Entries do not renew a wide row: the conversation's head says what is new.
  const auto changed = row.wide ? std::max(row.changed, what.head.time) : row.changed;
  if (changed < since) return std::nullopt;
  PARLEY_TRY(view, read_view(row.conversation, user, changed, what));
  Seq from(what.head.seq.value + 1);
  if (since == TimeMs(0)) {
    from = what.first;
  } else if (what.head.time >= since) {
    PARLEY_TRY(first, shared_.store.seek(row.conversation, since));
    from = std::max(first, what.first);
  }
  return Change{std::move(view), from};
}

Result<Changes> Reader::read_changes(UserId user, TimeMs since, Cursor next) const {
  Changes out{{}, next};
  std::optional<ConversationId> after;
  for (;;) {
    PARLEY_TRY(rows, shared_.store.inbox(user, since, after, kInboxPage));
    for (const auto& row : rows) {
      PARLEY_TRY(change, read_change(row, user, since));
      if (change) out.changes.push_back(std::move(*change));
    }
    if (rows.size() < kInboxPage) break;
    after = rows.back().conversation;
  }
  std::ranges::sort(out.changes, {}, [](const Change& c) { return c.view.changed; });
  return out;
}

Awaitable<Result<Changes>> Reader::changes(UserId user, Cursor since) {
  const auto next = cursor_now();
  // A cursor of another epoch says nothing of this store: everything is read again.
  const auto from = since.epoch == next.epoch
                        ? TimeMs(std::max<std::int64_t>(
                              0, std::min(since.time, next.time).value - kResumeOverlapMs))
                        : TimeMs(0);
  co_return co_await read([this, user, from, next] { return read_changes(user, from, next); });
}

Awaitable<Result<std::vector<EntryPtr>>> Reader::entries(UserId asker, ConversationId conversation,
                                                         Seq from, Seq to, std::size_t limit) {
  co_return co_await read(
      [this, asker, conversation, from, to, limit]() -> Result<std::vector<EntryPtr>> {
        PARLEY_TRY(what, readable(conversation, asker));
        return shared_.store.read(conversation, std::max(from, what.first),
                                  std::min(to, what.head.seq), limit, true);
      });
}

Result<HistoryPage> Reader::read_history(UserId asker, const ConversationId& conversation,
                                         const HistoryQuery& query) const {
  using From = HistoryQuery::From;
  HistoryPage page;
  PARLEY_TRY(what, readable(conversation, asker));
  const auto& head = what.head;
  if (head.seq == Seq(0)) return not_here();
  page.head = head;
  auto from = query.from;
  Seq at(query.at);
  if (from >= From::before_time) {
    PARLEY_TRY(found,
               shared_.store.seek(conversation, TimeMs(static_cast<std::int64_t>(query.at))));
    // After a time: the first entry at or after it is in the page.
    at = from == From::after_time ? Seq(found.value - 1) : found;
    from = from == From::before_time  ? From::before
           : from == From::after_time ? From::after
                                      : From::around;
  } else if (from == From::before && at == Seq(0)) {
    at = Seq(head.seq.value + 1);
  }
  Seq first(1), last = head.seq;
  bool newest = false;
  if (from == From::before) {
    last = Seq(std::min(head.seq.value, at.value == 0 ? 0 : at.value - 1));
    newest = true;
  } else if (from == From::after) {
    first = Seq(std::min(at.value, head.seq.value) + 1);
  } else {
    const auto middle = std::min(at.value, head.seq.value), half = query.limit / 2;
    first = Seq(middle > half ? middle - half : 1);
  }
  first = std::max(first, what.first);
  if (first <= last) {
    PARLEY_TRY(entries, shared_.store.read(conversation, first, last, query.limit, newest));
    page.entries = std::move(entries);
  }
  if (!page.entries.empty()) {
    page.more_before = page.entries.front()->seq > what.first;
    page.more_after = page.entries.back()->seq < head.seq;
  }
  return page;
}

Awaitable<Result<HistoryPage>> Reader::history(UserId asker, ConversationId conversation,
                                               HistoryQuery query) {
  co_return co_await read(
      [this, asker, conversation, query] { return read_history(asker, conversation, query); });
}

Awaitable<Result<ConversationView>> Reader::view(UserId asker, ConversationId conversation) {
  co_return co_await read([this, asker, conversation]() -> Result<ConversationView> {
    PARLEY_TRY(what, readable(conversation, asker));
    return read_view(conversation, asker, what.head.time, what);
  });
}

Result<Receipts> Reader::read_receipts(UserId asker, const ConversationId& conversation,
                                       Seq seq) const {
  PARLEY_TRY(what, readable(conversation, asker));
  if (seq < what.first || seq > what.head.seq)
    return fail(Code::invalid_argument, "you can see no such seq in this conversation", "seq");
  PARLEY_TRY(entries, shared_.store.read(conversation, seq, seq, 1, false));
  if (entries.empty()) return fail(Code::damaged, "an entry is missing from the store");
  Receipts out;
  const auto sender = entries.front()->sender;
  const bool each = what.head.group.members <= kReceiptMembers;
  const auto count = [&](UserId user, const Marks& marks) {
    if (user == sender) return;
    ++out.members;
    out.delivered += marks.delivered >= seq;
    out.read += marks.read >= seq;
    if (each) out.each.emplace_back(user, marks);
  };
  if (conversation.is_direct()) {
    for (const auto user : {UserId(conversation.first()), UserId(conversation.second())}) {
      PARLEY_TRY(marks, shared_.store.marks(conversation, user));
      count(user, marks);
    }
    return out;
  }
  for (UserId after;;) {
    PARLEY_TRY(page, shared_.store.participants(conversation, after, kParticipants));
    for (const auto& [user, marks] : page)
      if (marks.member() && marks.joined <= seq) count(user, marks);
    if (page.size() < kParticipants) return out;
    after = page.back().user;
  }
}

Awaitable<Result<Receipts>> Reader::receipts(UserId asker, ConversationId conversation, Seq seq) {
  co_return co_await run_blocking(shared_.loops.pool(), [this, asker, conversation, seq] {
    return read_receipts(asker, conversation, seq);
  });
}

Awaitable<Result<std::vector<Marks>>> Reader::marks(ConversationId conversation,
                                                    std::vector<UserId> users) {
  co_return co_await run_blocking(
      shared_.loops.pool(),
      [this, conversation, users = std::move(users)]() -> Result<std::vector<Marks>> {
        std::vector<Marks> out;
        for (const auto user : users) {
          PARLEY_TRY(marks, shared_.store.marks(conversation, user));
          out.push_back(marks);
        }
        return out;
      });
}

Result<std::vector<UserId>> Reader::read_visible(UserId asker,
                                                 const std::vector<UserId>& users) const {
  std::vector<UserId> out, others;
  for (const auto user : users) {
    PARLEY_TRY(head, shared_.store.head(ConversationId::direct(asker, user)));
    (head.seq ? out : others).push_back(user);
  }
  if (others.empty()) return out;
  // Groups come after direct conversations in the order of keys.
  PARLEY_TRY(rows, shared_.store.inbox(asker, TimeMs(0), ConversationId::group(0), kGroupsOfOne));
  for (const auto& row : rows) {
    PARLEY_TRY(own, shared_.store.marks(row.conversation, asker));
    if (!own.member()) continue;
    for (auto user = others.begin(); user != others.end();) {
      PARLEY_TRY(marks, shared_.store.marks(row.conversation, *user));
      if (marks.member()) out.push_back(*user);
      user = marks.member() ? others.erase(user) : user + 1;
    }
  }
  return out;
}

Awaitable<Result<std::vector<UserId>>> Reader::visible(UserId asker, std::vector<UserId> users) {
  co_return co_await run_blocking(shared_.loops.pool(), [this, asker, users = std::move(users)] {
    return read_visible(asker, users);
  });
}

Awaitable<Result<std::vector<ConversationView>>> Reader::conversations(
    UserId user, std::optional<ConversationId> after, std::size_t limit) {
  co_return co_await read([this, user, after, limit]() -> Result<std::vector<ConversationView>> {
    PARLEY_TRY(rows, shared_.store.inbox(user, TimeMs(0), after, limit));
    std::vector<ConversationView> out;
    for (const auto& row : rows) {
      PARLEY_TRY(what, readable(row.conversation, user));
      const auto changed = row.wide ? std::max(row.changed, what.head.time) : row.changed;
      PARLEY_TRY(one, read_view(row.conversation, user, changed, what));
      out.push_back(std::move(one));
    }
    return out;
  });
}

}  // namespace parley::message
