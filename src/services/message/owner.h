#pragma once
#include <boost/asio/steady_timer.hpp>

#include "api/user.h"
#include "base/gate.h"
#include "base/hybrid_clock.h"
#include "base/loops.h"
#include "base/metrics.h"
#include "domain/snowflake.h"
#include "ports/conversation_store.h"
#include "services/message/delivery_duty.h"
#include "services/message/fan_out.h"

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
  std::atomic<std::uint64_t> stored_position{
      0};  // the highest feed position that a commit answered with
  Metric& sent;
  Metric& refused;
  Metric& pushes;
};

/// The conversations of one loop: drops duplicates, assigns seq and message_id, keeps one commit
/// per conversation in flight (what arrives meanwhile forms the next), acknowledges what is
/// durable, and fans out. Everything on its loop.
class Owner {
 public:
  Owner(Shared& shared, std::size_t loop, std::uint32_t node);

  void send(std::vector<SendRequest> batch, Route route);
  void mark(std::vector<MarkRequest> batch, Route route);
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
  };
  struct Group {
    std::vector<Part> parts;
    TimeMs started;
    std::uint64_t floor;  // the feed position that every entry of the group is above
  };
  class Answers;

  void enqueue(ConversationState& state);
  void flush();
  void load(std::vector<ConversationState*> states);
  boost::asio::awaitable<void> load_all(std::vector<ConversationState*> states);
  bool build(ConversationState& state, Part& part, Answers& answers);
  void take_sends(ConversationState& state, Part& part, Answers& answers);
  void take_marks(ConversationState& state, Part& part, Answers& answers);
  void commit(std::unique_ptr<Group> group);
  void settle(std::unique_ptr<Group> group, Result<std::uint64_t> outcome);
  void fail_waiting(ConversationState& state, const Error& error, Answers& answers);
  void fan_out(Group& group);
  void tell_mark(ConversationState& state, Member& member, std::vector<ReceiptNotice>& out);
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
  std::deque<std::pair<ConversationState*, UserId>> receipts_due_;
  std::deque<const Group*> in_flight_;  // as the store settles them
  bool closing_ = false;
  std::function<void()> drained_;
  std::atomic<std::int64_t> oldest_in_flight_;
  std::atomic<std::uint64_t> undecided_from_;
};

}  // namespace parley::message
