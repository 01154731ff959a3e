#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <set>

#include "ports/session_registry.h"

namespace parley::session_registry {

/// Of one process alone. Calls back before it returns, and never fails.
class MemoryRegistry final : public SessionRegistry {
 public:
  void update(GatewayId gateway, std::vector<Presence> changes, bool report,
              Changed changed) override;
  void heartbeat(GatewayId gateway, Known known) override;
  void remove_gateway(GatewayId gateway, bool report, Changed changed) override;
  void find(std::span<const UserId> users, Found found) override;

 private:
  template <class Value>
  using ByUser = boost::unordered_flat_map<UserId, Value, std::hash<UserId>>;
  void add(UserId user, GatewayId gateway);
  void remove(UserId user, GatewayId gateway);
  UserSessions now(UserId user) const;

  // A user is nearly always on one gateway: 16 bytes each.
  ByUser<GatewayId> first_;
  ByUser<std::vector<GatewayId>> others_;  // of those who are on more
  std::set<GatewayId> known_;
};

}  // namespace parley::session_registry
