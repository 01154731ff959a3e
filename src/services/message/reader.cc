#include "services/message/reader.h"

#include <boost/asio.hpp>

#include "ports/quick_reads.h"

namespace parley::message {
namespace {
constexpr std::size_t kInboxPage = 500;
// What a loop reads by itself, at most. What fails half way is read again on the pool, so it must
// not be much more than the hop costs.
constexpr std::size_t kQuickBytes = 4 * 1024;

std::unexpected<Error> not_here() {
  return fail(Code::not_found, "there is no such conversation", "conversation_id");
}
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

Result<ConversationView> Reader::read_view(const InboxRow& row, UserId user) const {
  ConversationView out{row.conversation, {}, {}, {}, row.changed};
  PARLEY_TRY(head, shared_.store.head(row.conversation));
  out.head = head;
  PARLEY_TRY(own, shared_.store.marks(row.conversation, user));
  out.own = own;
  if (const auto peer = row.conversation.peer(user); peer != user) {
    PARLEY_TRY(other, shared_.store.marks(row.conversation, peer));
    out.others.emplace_back(peer, other);
  }
  return out;
}

Result<Changes> Reader::read_changes(UserId user, TimeMs since, Cursor next) const {
  Changes out{{}, next};
  std::optional<ConversationId> after;
  for (;;) {
    PARLEY_TRY(rows, shared_.store.inbox(user, since, after, kInboxPage));
    for (const auto& row : rows) {
      PARLEY_TRY(seen, read_view(row, user));
      Seq from(seen.head.seq.value + 1);
      if (since == TimeMs(0)) {
        from = Seq(1);
      } else if (seen.head.time >= since) {
        PARLEY_TRY(first, shared_.store.seek(row.conversation, since));
        from = first;
      }
      out.changes.push_back({std::move(seen), from});
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
  if (!conversation.has(asker)) co_return not_here();
  co_return co_await read([this, conversation, from, to, limit] {
    return shared_.store.read(conversation, from, to, limit, true);
  });
}

Result<HistoryPage> Reader::read_history(const ConversationId& conversation,
                                         const HistoryQuery& query) const {
  using From = HistoryQuery::From;
  HistoryPage page;
  PARLEY_TRY(head, shared_.store.head(conversation));
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
  if (first <= last) {
    PARLEY_TRY(entries, shared_.store.read(conversation, first, last, query.limit, newest));
    page.entries = std::move(entries);
  }
  if (!page.entries.empty()) {
    page.more_before = page.entries.front()->seq > Seq(1);
    page.more_after = page.entries.back()->seq < head.seq;
  }
  return page;
}

Awaitable<Result<HistoryPage>> Reader::history(UserId asker, ConversationId conversation,
                                               HistoryQuery query) {
  if (!conversation.has(asker)) co_return not_here();
  co_return co_await read(
      [this, conversation, query] { return read_history(conversation, query); });
}

Awaitable<Result<ConversationView>> Reader::view(UserId asker, ConversationId conversation) {
  if (!conversation.has(asker)) co_return not_here();
  co_return co_await read([this, asker, conversation]() -> Result<ConversationView> {
    PARLEY_TRY(view, read_view({conversation, TimeMs(0), Seq(0)}, asker));
    view.changed = view.head.time;
    return view;
  });
}

Awaitable<Result<std::vector<ConversationView>>> Reader::conversations(
    UserId user, std::optional<ConversationId> after, std::size_t limit) {
  co_return co_await read([this, user, after, limit]() -> Result<std::vector<ConversationView>> {
    PARLEY_TRY(rows, shared_.store.inbox(user, TimeMs(0), after, limit));
    std::vector<ConversationView> out;
    for (const auto& row : rows) {
      PARLEY_TRY(one, read_view(row, user));
      out.push_back(std::move(one));
    }
    return out;
  });
}

}  // namespace parley::message
