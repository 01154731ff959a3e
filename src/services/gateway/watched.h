#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>

#include "api/presence.h"
#include "services/gateway/presence.h"

namespace parley::gateway {

/// Whom the sessions of this gateway watch, across its loops. Tells the presence service, in the
/// order in which that changed. Any thread.
class Watched {
 public:
  using LoopSet = LocalPresence::LoopSet;

  Watched(PresenceApi& presence, GatewayId gateway) : presence_(presence), gateway_(gateway) {}

  /// The user's first watcher on that loop came, or the last one went.
  void came(std::size_t loop, UserId user);
  void went(std::size_t loop, UserId user);
  /// Tells the presence service what changed since the last call.
  void flush();
  /// Tells it of everybody who is watched, since it forgot.
  void say_again();

  /// For each of them, one bit per loop that holds a watcher of the user.
  std::vector<LoopSet> loops_of(const std::vector<PresenceView>& users) const;

 private:
  PresenceApi& presence_;
  const GatewayId gateway_;
  std::mutex telling_;  // held while the presence service is told, which may call back; taken first
  mutable std::mutex mutex_;
  boost::unordered_flat_map<UserId, LoopSet, std::hash<UserId>> loops_;
  // Whether the presence service was told of those that changed since.
  boost::unordered_flat_map<UserId, bool, std::hash<UserId>> told_;
};

}  // namespace parley::gateway
