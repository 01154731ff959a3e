#pragma once
#include "api/feed.h"
#include "ports/traces.h"
#include "services/group/group_duty.h"

namespace parley::group {

/// Reads the feed of group entries, keeps the rooms as of each entry, and hands each gateway the
/// entries of a page in one call. What it has read but the duty has not decided is read again after
/// a restart. One loop.
class FeedConsumer {
 public:
  struct Needs {
    const Clock& clock;
    FeedApi& feed;
    MessageApi& messages;
    const ReachGateway& reach;
    const Settings& settings;
    Rooms& rooms;
    GroupDuty& duty;
    Gate& gate;
    Pauses& pauses;
    Traces* traces;  // null: nothing is traced
  };
  explicit FeedConsumer(Needs needs) : n_(std::move(needs)) {}

  /// Goes on where the last process stood, until the pauses are closed.
  Awaitable<Result<void>> start();
  /// Says how far everything is decided, if that has moved.
  void keep_position();

 private:
  Awaitable<void> run();
  Awaitable<void> ticks();
  Awaitable<bool> take(const FeedItems& page);
  Awaitable<Result<Room*>> room_of(GroupId group);
  Awaitable<void> learn_joined(Room& room);
  void pass(const RoomPin& room, const FeedItem& item, FanOut& out);
  void trace(const Entry& entry, Span::Time begin) const;

  Needs n_;
  std::uint64_t position_ = 0;  // everything up to it was handed out
  std::uint64_t kept_ = 0;
};

}  // namespace parley::group
