#pragma once
#include "services/message/owner.h"

namespace parley::message {

/// Everything that reads without an owner: resume, history, listing. A call that finds what it
/// needs in memory, and little of it, is done at once; any other is one piece of work on the
/// blocking pool. Any loop.
class Reader {
 public:
  Reader(Shared& shared, const std::vector<std::unique_ptr<Owner>>& owners)
      : shared_(shared), owners_(owners) {}

  Awaitable<Result<Changes>> changes(UserId user, Cursor since);
  Awaitable<Result<std::vector<EntryPtr>>> entries(UserId asker, ConversationId conversation,
                                                   Seq from, Seq to, std::size_t limit);
  Awaitable<Result<HistoryPage>> history(UserId asker, ConversationId conversation,
                                         HistoryQuery query);
  Awaitable<Result<ConversationView>> view(UserId asker, ConversationId conversation);
  Awaitable<Result<std::vector<ConversationView>>> conversations(
      UserId user, std::optional<ConversationId> after, std::size_t limit);

 private:
  template <class F>
  Awaitable<std::invoke_result_t<F>> read(F work) const;
  Cursor cursor_now() const;
  Result<ConversationView> read_view(const InboxRow& row, UserId user) const;
  Result<Changes> read_changes(UserId user, TimeMs since, Cursor next) const;
  Result<HistoryPage> read_history(const ConversationId& conversation,
                                   const HistoryQuery& query) const;

  Shared& shared_;
  const std::vector<std::unique_ptr<Owner>>& owners_;
};

}  // namespace parley::message
