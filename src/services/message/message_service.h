#pragma once
#include <boost/asio/steady_timer.hpp>
#include <map>

#include "ports/shard_duties.h"
#include "services/message/reader.h"

namespace parley::message {

/// The message service of this process. `start` and `close` from outside the loops; the rest as
/// MessageApi says.
class MessageService final : public MessageApi {
 public:
  struct Needs {
    Loops& loops;
    const Clock& clock;
    HybridClock& hybrid;
    ConversationStore& store;
    Feed* feed;           // where there is one log
    ShardDuties* duties;  // where there is not
    UserApi& users;
    SessionApi& sessions;
    NotificationApi& notifications;
    ReachGateway reach;
    Metrics& metrics;
    std::vector<std::uint32_t> nodes = {};  // of Snowflakes, one per loop; empty: 0, 1, ...
    /// Whether the lease of that generation of the shard certainly holds now. Any thread. Where
    /// there is one log it always does.
    std::function<bool(ShardId, Generation)> holds = {};
    /// The shard's generation is over for this process, whatever became of the lease: it is to be
    /// given up, or taken anew. On a loop.
    std::function<void(ShardId, Generation)> over = {};
  };
  MessageService(Needs needs, Settings settings);

  /// Takes up the duty to deliver where the last process left it. Blocks until it has, before
  /// anything is sent; the loops run.
  Result<void> start();
  /// Where conversations have logs of their own: the shard is this process's from now on, under
  /// that generation. Calls back, on a loop, when it is served, and what its last owner left to be
  /// done is known; not if it is lost before. Any thread.
  void gain(ShardId shard, Generation generation, std::function<void()> served);
  /// New numbers for Snowflakes, one per loop, before any shard that is gained later is served. Any
  /// thread.
  void use_nodes(const std::vector<std::uint32_t>& nodes);
  /// The shard is given up: what comes or waits is answered `stale_generation`. Calls back, on a
  /// loop, when nothing of it is in flight. Any thread.
  void lose(ShardId shard, std::function<void()> done);
  /// Answers what was taken, then calls back on a loop. What comes later is answered `unavailable`.
  void close(std::function<void()> drained);

  void send(std::vector<SendRequest> batch, MessageListener& listener) override;
  void mark(std::vector<MarkRequest> batch, MessageListener& listener) override;
  Awaitable<Result<Changes>> changes(UserId user, Cursor since) override {
    return reader_.changes(user, since);
  }
  Awaitable<Result<std::vector<EntryPtr>>> entries(UserId asker, ConversationId conversation,
                                                   Seq from, Seq to, std::size_t limit) override {
    return reader_.entries(asker, conversation, from, to, limit);
  }
  Awaitable<Result<HistoryPage>> history(UserId asker, ConversationId conversation,
                                         HistoryQuery query) override {
    return reader_.history(asker, conversation, query);
  }
  Awaitable<Result<Head>> head(ConversationId conversation) override;
  Awaitable<Result<Head>> append(GroupId group, UserId actor, GroupChange change) override;
  Awaitable<Result<std::vector<Marks>>> marks(ConversationId conversation,
                                              std::vector<UserId> users) override {
    return reader_.marks(conversation, std::move(users));
  }
  Awaitable<Result<Receipts>> receipts(UserId asker, ConversationId conversation,
                                       Seq seq) override {
    return reader_.receipts(asker, conversation, seq);
  }
  Awaitable<Result<std::vector<UserId>>> visible(UserId asker, std::vector<UserId> users) override {
    return reader_.visible(asker, std::move(users));
  }
  /// The feed of group entries, where there is one log.
  FeedApi& feed() { return *feed_reader_; }
  Awaitable<Result<ConversationView>> view(UserId asker, ConversationId conversation) override {
    return reader_.view(asker, conversation);
  }
  Awaitable<Result<std::vector<ConversationView>>> conversations(
      UserId user, std::optional<ConversationId> after, std::size_t limit) override {
    return reader_.conversations(user, after, limit);
  }

 private:
  std::size_t home(const ConversationId& id) const { return home(shard_of(id)); }
  template <class Ask>
  Awaitable<Result<Head>> ask_owner(ConversationId conversation, Ask ask);
  template <class Request>
  std::vector<std::vector<Request>> by_home(std::vector<Request> batch) const;
  std::size_t home(ShardId shard) const { return shard.value % owners_.size(); }
  void rewatch(const std::vector<ConversationId>& conversations, std::uint64_t position,
               std::function<void()> done);
  boost::asio::awaitable<void> take_up(ShardId shard, Generation generation,
                                       std::function<void()> served);
  Result<void> start_from_feed();
  void keep_position();
  boost::asio::awaitable<void> keep_settled();
  void trim();

  Feed* feed_;
  ShardDuties* duties_;
  // Where there is not one log. What is looked for in many shards at once must not hold up what a
  // send waits for.
  std::unique_ptr<boost::asio::thread_pool> loading_, looking_back_;
  std::unique_ptr<FeedReader> feed_reader_;
  Shared shared_;
  std::vector<std::unique_ptr<Owner>> owners_;
  Reader reader_;
  Gate gate_;  // on loop 0, as are the timer and the rest
  boost::asio::steady_timer timer_;
  struct Tenure {
    Generation generation;
    TimeMs settled = {};  // what was last stored; 0: not known yet
  };
  std::map<ShardId, Tenure> tenures_;  // of this process's shards
  bool closing_ = false;
};

}  // namespace parley::message
