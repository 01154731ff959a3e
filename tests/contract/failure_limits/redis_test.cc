// What RedisFailureLimits promises beyond the port (its README).
#include "tests/contract/failure_limits/adapters.h"
#include "tests/support/redis/redis_server.h"

namespace parley::test {
namespace {

FailureLimits::Key twice(const std::string& name) { return {name, 2, 1h}; }

TEST(RedisFailureLimits, ProcessesShareTheBuckets) {
  const auto prefix = unique_name("failures") + ":";
  RedisLimitsUnderTest one(prefix), two(prefix), elsewhere;
  EXPECT_TRUE(take(one.limits(), {twice("ann")}));
  EXPECT_TRUE(take(two.limits(), {twice("ann")}));
  EXPECT_FALSE(take(one.limits(), {twice("ann")}));
  EXPECT_FALSE(take(two.limits(), {twice("ann")}));
  EXPECT_TRUE(take(elsewhere.limits(), {twice("ann")}));
}

TEST(RedisFailureLimits, WhileRedisIsAwayTheProcessCountsByItself) {
  RedisServer server(RedisServer::Keeps::everything);
  RedisLimitsUnderTest t("failures:", server.address());
  ASSERT_TRUE(t.there());
  EXPECT_TRUE(take(t.limits(), {twice("ann")}));
  server.kill_hard();
  EXPECT_TRUE(take(t.limits(), {twice("ann")}));
  EXPECT_TRUE(take(t.limits(), {twice("ann")}));
  EXPECT_FALSE(take(t.limits(), {twice("ann")}));
  t.limits().give_back({twice("ann")});
  EXPECT_TRUE(take(t.limits(), {twice("ann")}));
  server.start();
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!t.there() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(take(t.limits(), {twice("ann")})) << "the one that Redis has left";
  EXPECT_FALSE(take(t.limits(), {twice("ann")}));
}

}  // namespace
}  // namespace parley::test
