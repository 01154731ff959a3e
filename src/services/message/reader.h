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
  Awaitable<Result<Receipts>> receipts(UserId asker, ConversationId conversation, Seq seq);
  Awaitable<Result<std::vector<Marks>>> marks(ConversationId conversation,
                                              std::vector<UserId> users);
  Awaitable<Result<std::vector<UserId>>> visible(UserId asker, std::vector<UserId> users);
  Awaitable<Result<std::vector<ConversationView>>> conversations(
      UserId user, std::optional<ConversationId> after, std::size_t limit);

 private:
  template <class F>
  Awaitable<std::invoke_result_t<F>> read(F work) const;
  Cursor cursor_now() const;
  /// What one user may read of a conversation: [first, head.seq].
  struct Readable {
    Seq first;
    Head head;  // for who left a group: as it was then
    Marks own;
  };
  Result<Readable> readable(const ConversationId& conversation, UserId user) const;
  Result<ConversationView> read_view(const ConversationId& conversation, UserId user,
                                     TimeMs changed, const Readable& what) const;
  Result<std::optional<Change>> read_change(const InboxRow& row, UserId user, TimeMs since) const;
  Result<Changes> read_changes(UserId user, TimeMs since, Cursor next) const;
  Result<HistoryPage> read_history(UserId asker, const ConversationId& conversation,
                                   const HistoryQuery& query) const;
  Result<Receipts> read_receipts(UserId asker, const ConversationId& conversation, Seq seq) const;
  Result<std::vector<UserId>> read_visible(UserId asker, const std::vector<UserId>& users) const;

  Shared& shared_;
  const std::vector<std::unique_ptr<Owner>>& owners_;
};

}  // namespace parley::message
