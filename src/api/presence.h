#pragma once
#include <vector>

#include "api/auth.h"
#include "domain/conversation_id.h"

namespace parley {

struct PresenceView {
  UserId user;
  bool online = false;
  TimeMs last_seen;  // of who is online: now; 0: never seen, or not known
};

/// Who is online, and when the others were last seen. Best effort, and the first thing dropped
/// under load. Any loop.
class PresenceApi {
 public:
  virtual ~PresenceApi() = default;
  /// The gateway has watchers of the users in `added` and none of those in `removed` from now on;
  /// it is told of changes through DeliveryApi::presence, and asks `of` after this for what is
  /// true now. Ends when the session service drops the gateway.
  virtual void watch(GatewayId gateway, std::vector<UserId> added, std::vector<UserId> removed) = 0;
  /// In their order. Errors: those of the store.
  virtual Awaitable<Result<std::vector<PresenceView>>> of(std::vector<UserId> users) = 0;
};

}  // namespace parley
