#pragma once
#include "api/message.h"
#include "rpc/link.h"
#include "rpc/pending.h"
#include "rpc/router.h"

namespace parley::rpc {

/// MessageApi of another process: sends and marks over the link, reads as calls. What cannot be
/// asked, or is not answered within 10 s, is answered retryably; order within a conversation is
/// that of the calls.
class MessageClient final : public MessageApi, public LinkUser {
 public:
  explicit MessageClient(Link& link);

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

  void on_frame(v1::Frame& frame) override;
  void on_lost(const Error& why) override;
  void on_tick() override;

 private:
  /// Where an answer goes: the caller's own token, its listener, and its loop.
  struct Asked {
    std::uint64_t token;
    MessageListener* listener;
    std::size_t loop;
  };
  /// Collects the answers of one frame, to hand each (loop, listener) one batch.
  template <class Answer>
  class Answers;

  Link& link_;
  Pending<Asked> sends_, marks_;
};

/// Answers for a MessageApi of this process.
void serve(Router& router, Loops& loops, MessageApi& messages);

}  // namespace parley::rpc
