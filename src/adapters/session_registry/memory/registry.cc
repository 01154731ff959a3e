#include "adapters/session_registry/memory/registry.h"

#include <algorithm>

namespace parley::session_registry {

void MemoryRegistry::add(UserId user, GatewayId gateway) {
  auto& gateways = gateways_of_[user];
  if (std::ranges::find(gateways, gateway) == gateways.end()) gateways.push_back(gateway);
}

void MemoryRegistry::remove(UserId user, GatewayId gateway) {
  auto at = gateways_of_.find(user);
  if (at == gateways_of_.end()) return;
  auto& gateways = at->second;
  if (auto it = std::ranges::find(gateways, gateway); it != gateways.end()) gateways.erase(it);
  if (gateways.empty()) gateways_of_.erase(at);
}

std::vector<UserId> MemoryRegistry::remove_gateway(GatewayId gateway) {
  std::vector<UserId> users;
  for (const auto& [user, gateways] : gateways_of_)
    if (std::ranges::find(gateways, gateway) != gateways.end()) users.push_back(user);
  for (auto user : users) remove(user, gateway);
  return users;
}

void MemoryRegistry::find(UserId user, std::vector<GatewayId>& out) const {
  if (auto at = gateways_of_.find(user); at != gateways_of_.end())
    out.insert(out.end(), at->second.begin(), at->second.end());
}

}  // namespace parley::session_registry
