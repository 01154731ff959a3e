#pragma once
#include "adapters/shared/redis/client.h"
#include "ports/cache.h"

namespace parley::cache {

struct RedisSettings {
  std::string prefix = "parley:cache:";
  std::chrono::milliseconds lifetime{60'000};  // of a value
};

/// The client outlives it, and is asked on its own loop.
class RedisCache final : public Cache {
 public:
  explicit RedisCache(redis::Client& client, RedisSettings settings = {})
      : client_(client), settings_(std::move(settings)) {}

  void get(const std::string& key, Got got) override;
  void fill(const std::string& key, std::string value) override;
  void invalidate(const std::string& key, Done done) override;

 private:
  template <class F>
  void on_loop(F call) {
    client_.loops().run_on(client_.loop(), std::move(call));
  }

  redis::Client& client_;
  const RedisSettings settings_;
};

}  // namespace parley::cache
