#pragma once
#include "adapters/failure_limits/memory/limits.h"
#include "adapters/shared/redis/client.h"

namespace parley::failure_limits {

/// The buckets of all processes that share a Redis; while it cannot be asked, this process's own.
class RedisFailureLimits final : public FailureLimits {
 public:
  struct Settings {
    std::string prefix = "parley:failures:";
    std::size_t max_keys = 65'536;  // of those in memory
  };
  /// Before the client's `start`; the client outlives it, and is asked on its own loop.
  RedisFailureLimits(redis::Client& client, const Clock& clock, Settings settings);

  void take(std::vector<Key> keys, Taken taken) override;
  void give_back(std::vector<Key> keys) override;

 private:
  void run(redis::Script script, const std::vector<Key>& keys, redis::Client::Answer answer);

  redis::Client& client_;
  const Settings settings_;
  MemoryFailureLimits own_;
  const redis::Script take_, give_back_;
};

}  // namespace parley::failure_limits
