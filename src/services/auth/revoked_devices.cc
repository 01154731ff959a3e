#include "services/auth/revoked_devices.h"

#include <algorithm>

namespace parley::auth {

bool RevokedDevices::add(DeviceId device, TimeMs until, TimeMs now) {
  Shard& found = shards_[shard_of(device)];
  const std::lock_guard lock(found.mutex);
  const auto [row, added] = found.until.try_emplace(device, until);
  row->second = std::max(row->second, until);
  if (found.until.size() < found.sweep_at) return added;
  std::erase_if(found.until, [&](const auto& row) { return row.second < now; });
  found.sweep_at = std::max<std::size_t>(64, found.until.size() * 2);
  return added;
}

bool RevokedDevices::contains(DeviceId device) const {
  const Shard& found = shards_[shard_of(device)];
  const std::lock_guard lock(found.mutex);
  return found.until.contains(device);
}

std::size_t RevokedDevices::size() const {
  std::size_t total = 0;
  for (const auto& one : shards_) {
    const std::lock_guard lock(one.mutex);
    total += one.until.size();
  }
  return total;
}

}  // namespace parley::auth
