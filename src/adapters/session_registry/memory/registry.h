#pragma once
#include <boost/unordered/unordered_flat_map.hpp>

#include "ports/session_registry.h"

namespace parley::session_registry {

class MemoryRegistry final : public SessionRegistry {
 public:
  void add(UserId user, GatewayId gateway) override;
  void remove(UserId user, GatewayId gateway) override;
  std::vector<UserId> remove_gateway(GatewayId gateway) override;
  void find(UserId user, std::vector<GatewayId>& out) const override;

 private:
  template <class Value>
  using ByUser = boost::unordered_flat_map<UserId, Value, std::hash<UserId>>;

  // A user is nearly always on one gateway: 16 bytes each.
  ByUser<GatewayId> first_;
  ByUser<std::vector<GatewayId>> others_;  // of those who are on more
};

}  // namespace parley::session_registry
