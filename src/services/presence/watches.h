#pragma once
#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>
#include <map>
#include <vector>

#include "base/ids.h"

namespace parley::presence {

/// Which gateway watches whom, and of whom it has to hear. A user waits once for each gateway,
/// however often the user changes: what waits is never more than what is watched, and what is told
/// is read when it is told. One thread.
class Watches {
 public:
  void watch(GatewayId gateway, const std::vector<UserId>& added,
             const std::vector<UserId>& removed);
  void forget(GatewayId gateway);

  /// The user waits from now on for all gateways that watch the user.
  void changed(UserId user);
  /// Gateways for which somebody waits.
  std::vector<GatewayId> waiting() const;
  /// Those who have waited longest for the gateway, at most `limit`.
  std::vector<UserId> take(GatewayId gateway, std::size_t limit);

 private:
  using Users = boost::unordered_flat_set<UserId, std::hash<UserId>>;
  struct Watcher {
    Users watched;
    Users waits;               // the same as `queue`
    std::deque<UserId> queue;  // who is not watched any more is passed over by `take`
  };
  std::map<GatewayId, Watcher> watchers_;
};

}  // namespace parley::presence
