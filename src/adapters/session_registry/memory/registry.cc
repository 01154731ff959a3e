#include "adapters/session_registry/memory/registry.h"

#include <algorithm>

namespace parley::session_registry {

void MemoryRegistry::add(UserId user, GatewayId gateway) {
  const auto [at, fresh] = first_.try_emplace(user, gateway);
  if (fresh || at->second == gateway) return;
  auto& others = others_[user];
  if (std::ranges::find(others, gateway) == others.end()) others.push_back(gateway);
}

void MemoryRegistry::remove(UserId user, GatewayId gateway) {
  const auto first = first_.find(user);
  if (first == first_.end()) return;
  const auto others = others_.find(user);
  if (others == others_.end()) {
    if (first->second == gateway) first_.erase(first);
    return;
  }
  auto& gateways = others->second;
  if (first->second == gateway) {
    first->second = gateways.back();
    gateways.pop_back();
  } else {
    std::erase(gateways, gateway);
  }
  if (gateways.empty()) others_.erase(others);
}

std::vector<UserId> MemoryRegistry::remove_gateway(GatewayId gateway) {
  std::vector<UserId> users;
  for (const auto& [user, first] : first_)
    if (first == gateway || others_.contains(user)) users.push_back(user);
  for (auto user : users) remove(user, gateway);
  return users;
}

void MemoryRegistry::find(UserId user, std::vector<GatewayId>& out) const {
  const auto first = first_.find(user);
  if (first == first_.end()) return;
  out.push_back(first->second);
  if (const auto others = others_.find(user); others != others_.end())
    out.insert(out.end(), others->second.begin(), others->second.end());
}

}  // namespace parley::session_registry
