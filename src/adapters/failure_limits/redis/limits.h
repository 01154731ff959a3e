#pragma once
#include "adapters/shared/redis/client.h"
#include "ports/failure_limits.h"

namespace parley::failure_limits {

/// The buckets of all processes that share a Redis; while it cannot be asked, those of another
/// adapter.
class RedisFailureLimits final : public FailureLimits {
 public:
  /// Before the client's `start`; the client outlives it, and is asked on its own loop.
  RedisFailureLimits(redis::Client& client, std::unique_ptr<FailureLimits> meanwhile,
                     std::string prefix = "parley:failures:");

  void take(std::vector<Key> keys, Taken taken) override;
  void give_back(std::vector<Key> keys) override;

 private:
  void run(redis::Script script, const std::vector<Key>& keys, redis::Client::Answer answer);

  redis::Client& client_;
  const std::unique_ptr<FailureLimits> meanwhile_;
  const std::string prefix_;
  const redis::Script take_, give_back_;
};

}  // namespace parley::failure_limits
