#pragma once
#include <boost/asio/steady_timer.hpp>

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

namespace parley::message {

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
  FeedReader& feed;  // is told of group entries
  std::atomic<std::uint64_t> stored_position{
      0};  // the highest feed position that a commit answered with
  Metric& sent;
  Metric& refused;
  Metric& pushes;
};

/// The conversations of one loop: drops duplicates, assigns seq and message_id, keeps one commit
/// per conversation in flight (what arrives meanwhile forms the next), acknowledges what is
/// durable, and fans out (entries of groups: the feed's consumer does). Everything on its loop.
///
/// By file: owner.cc is a commit's way from request to answer; owner_load.cc reads what a
/// conversation needs first; owner_build.cc makes a commit of what waits; owner_tell.cc hands out
/// what was committed.
class Owner {
 public:
  Owner(Shared& shared, std::size_t loop, std::uint32_t node);

  void send(std::vector<SendRequest> batch, Route route);
  void mark(std::vector<MarkRequest> batch, Route route);
  /// `change.done` is called on this loop.
  void append(const ConversationId& group, WaitingChange change);
  /// After a restart, before anything is sent: watches the newest entry of each conversation in the
  /// feed beyond the stored position, then calls back.
  void rewatch(std::vector<std::pair<ConversationId, Seq>> newest, std::uint64_t position,
               std::function<void()> done);
  /// Calls back when nothing is in flight and nothing waits. Requests that come later are answered
  /// `unavailable`.
  void close(std::function<void()> drained);

  /// Any thread: no entry of this owner with an earlier time is committed later than this is read.
  TimeMs oldest_in_flight() const {
    return TimeMs(oldest_in_flight_.load(std::memory_order_acquire));
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

    bool empty() const { return entries.empty() && changes.empty(); }
  };
  struct Group {
    std::vector<Part> parts;
    TimeMs started;
    std::uint64_t floor;  // the feed position that every entry of the group is above
  };
  /// What is to be read of a conversation before it can go on.
  struct Wanted {
    ConversationState* state;
    bool whole = true;          // else these users alone
    std::vector<UserId> users;  // of a group: who asks for something
  };
  struct Loaded;

  void enqueue(ConversationState& state);
  void flush();
  void load(std::vector<Wanted> wanted);
  boost::asio::awaitable<void> load_all(std::vector<Wanted> wanted);
  Loaded read(const ConversationId& id, bool whole, const std::vector<UserId>& users) const;
  std::vector<UserId> unknown_users(ConversationState& state) const;
  boost::asio::awaitable<std::optional<Error>> missing_person(ConversationId id);
  void refuse_strangers(ConversationState& state, const std::vector<UserId>& asked);
  void build(ConversationState& state, Part& part, Answers& answers);
  void take_change(ConversationState& state, Part& part);
  Head next_head(Head head);
  Result<void> check_sender(ConversationState& state, UserId sender) const;
  void take_sends(ConversationState& state, Part& part, Answers& answers);
  void take_marks(ConversationState& state, Part& part, Answers& answers);
  void name_inboxes(const Part& part, Append& append) const;
  void commit(std::unique_ptr<Group> group);
  void settle(std::unique_ptr<Group> group, Result<std::uint64_t> outcome);
  void fail_waiting(ConversationState& state, const Error& error, Answers& answers);
  void fan_out(Group& group);
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
  bool closing_ = false;
  std::function<void()> drained_;
  std::atomic<std::int64_t> oldest_in_flight_;
  std::atomic<std::uint64_t> undecided_from_;
};

}  // namespace parley::message
