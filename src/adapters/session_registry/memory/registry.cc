#include "adapters/session_registry/memory/registry.h"

#include <algorithm>

namespace parley::session_registry {

void MemoryRegistry::update(GatewayId gateway, std::vector<Presence> changes, bool report,
                            Changed changed) {
  for (const auto& change : changes) {
    if (change.online)
      add(change.user, gateway);
    else
      remove(change.user, gateway);
  }
  std::vector<UserSessions> out;
  if (report)
    for (const auto& change : changes) out.push_back(now(change.user));
  changed(std::move(out));
}

void MemoryRegistry::heartbeat(GatewayId gateway, Known known) {
  known(!known_.insert(gateway).second);
}

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

void MemoryRegistry::remove_gateway(GatewayId gateway, bool report, Changed changed) {
  known_.erase(gateway);
  std::vector<UserId> users;
  for (const auto& [user, first] : first_)
    if (first == gateway || others_.contains(user)) users.push_back(user);
  std::vector<UserSessions> out;
  for (auto user : users) {
    remove(user, gateway);
    if (report) out.push_back(now(user));
  }
  if (!out.empty()) changed(std::move(out));
  changed({});
}

UserSessions MemoryRegistry::now(UserId user) const {
  UserSessions out{user, {}};
  if (const auto first = first_.find(user); first != first_.end()) {
    out.gateways.push_back(first->second);
    if (const auto others = others_.find(user); others != others_.end())
      out.gateways.insert(out.gateways.end(), others->second.begin(), others->second.end());
  }
  return out;
}

void MemoryRegistry::find(std::span<const UserId> users, Found found) {
  std::vector<Location> out;
  out.reserve(users.size());
  for (auto user : users) {
    const auto first = first_.find(user);
    if (first == first_.end()) continue;
    out.push_back({user, first->second});
    if (const auto others = others_.find(user); others != others_.end())
      for (auto gateway : others->second) out.push_back({user, gateway});
  }
  found(std::move(out));
}

}  // namespace parley::session_registry
