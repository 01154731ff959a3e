#pragma once
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "domain/sessions.h"

namespace parley {

/// On which gateways users have sessions. Lives on one loop: called there, and calls back there,
/// once for each call, perhaps before it returns. What was said first is done first, a `find` knows
/// all that was said before it, and what is called back later about a user is newer.
///
/// Rows belong to a tenure of their gateway: from its first word (here, or since `remove_gateway`,
/// or since the registry forgot it) to `remove_gateway`. Those of an earlier tenure are never
/// found. A registry that other processes share ends the tenure of a gateway that is silent by
/// itself; one of a process alone leaves that to its caller.
///
/// Nothing is durable: a registry may forget all, and then does not know the gateways that
/// heartbeat. A call that fails (`unavailable`, `timed_out`, `storage_full`) may have been done, in
/// part or not at all. To retry means for an update: `remove_gateway`, then to say everything that
/// holds; for the others: to call again.
class SessionRegistry {
 public:
  /// Those whose rows changed, as they are now, if that was asked for; else empty.
  using Changed = std::move_only_function<void(Result<std::vector<UserSessions>>)>;
  using Known = std::move_only_function<void(Result<bool>)>;
  using Found = std::move_only_function<void(Result<std::vector<Location>>)>;

  virtual ~SessionRegistry() = default;
  /// Users came to a gateway or went, in this order; twice changes nothing.
  virtual void update(GatewayId gateway, std::vector<Presence> changes, bool report,
                      Changed changed) = 0;
  /// The gateway lives. Answers whether that is news: not known, it begins a tenure without rows,
  /// and says all that it has.
  virtual void heartbeat(GatewayId gateway, Known known) = 0;
  /// Ends the gateway's tenure: its rows count no more for any later call. Calls back several
  /// times: with parts of those who were on it (and perhaps others), if that was asked for; last
  /// with none, or with the failure. Called again after a failure, it reports at least those who
  /// were left out.
  virtual void remove_gateway(GatewayId gateway, bool report, Changed changed) = 0;
  /// One row per (user, gateway). `users` is read before it returns. `unavailable` also while rows
  /// may be missing because gateways have not yet said again what was forgotten.
  virtual void find(std::span<const UserId> users, Found found) = 0;
};

}  // namespace parley
