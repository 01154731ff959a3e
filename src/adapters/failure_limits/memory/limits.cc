#include "adapters/failure_limits/memory/limits.h"

#include <algorithm>
#include <cmath>

namespace parley::failure_limits {

Result<void> MemoryFailureLimits::try_take(const std::vector<Key>& keys) {
  const std::lock_guard lock(mutex_);
  double wait_ms = 0;
  for (const auto& key : keys)
    wait_ms = std::max(wait_ms, (1 - bucket(key).tokens) * static_cast<double>(key.refill.count()));
  if (wait_ms > 0) return too_many_failures(static_cast<std::uint32_t>(std::ceil(wait_ms)));
  for (const auto& key : keys) bucket(key).tokens -= 1;
  return {};
}

void MemoryFailureLimits::give_back(std::vector<Key> keys) {
  const std::lock_guard lock(mutex_);
  for (const auto& key : keys) {
    auto& tokens = bucket(key).tokens;
    tokens = std::min(key.burst, tokens + 1);
  }
}

std::size_t MemoryFailureLimits::keys() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

MemoryFailureLimits::Bucket& MemoryFailureLimits::bucket(const Key& key) {
  const auto now = clock_.mono();
  if (const auto known = by_key_.find(key.name); known != by_key_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, known->second);
    Bucket& found = buckets_.front();
    const std::chrono::duration<double> passed = now - found.at;
    found.tokens = std::min(key.burst, found.tokens + passed / key.refill);
    found.at = now;
    return found;
  }
  if (buckets_.size() >= max_keys_) {
    by_key_.erase(buckets_.back().key);
    buckets_.pop_back();
  }
  buckets_.push_front({key.name, key.burst, now});
  by_key_.emplace(buckets_.front().key, buckets_.begin());
  return buckets_.front();
}

}  // namespace parley::failure_limits
