#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "api/message.h"
#include "base/loops.h"
#include "rpc/router_lane.h"

namespace parley::rpc {

/// MessageApi of several processes that share the shards: what concerns a conversation goes to the
/// process that owns its shard, what concerns a user to any. While a shard changes hands (nobody
/// owns it, who is asked says `stale_generation`, or went away with what it was asked) the caller
/// waits for its next owner, for some seconds at most; then it is `unavailable`.
class MessageRouter final : public MessageApi {
 public:
  /// By the name under which each owns shards. They outlive the router.
  MessageRouter(Loops& loops, std::map<std::string, MessageApi*> processes,
                std::chrono::milliseconds patience = std::chrono::seconds(3));
  ~MessageRouter() override;

  /// The owners' names, by shard; empty: nobody. Any thread.
  void set_owners(std::vector<std::string> names);
  /// Who cannot be asked counts as nobody, so what is sent to it waits. All can, at first. Any
  /// thread.
  void set_reachable(const std::string& name, bool reachable);

  /// Requests that are held until their shard has an owner who can be asked. Any thread.
  std::int64_t held() const { return held_.value(); }

  void send(std::vector<SendRequest> batch, MessageListener& listener) override;
  void mark(std::vector<MarkRequest> batch, MessageListener& listener) override;
  Awaitable<Result<Changes>> changes(UserId user, Cursor since) override;
  Awaitable<Result<std::vector<EntryPtr>>> entries(UserId asker, ConversationId conversation,
                                                   Seq from, Seq to, std::size_t limit) override;
  Awaitable<Result<HistoryPage>> history(UserId asker, ConversationId conversation,
                                         HistoryQuery query) override;
  Awaitable<Result<Head>> head(ConversationId conversation) override;
  Awaitable<Result<Head>> append(GroupId group, UserId actor, GroupChange change) override;
  Awaitable<Result<std::vector<Marks>>> marks(ConversationId conversation,
                                              std::vector<UserId> users) override;
  Awaitable<Result<Receipts>> receipts(UserId asker, ConversationId conversation, Seq seq) override;
  Awaitable<Result<std::vector<UserId>>> visible(UserId asker, std::vector<UserId> users) override;
  Awaitable<Result<ConversationView>> view(UserId asker, ConversationId conversation) override;
  Awaitable<Result<std::vector<ConversationView>>> conversations(
      UserId user, std::optional<ConversationId> after, std::size_t limit) override;

 private:
  class Desk;  // of a loop

  void publish();

  std::shared_ptr<const ShardApis> owners() const;
  MessageApi* owner(const ConversationId& conversation) const;
  /// `ask(MessageApi&)` of the conversation's owner.
  template <class Ask>
  std::invoke_result_t<Ask, MessageApi&> of_owner(ConversationId conversation, Ask ask) const;
  /// Of one that is there, the same for a user while nothing changes.
  template <class Ask>
  std::invoke_result_t<Ask, MessageApi&> of_any(UserId user, Ask ask) const;

  Loops& loops_;
  const std::map<std::string, MessageApi*> processes_;
  const std::chrono::milliseconds patience_;
  Metric held_;
  mutable std::mutex mutex_;
  std::vector<std::string> names_;
  std::set<std::string> unreachable_;
  std::shared_ptr<const ShardApis> owners_;
  std::vector<std::unique_ptr<Desk>> desks_;
};

}  // namespace parley::rpc
