#pragma once
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "ports/failure_limits.h"

namespace parley::failure_limits {

/// The buckets of one process. Their number is bounded: the key that was not used for the longest
/// makes room.
class MemoryFailureLimits final : public FailureLimits {
 public:
  MemoryFailureLimits(const Clock& clock, std::size_t max_keys)
      : clock_(clock), max_keys_(max_keys) {}

  void take(std::vector<Key> keys, Taken taken) override { taken(try_take(keys)); }
  void give_back(std::vector<Key> keys) override;
  std::size_t keys() const;

 private:
  struct Bucket {
    std::string key;
    double tokens;
    Clock::Mono at;
  };
  Result<void> try_take(const std::vector<Key>& keys);
  Bucket& bucket(const Key& key);

  const Clock& clock_;
  const std::size_t max_keys_;
  mutable std::mutex mutex_;
  std::list<Bucket> buckets_;  // the last used first
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> by_key_;
};

}  // namespace parley::failure_limits
