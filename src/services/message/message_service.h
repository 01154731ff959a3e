#pragma once
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>

#include "ports/shard_duties.h"
#include "ports/shard_leases.h"
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
    Traces* traces = nullptr;  // null: nothing is traced
  };
  using Served = std::function<void(const ShardGrant& grant)>;
  MessageService(Needs needs, Settings settings);

  /// Takes up the duty to deliver where the last process left it. Blocks until it has, before
  /// anything is sent; the loops run.
  Result<void> start();
  /// Where conversations have logs of their own: the shards are this process's from now on, each
  /// under its generation. Calls back, on a loop, for each when it is served; not if it is lost
  /// before. Any thread.
  void gain(std::vector<ShardGrant> grants, Served served);
  /// New numbers for Snowflakes, one per loop, before any shard that is gained later is served. Any
  /// thread.
  void use_nodes(const std::vector<std::uint32_t>& nodes);
  /// The shards are given up: what comes or waits is answered `stale_generation`. Calls back, on a
  /// loop, when nothing of them is in flight. Any thread.
  void lose(std::vector<ShardId> shards, std::function<void()> done);
  /// What waits, of all loops. Any thread.
  Owner::Queues queues() const;
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
  boost::asio::awaitable<void> take_up(std::vector<ShardGrant> grants, Served served);
  struct LookBack {  // shards that were gained together
    std::vector<ShardGrant> grants;
    std::vector<ShardTime> settled;  // of each, as its last owner left it
  };
  bool has(const ShardGrant& grant) const;
  bool has_any(const std::vector<ShardGrant>& grants) const;
  boost::asio::awaitable<void> look_back();
  boost::asio::awaitable<void> rewatch_slowly(std::vector<ConversationId> touched, LookBack of);
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
  std::deque<LookBack> to_look_back_;  // the first one is being looked back at
  boost::asio::steady_timer pace_;     // of that
  bool closing_ = false;
};

}  // namespace parley::message
