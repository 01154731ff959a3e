#pragma once
#include <boost/asio/steady_timer.hpp>
#include <set>

#include "api/user.h"
#include "base/gate.h"
#include "base/hybrid_clock.h"
#include "base/loops.h"
#include "base/metrics.h"
#include "domain/snowflake.h"
#include "ports/conversation_store.h"
#include "services/message/answers.h"
#include "services/message/delivery_duty.h"
#include "services/message/fan_out.h"
#include "services/message/feed_reader.h"
#include "services/message/refusals.h"

namespace parley::message {

/// The idempotency key of a change of a group. No client's key has a control character.
std::string key_of(const GroupChange& change);

/// What all owners of a process share.
struct Shared {
  Loops& loops;
  const Clock& clock;
  HybridClock& hybrid;
  ConversationStore& store;
  UserApi& users;
  SessionApi& sessions;
  NotificationApi& notifications;
  ReachGateway reach;
  Settings settings;
  StoreInfo info;
  FeedReader* feed;  // is told of group entries; null: there is no one log
  std::atomic<std::uint64_t> stored_position{
      0};  // the highest feed position that a commit answered with
  // By shard, the milliseconds of the last entry committed; where there is not one log.
  std::vector<std::atomic<std::int64_t>> last_commit;
  std::function<bool(ShardId, Generation)> holds;
  std::function<void(ShardId, Generation)> over;
  // For what owners read. Not the pool of the readers, who wait there for owners to tell heads.
  boost::asio::thread_pool& loading;
  Traces* traces;  // null: nothing is traced
  Metric& sent;
  Refusals refused;
  Metric& pushes;
};

/// The conversations of one loop: drops duplicates, assigns seq and message_id, keeps one commit
/// per conversation in flight (what arrives meanwhile forms the next), acknowledges what is
/// durable, and fans out (entries of groups: the feed's consumer does). Everything on its loop.
///
/// By file: owner.cc is a commit's way from request to answer; owner_load.cc reads what a
/// conversation needs first; owner_build.cc makes a commit of what waits; owner_tell.cc hands out
/// what was committed; owner_shards.cc takes shards and gives them up.
class Owner {
 public:
  Owner(Shared& shared, std::size_t loop, std::uint32_t node);

  void send(std::vector<SendRequest> batch, Route route);
  void mark(std::vector<MarkRequest> batch, Route route);
  /// The head as it may be told: committed, and under a lease that certainly holds as it is told
  /// (rule 6). `done` is called on this loop.
  void head(const ConversationId& id, std::move_only_function<void(Result<Head>)> done);
  /// `change.done` is called on this loop.
  void append(const ConversationId& group, WaitingChange change);
  /// After a restart, before anything is sent, or when a shard was gained: watches the newest entry
  /// of each conversation, then calls back. Until then nothing from `position` on is
  /// decided: of the feed, or a millisecond.
  void rewatch(const std::vector<ConversationId>& conversations, std::uint64_t position,
               std::function<void()> done);
  /// The shard is this process's under that generation: its conversations are served. (Where there
  /// is one log, all shards are, from the start.)
  void gain(ShardId shard, Generation generation);
  /// Ids are of this node from now on.
  void use_node(std::uint32_t node) { ids_.use_node(node); }
  /// The shards are no longer served: what comes or waits is answered `stale_generation`. Calls
  /// back when nothing of them is in flight.
  void lose(std::set<ShardId> shards, std::function<void()> done);
  /// Calls back when nothing is in flight and nothing waits. Requests that come later are answered
  /// `unavailable`; of shards that it does not own `stale_generation`, as ever.
  void close(std::function<void()> drained);

  /// Any thread: no entry of this owner with an earlier time is committed later than this is read.
  TimeMs oldest_in_flight() const {
    return TimeMs(oldest_in_flight_.load(std::memory_order_acquire));
  }
  /// Any thread: sends that wait for a commit, and commits that the store has not answered yet.
  struct Queues {
    std::size_t sends = 0, commits = 0;
  };
  Queues queues() const {
    return {sends_now_.load(std::memory_order_relaxed),
            commits_now_.load(std::memory_order_relaxed)};
  }
  /// Any thread: feed positions below this are decided, as far as this owner goes.
  std::uint64_t undecided_from() const { return undecided_from_.load(std::memory_order_relaxed); }

 private:
  // One conversation's part of a commit.
  struct Part {
    ConversationState* state;
    std::vector<EntryPtr> entries;
    std::vector<Origin> origins;  // of each entry
    struct Answer {
      Route route;
      std::uint64_t token;
      Head head;
    };
    std::vector<Answer> answers;
    std::vector<MarkChange> changes;
    std::vector<WaitingMark> marks;
    std::move_only_function<void(Result<Head>)> changed;  // of a group's change, the only entry
    std::vector<std::pair<EntryPtr, Span::Time>> traced = {};  // and since when they are here

    bool empty() const { return entries.empty() && changes.empty(); }
  };
  struct Group {
    std::vector<Part> parts;
    TimeMs started;
    Generation generation;
    // The feed position that every entry of the group is above; without one log, the milliseconds.
    std::uint64_t floor;
    Span::Time committing = {};  // since when, where something is traced
  };
  /// What is to be read of a conversation before it can go on.
  struct Wanted {
    ConversationState* state;
    bool whole = true;          // else the rest alone
    std::vector<UserId> users;  // of a group: who asks for something
    Generation generation = {};
    // Where the store cannot be asked on the loop: the keys of what waits, changes before sends;
    // the read marks that are not the head.
    std::vector<std::pair<UserId, std::string>> keys = {};
    std::vector<Seq> seqs = {};

    bool any() const { return whole || !users.empty() || !keys.empty() || !seqs.empty(); }
  };
  struct Loaded;
  struct Yielding {  // shards that are given up
    std::set<ShardId> shards;
    std::function<void()> done;
  };

  Error stopping(const ConversationId& id) const;
  void enqueue(ConversationState& state);
  void flush();
  void load(std::vector<Wanted> wanted);
  boost::asio::awaitable<void> load_all(std::vector<Wanted> wanted);
  boost::asio::awaitable<void> load_one(Wanted wanted);
  boost::asio::awaitable<void> take_loaded(const Wanted& wanted, Loaded& got);
  using Reads = std::vector<std::function<void()>>;  // which may run side by side
  Reads first_reads(const ConversationId& id, const Wanted& wanted, Loaded& out) const;
  Reads more_reads(const ConversationId& id, const Wanted& wanted, Loaded& out) const;
  std::function<void()> marks_of(const ConversationId& id, UserId user, Loaded& out) const;
  void read_members(const ConversationId& group, Loaded& out) const;
  Wanted wanted_by(ConversationState& state) const;
  bool can_go_on(const ConversationState& state, const Wanted& wanted) const;
  std::vector<UserId> unknown_users(ConversationState& state) const;
  void look_up_later(ConversationState& state, Wanted& wanted) const;
  boost::asio::awaitable<std::optional<Error>> missing_person(ConversationId id);
  void refuse_strangers(ConversationState& state, const std::vector<UserId>& asked);
  void build(ConversationState& state, Part& part, Answers& answers);
  void take_tail(ConversationState& state, Part& part);
  void take_change(ConversationState& state, Part& part);
  Result<Before> before(ConversationState& state, const std::optional<Before>& known, UserId sender,
                        std::string_view key) const;
  Head next_head(Head head);
  Result<void> check_sender(ConversationState& state, UserId sender) const;
  void take_sends(ConversationState& state, Part& part, Answers& answers);
  void take_marks(ConversationState& state, Part& part, Answers& answers);
  void name_inboxes(const Part& part, Append& append) const;
  void commit(std::unique_ptr<Group> group);
  void settle(std::unique_ptr<Group> group, Result<std::uint64_t> outcome);
  void fail_waiting(ConversationState& state, const Error& error, Answers& answers);
  Generation generation_of(const ConversationId& id) const;
  void forget_look_ups(ConversationState& state, const std::vector<EntryPtr>& committed);
  void unload(ConversationState& state);
  void watch_newest(ConversationState& state);
  void tell_heads(ConversationState& state);
  void end(Rewatch& rewatch);
  void finish_yielding();
  void fan_out(Group& group);
  void trace(const Group& group, const Error* failed) const;
  static std::string traces_of(const Group& group);
  void tell_mark(ConversationState& state, Member& member, std::vector<ReceiptNotice>& out);
  void tell_authors(ConversationState& state);
  boost::asio::awaitable<void> tell_authors_of(ConversationId id, std::vector<Member> moved);
  ConversationView view_of(ConversationState& state, UserId user) const;
  void hand_over(ConversationState& state, UserId user, Seq from, Seq to);
  void finish_closing();
  void arm();
  void tick();
  void publish();

  Shared& shared_;
  std::size_t loop_;
  Snowflake ids_;
  std::vector<Generation> generations_;  // by shard; 0: not this process's. Empty: one log
  ConversationCache cache_;
  FanOut fan_out_;
  DeliveryDuty duty_;
  Gate gate_;
  boost::asio::steady_timer timer_;
  bool armed_ = false;
  std::vector<ConversationState*> work_;
  std::size_t waiting_sends_ = 0;
  std::deque<std::pair<ConversationState*, UserId>> receipts_due_;  // user 0: a group's
  std::deque<const Group*> in_flight_;                              // as the store settles them
  std::vector<Yielding> yielding_;
  std::multiset<std::uint64_t> rewatching_;     // from where on, of what is not watched yet
  std::vector<ConversationState*> load_again_;  // what could not be read, and must be
  bool closing_ = false;
  std::function<void()> drained_;
  std::atomic<std::int64_t> oldest_in_flight_;
  std::atomic<std::uint64_t> undecided_from_;
  std::atomic<std::size_t> sends_now_{0}, commits_now_{0};
};

}  // namespace parley::message
