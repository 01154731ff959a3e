#pragma once
#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <vector>

#include "domain/conversation_id.h"
#include "domain/group_change.h"

namespace parley::group {

using Gateways = boost::container::small_vector<GatewayId, 1>;

/// What is kept of an active group: its members, those who are online and on which gateways, and
/// who was pushed. Lives on the rooms' loop. What an entry costs depends on who is online alone.
///
/// *Membership as of an entry.* The members are loaded from the store, which is never behind the
/// log: a change is committed there before it becomes an entry. So when an entry E is delivered to
/// a room just loaded, the members are as of E, or of some later version. From then on every
/// group_change that passes is applied, known or not; both directions of "ahead" are covered:
/// - *Nobody outside gets an entry.* Somebody in the room who joins only after E: as long as the
///   room may be ahead (`settled` is false), a member is told of E only if the log itself, by his
///   marks or the change that has passed, says that he was a member as of E. Somebody who
///   left before E is in neither the store nor the room: his change was committed before E, and
///   passed before E.
/// - *Nobody is missed.* Somebody who leaves after E but is gone from the store already does not
///   get E when it passes. The entry by which he leaves is still to pass, and names him; as he is
///   not in the room then, he is handed everything from his mark to that entry.
/// The room is settled as soon as an entry says a version at or above the one that was loaded.
class Room : public boost::intrusive::list_base_hook<> {
 public:
  struct Online {
    UserId user;
    Gateways gateways;
  };
  struct Member {
    Seq pushed;                // the push that stands; 0: none
    std::uint32_t online = 0;  // place in `online`, from 1; 0: offline
    bool candidate = false;    // is among the candidates
  };

  Room(GroupId group, std::uint64_t loaded_version)
      : id(group),
        conversation(ConversationId::group(group.value)),
        loaded_version_(loaded_version) {}

  /// Becomes a member by the entry `joined`, or as the store says (0: unknown, long ago if
  /// settled).
  void add(UserId user, Seq joined, const Gateways* gateways);
  void remove(UserId user);
  /// Where the member is now; null: offline.
  void move(UserId user, const Gateways* gateways);

  Member* member(UserId user) {
    const auto at = members_.find(user);
    return at == members_.end() ? nullptr : &at->second;
  }
  const std::vector<Online>& online() const { return online_; }
  std::size_t size() const { return members_.size(); }
  template <class F>
  void for_each_member(F call) const {
    for (const auto& [user, member] : members_) call(user);
  }

  /// An entry of that version of the group passes.
  void passes(Seq seq, std::uint64_t version);
  bool settled() const { return settled_; }
  /// Those online of whom it is not known whether they had joined; none if settled.
  std::vector<UserId> unknown() const;
  /// What the log says of somebody: by which entries he joined and left last; 0: never.
  struct Stint {
    Seq joined, left;
  };
  void learn(UserId user, Stint stint) { stints_[user] = stint; }
  /// Whether he was a member as of an entry that passes.
  bool had_joined(UserId user, Seq seq) const;

  /// Offline, and perhaps without a push that stands: to be looked at with the next entry.
  void make_candidate(UserId user, Member& member);
  std::vector<UserId> take_candidates();
  bool has_candidates() const { return !candidates_.empty(); }

  const GroupId id;
  const ConversationId conversation;
  Seq head;                 // the last entry that passed
  std::uint32_t pins = 0;   // work that points here
  std::uint64_t check = 0;  // the duty's latest check of this room; 0: none

 private:
  void go_offline(Member& member);

  const std::uint64_t loaded_version_;
  bool settled_ = false;
  boost::unordered_flat_map<UserId, Member, std::hash<UserId>> members_;
  boost::unordered_flat_map<UserId, Stint, std::hash<UserId>> stints_;  // while not settled
  std::vector<Online> online_;
  std::vector<UserId> candidates_;
};

}  // namespace parley::group
