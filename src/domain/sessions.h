#pragma once
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
/// All gateways on which a user has sessions; none: offline.
struct UserSessions {
  UserId user;
  std::vector<GatewayId> gateways;
};

}  // namespace parley
