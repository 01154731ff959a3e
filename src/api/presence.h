#pragma once
#include <vector>

#include "api/auth.h"
#include "domain/conversation_id.h"

namespace parley {

struct PresenceView {
  UserId user;
  bool online = false;
  TimeMs last_seen;  // 0: never seen, or not known
};

/// Who is online, and when the others were last seen. Best effort, and the first thing dropped
/// under load. Any loop.
class PresenceApi {
 public:
  virtual ~PresenceApi() = default;
  /// The gateway has watchers of exactly these users from now on; it is told of changes through
  /// DeliveryApi::presence. Replaces what it said of the users in `removed` and `added`.
  virtual void watch(GatewayId gateway, std::vector<UserId> added, std::vector<UserId> removed) = 0;
  virtual Awaitable<Result<std::vector<PresenceView>>> of(std::vector<UserId> users) = 0;
};

}  // namespace parley
