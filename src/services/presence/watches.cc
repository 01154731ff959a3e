#include "services/presence/watches.h"

namespace parley::presence {

void Watches::watch(GatewayId gateway, const std::vector<UserId>& added,
                    const std::vector<UserId>& removed) {
  auto& watcher = watchers_[gateway];
  for (const auto user : removed) watcher.watched.erase(user);
  watcher.watched.insert(added.begin(), added.end());
  if (watcher.watched.empty()) watchers_.erase(gateway);
}

void Watches::forget(GatewayId gateway) { watchers_.erase(gateway); }

void Watches::changed(UserId user) {
  for (auto& [gateway, watcher] : watchers_)
    if (watcher.watched.contains(user) && watcher.waits.insert(user).second)
      watcher.queue.push_back(user);
}

std::vector<GatewayId> Watches::waiting() const {
  std::vector<GatewayId> out;
  for (const auto& [gateway, watcher] : watchers_)
    if (!watcher.queue.empty()) out.push_back(gateway);
  return out;
}

std::vector<UserId> Watches::take(GatewayId gateway, std::size_t limit) {
  std::vector<UserId> out;
  auto& watcher = watchers_.at(gateway);
  while (!watcher.queue.empty() && out.size() < limit) {
    const auto user = watcher.queue.front();
    watcher.queue.pop_front();
    watcher.waits.erase(user);
    if (watcher.watched.contains(user)) out.push_back(user);
  }
  return out;
}

}  // namespace parley::presence
