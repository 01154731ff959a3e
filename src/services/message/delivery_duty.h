#pragma once
#include <deque>
#include <set>

#include "api/notification.h"
#include "base/metrics.h"
#include "services/message/conversation_state.h"
#include "services/message/settings.h"

namespace parley::message {

/// The durable side's duty to deliver: an entry that no device of a recipient confirms within
/// `confirm_within` is handed over once more and given to notification; at once where the recipient
/// has no session. A push that notification cannot take now is tried again. One loop; the owner
/// calls `tick`. What is undecided is bounded from below by
/// `undecided_from`, a feed position, so that a restart can begin there.
class DeliveryDuty {
 public:
  /// Reads (delivered, seq] again and hands it to the member's sessions.
  using HandOver = std::function<void(ConversationState&, UserId, Seq from, Seq to)>;

  DeliveryDuty(const Settings& settings, const Clock& clock, NotificationApi& notifications,
               Metric& decided, HandOver hand_over);

  /// A committed entry that `member` has not confirmed. `position`: of the entry in the feed, or
  /// below it.
  void watch(ConversationState& state, Member& member, Seq seq, std::uint64_t position);
  /// The member has no session: decide now.
  void absent(ConversationState& state, Member& member, Seq seq, TimeMs now);
  /// Decides what is due.
  void tick(TimeMs now);

  bool waiting() const { return !checks_.empty() || !refused_.empty() || under_way_ != 0; }
  /// Every watched entry below this position is decided; none watched: the largest number.
  std::uint64_t undecided_from() const;

 private:
  struct Check {
    Clock::Mono opened;  // more entries join for kWindow; decided confirm_within after that
    ConversationState* state;
    UserId user;
    Seq seq;
    std::uint64_t position;  // of the first entry that joined
  };
  /// A decision on its way to notification. Its state is pinned.
  struct Decided {
    ConversationState* state;
    UserId user;
    Seq seq;
    std::uint64_t position;
    TimeMs at;
    Clock::Mono again{};  // when it is tried again
  };
  void decide(const Check& check, TimeMs now);
  void push(ConversationState& state, Member& member, Seq seq, std::uint64_t position, TimeMs now);
  void give(Decided push);
  void end(const Decided& push);

  const Settings& settings_;
  const Clock& clock_;
  NotificationApi& notifications_;
  Metric& decided_;
  HandOver hand_over_;
  std::deque<Check> checks_;
  std::uint64_t first_check_ = 1;         // the number of checks_.front()
  std::multiset<std::uint64_t> pushing_;  // positions whose push is not durable yet
  std::deque<Decided> refused_;           // by rising `again`
  std::size_t under_way_ = 0;
};

}  // namespace parley::message
