#pragma once
#include <vector>

#include "base/ids.h"

namespace parley {

/// On which gateways a user has sessions. May be lost: gateways say it again. One executor's
/// thread.
class SessionRegistry {
 public:
  virtual ~SessionRegistry() = default;
  virtual void add(UserId user,
                   GatewayId gateway) = 0;  // the user's first session there; twice changes nothing
  virtual void remove(UserId user, GatewayId gateway) = 0;            // the last one there ended
  virtual std::vector<UserId> remove_gateway(GatewayId gateway) = 0;  // those who were on it
  virtual void find(UserId user, std::vector<GatewayId>& out) const = 0;  // appended to `out`
};

}  // namespace parley
