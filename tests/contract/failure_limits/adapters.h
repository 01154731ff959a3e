#pragma once
#include <future>
#include <gtest/gtest.h>

#include "adapters/failure_limits/memory/limits.h"
#include "adapters/failure_limits/redis/limits.h"
#include "tests/support/backends/backends.h"

namespace parley::test {
using namespace std::chrono_literals;

/// Asks and waits for the answer.
inline Result<void> take(FailureLimits& limits, std::vector<FailureLimits::Key> keys) {
  std::promise<Result<void>> answer;
  limits.take(std::move(keys), [&](auto taken) { answer.set_value(std::move(taken)); });
  return answer.get_future().get();
}

class MemoryLimitsUnderTest {
 public:
  FailureLimits& limits() { return limits_; }
  void pass(std::chrono::milliseconds time) { clock_.advance(time); }

 private:
  ManualClock clock_;
  failure_limits::MemoryFailureLimits limits_{clock_, 1'000};
};

inline redis::Settings redis_at(const std::string& address) {
  redis::Settings settings;
  settings.host = "127.0.0.1";
  settings.port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  settings.longest_pause = 100ms;
  return settings;
}

/// Of one process, on a server that others use as well.
class RedisLimitsUnderTest {
 public:
  explicit RedisLimitsUnderTest(std::string prefix = unique_name("failures") + ":",
                                const std::string& address = backend("redis"))
      : client_(loops_, 0, redis_at(address)),
        limits_(client_, std::make_unique<failure_limits::MemoryFailureLimits>(clock_, 1'000),
                std::move(prefix)) {
    loops_.start();
    client_.start();
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (client_.missing() && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(1ms);
  }
  ~RedisLimitsUnderTest() { loops_.stop(); }
  FailureLimits& limits() { return limits_; }
  bool there() const { return !client_.missing(); }
  /// The clock is the server's.
  void pass(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

 private:
  SystemClock clock_;
  Loops loops_{1, 1};
  redis::Client client_;
  failure_limits::RedisFailureLimits limits_;
};

}  // namespace parley::test
