#pragma once
#include <functional>
#include <vector>

#include "base/ids.h"

namespace parley {

struct Presence {
  UserId user;
  bool online;  // the user's first session at this gateway came, or the last one went
};
struct Location {
  UserId user;
  GatewayId gateway;
};

/// Is told who comes and goes, in order for each user, on the loop that it named.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  /// `gateways` of each: all on which the user has sessions now; none: offline.
  struct Change {
    UserId user;
    std::vector<GatewayId> gateways;
  };
  virtual void on_sessions(std::vector<Change> changes) = 0;
};

/// Which user is on which gateway. Any loop.
class SessionApi {
 public:
  virtual ~SessionApi() = default;
  /// Before the first `update`. The listener stays until the loops have ended.
  virtual void subscribe(SessionListener& listener, std::size_t loop) = 0;
  virtual void update(GatewayId gateway, std::vector<Presence> changes) = 0;
  /// Calls back once, on the calling loop (perhaps before it returns), with one row per (user,
  /// gateway); users without a session have none.
  virtual void locate(std::vector<UserId> users,
                      std::move_only_function<void(std::vector<Location>)> found) = 0;
};

}  // namespace parley
