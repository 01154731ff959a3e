#pragma once
#include <memory>
#include <set>

#include "api/auth.h"
#include "api/session.h"
#include "base/loops.h"
#include "ports/groups.h"
#include "services/group/room.h"
#include "services/group/settings.h"

namespace parley::group {

/// The rooms of active groups, loaded from the store as entries come, and who is online. Bounded by
/// members in all: the least recently used go first, but none that is pinned. One loop.
class Rooms {
 public:
  Rooms(GroupStore& store, Loops& loops, const Settings& settings)
      : store_(store), loops_(loops), settings_(settings) {}
  ~Rooms() { recent_.clear(); }

  /// The group's room, pinned. A group that the store does not know has an empty one.
  Awaitable<Result<Room*>> get(GroupId group);
  void unpin(Room& room);
  bool has(GroupId group) const { return rooms_.contains(group); }

  /// Its users are members, or not, from that entry on.
  void apply(Room& room, const GroupChange& change, Seq seq);
  /// Where a user is; null: offline.
  const Gateways* where(UserId user) const;

  /// Moves the users in their rooms. `came(room, user)` for each room in which one is online now.
  void on_sessions(const std::vector<SessionListener::Change>& changes,
                   const std::function<void(Room&, UserId)>& came);

  std::size_t members() const { return members_; }
  std::size_t size() const { return rooms_.size(); }

 private:
  void add(Room& room, UserId user, Seq joined);
  void remove(Room& room, UserId user);
  void evict();

  GroupStore& store_;
  Loops& loops_;
  const Settings& settings_;
  template <class Key, class Value>
  using Map = boost::unordered_flat_map<Key, Value, std::hash<Key>>;
  Map<GroupId, std::unique_ptr<Room>> rooms_;
  boost::intrusive::list<Room> recent_;  // most recently used first
  Map<UserId, boost::container::small_vector<Room*, 1>> rooms_of_;
  /// Nearly everybody is on one of few gateways: 16 bytes each, and each set of gateways once.
  Map<UserId, const Gateways*> online_;
  std::set<Gateways> places_;
  std::size_t members_ = 0;  // of all rooms
};

/// Keeps a room that `get` gave.
class RoomPin {
 public:
  RoomPin(Rooms& rooms, Room& room) : rooms_(&rooms), room_(&room) {}
  RoomPin(RoomPin&& other) noexcept
      : rooms_(other.rooms_), room_(std::exchange(other.room_, nullptr)) {}
  RoomPin& operator=(RoomPin&&) = delete;
  ~RoomPin() {
    if (room_) rooms_->unpin(*room_);
  }
  Room& operator*() const { return *room_; }
  Room* operator->() const { return room_; }
  RoomPin again() const {
    ++room_->pins;
    return {*rooms_, *room_};
  }

 private:
  Rooms* rooms_;
  Room* room_;
};

}  // namespace parley::group
