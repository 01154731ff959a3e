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

/// Which user is on which gateway. Any loop.
class SessionApi {
 public:
  virtual ~SessionApi() = default;
  virtual void update(GatewayId gateway, std::vector<Presence> changes) = 0;
  /// Calls back once, on the calling loop (perhaps before it returns), with one row per (user,
  /// gateway); users without a session have none.
  virtual void locate(std::vector<UserId> users,
                      std::move_only_function<void(std::vector<Location>)> found) = 0;
};

}  // namespace parley
