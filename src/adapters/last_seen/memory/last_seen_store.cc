#include "adapters/last_seen/memory/last_seen_store.h"

#include <algorithm>

namespace parley::last_seen {

Result<void> MemoryLastSeenStore::put(const std::vector<LastSeen>& batch) {
  const std::lock_guard lock(mutex_);
  for (const auto& row : batch) {
    auto& at = rows_.try_emplace(row.user, row.at).first->second;
    at = std::max(at, row.at);
  }
  return {};
}

Result<std::vector<LastSeen>> MemoryLastSeenStore::of(const std::vector<UserId>& users) {
  const std::lock_guard lock(mutex_);
  std::vector<LastSeen> found;
  for (const auto user : users)
    if (const auto at = rows_.find(user); at != rows_.end()) found.push_back({user, at->second});
  return found;
}

}  // namespace parley::last_seen
