#pragma once
#include <deque>
#include <map>
#include <set>

#include "api/notification.h"
#include "base/clock.h"
#include "base/gate.h"
#include "base/metrics.h"
#include "services/group/fan_out.h"
#include "services/group/pauses.h"
#include "services/group/rooms.h"

namespace parley::group {

/// The duty to deliver of groups. Members with a session who have not confirmed an entry after 3 to
/// 3.5 s (entries of half a second share a check: docs/decisions/0002) get it handed over once more
/// and are pushed; members without a session at once. One push of a user and group stands until the
/// user confirms something at or above it; which ones stand is forgotten with the room. Nobody is
/// pushed whose marks were not asked before. Durable by the feed: what is undecided is bounded from
/// below by `undecided_from`, so that a restart can begin there. One loop; the owner calls `tick`.
class GroupDuty {
 public:
  struct Needs {
    const Clock& clock;
    MessageApi& messages;
    NotificationApi& notifications;
    const ReachGateway& reach;
    const Settings& settings;
    Rooms& rooms;
    Gate& gate;
    Pauses& pauses;
    boost::asio::any_io_executor executor;
    Metric& decided;
  };
  explicit GroupDuty(Needs needs) : n_(std::move(needs)) {}

  /// An entry of the room passed, at that position of the feed or above.
  void watch(const RoomPin& room, std::uint64_t position);
  /// Members who were offline when it passed.
  void absent(const RoomPin& room, std::vector<UserId> users, std::uint64_t position);
  /// They left by the entry `seq`, and may not have got what is before it: handed over from their
  /// marks on.
  void catch_up(const RoomPin& room, std::vector<UserId> users, Seq seq, std::uint64_t position);
  /// A member came online: if a push stands, it is looked at again.
  void came(Room& room, UserId user);
  /// Whether `tick` has something to do now or later.
  bool waits() const { return !checks_.empty(); }
  void tick();

  /// Every entry below this position is decided; nothing to decide: the largest number.
  std::uint64_t undecided_from() const;

 private:
  struct Check {
    Clock::Mono opened;  // more entries join for half a second
    RoomPin room;
    Seq seq;
    std::uint64_t position;  // of the first entry that joined
  };
  struct Work {
    enum class Kind { absent, check, catch_up };
    Kind kind;
    RoomPin room;
    std::vector<UserId> users;
    Seq seq;
    std::uint64_t position;
  };
  using Again = std::map<Seq, std::vector<UserId>>;  // who gets the entries from where
  void queue(Work work);
  Awaitable<void> run();
  Awaitable<bool> decide(const Work& work);
  void judge(const Work& work, UserId user, const Marks& marks, std::vector<Push>& pushes,
             Again& again);
  Awaitable<void> hand_over(const Work& work, Again again);
  Awaitable<bool> push(std::vector<Push> pushes);
  Awaitable<Result<void>> notify(std::vector<Push> pushes);

  Needs n_;
  std::deque<Check> checks_;
  std::uint64_t first_check_ = 1;  // the number of checks_.front()
  std::deque<Work> work_;
  bool working_ = false;
  std::multiset<std::uint64_t> undecided_;
};

/// Marks of users, asked for until there is an answer, the service closes, or asking is in vain.
Awaitable<Result<std::vector<Marks>>> ask_marks(MessageApi& messages, Pauses& pauses,
                                                const Settings& settings,
                                                ConversationId conversation,
                                                std::vector<UserId> users);

}  // namespace parley::group
