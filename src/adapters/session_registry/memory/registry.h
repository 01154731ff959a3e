#pragma once
#include <boost/container/small_vector.hpp>
#include <unordered_map>

#include "ports/session_registry.h"

namespace parley::session_registry {

class MemoryRegistry final : public SessionRegistry {
 public:
  void add(UserId user, GatewayId gateway) override;
  void remove(UserId user, GatewayId gateway) override;
  std::vector<UserId> remove_gateway(GatewayId gateway) override;
  void find(UserId user, std::vector<GatewayId>& out) const override;

 private:
  using Gateways = boost::container::small_vector<GatewayId, 1>;  // nearly always one
  std::unordered_map<UserId, Gateways> gateways_of_;
};

}  // namespace parley::session_registry
