#pragma once
#include <cstddef>
#include <functional>
#include <vector>

#include "domain/sessions.h"

namespace parley {

/// Is told who comes and goes, in order for each user, on the loop that it named.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  using Change = UserSessions;  // as it is now
  virtual void on_sessions(std::vector<Change> changes) = 0;
  /// The gateway is gone, and with it what it asked the listener for; `on_sessions` tells of its
  /// users. On any thread, before the gateway can hear of it: what it asks for when it is back
  /// comes after this. Must not call the session service.
  virtual void on_gateway_gone(GatewayId /*gateway*/) {}
};

/// Which user is on which gateway. Any loop. A gateway of which nothing is heard for a while is
/// dropped with its users.
class SessionApi {
 public:
  virtual ~SessionApi() = default;
  /// Before the first `update`. The listener stays until the loops have ended.
  virtual void subscribe(SessionListener& listener, std::size_t loop) = 0;
  virtual void update(GatewayId gateway, std::vector<Presence> changes) = 0;
  /// The gateway lives, and so do all its sessions: every 5 s, and once before its first `update`.
  /// Answers once, on the calling loop (perhaps before it returns). Not known: it is new here or
  /// was dropped, and says again all that it said: its users by `update`, and to other services
  /// what they forgot with it (PresenceApi::watch).
  virtual void heartbeat(GatewayId gateway, std::move_only_function<void(bool known)> answer) = 0;
  /// The gateway has ended: its users' sessions there are gone. A process that takes the id of an
  /// earlier one says this first.
  virtual void gateway_gone(GatewayId gateway) = 0;
  /// Calls back once, on the calling loop (perhaps before it returns), with one row per (user,
  /// gateway); users without a session have none. Of a user of whom it cannot be known now there is
  /// a row for every gateway: each of them knows who is really there.
  virtual void locate(std::vector<UserId> users,
                      std::move_only_function<void(std::vector<Location>)> found) = 0;
};

}  // namespace parley
