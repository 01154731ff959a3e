// What every adapter of Cache promises; then what the Redis one does when Redis is away.
#include <future>
#include <gtest/gtest.h>

#include "adapters/cache/memory/cache.h"
#include "adapters/cache/redis/cache.h"
#include "tests/support/backends/backends.h"
#include "tests/support/redis/redis_server.h"

namespace parley::test {
namespace {
using namespace std::chrono_literals;
using Value = std::optional<std::string>;

Value get(Cache& cache, const std::string& key) {
  std::promise<Value> answer;
  cache.get(key, [&](Value got) { answer.set_value(std::move(got)); });
  return answer.get_future().get();
}
Result<void> invalidate(Cache& cache, const std::string& key) {
  std::promise<Result<void>> answer;
  cache.invalidate(key, [&](auto done) { answer.set_value(std::move(done)); });
  return answer.get_future().get();
}

class MemoryUnderTest {
 public:
  Cache& cache() { return cache_; }
  void pass(std::chrono::milliseconds time) { clock_.advance(time); }

 private:
  ManualClock clock_;
  cache::MemoryCache cache_{clock_, 1'000};
};

class RedisUnderTest {
 public:
  explicit RedisUnderTest(std::string prefix = unique_name("cache") + ":",
                          const std::string& address = backend("redis"),
                          std::chrono::milliseconds lifetime = 60s)
      : client_(loops_, 0, at(address)), cache_(client_, {std::move(prefix), lifetime}) {
    loops_.start();
    client_.start();
    EXPECT_TRUE(awaits_redis());
  }
  ~RedisUnderTest() { loops_.stop(); }
  Cache& cache() { return cache_; }
  void pass(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }
  bool awaits_redis() {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (client_.missing() && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(1ms);
    return !client_.missing();
  }

 private:
  static redis::Settings at(const std::string& address) {
    redis::Settings settings;
    settings.host = "127.0.0.1";
    settings.port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    settings.longest_pause = 100ms;
    return settings;
  }
  Loops loops_{1, 1};
  redis::Client client_;
  cache::RedisCache cache_;
};

template <class Adapter>
class CacheContract : public ::testing::Test {
 protected:
  Value get(const std::string& key) { return test::get(cache(), key); }
  Cache& cache() { return under_test_.cache(); }
  Adapter under_test_;
};
using Adapters = ::testing::Types<MemoryUnderTest, RedisUnderTest>;
TYPED_TEST_SUITE(CacheContract, Adapters);

TYPED_TEST(CacheContract, WhatIsFilledIsThereAndTheFirstStays) {
  EXPECT_FALSE(this->get("a"));
  this->cache().fill("a", std::string("one\0two", 7));
  EXPECT_EQ(this->get("a"), std::string("one\0two", 7));
  this->cache().fill("a", "other");
  EXPECT_EQ(this->get("a"), std::string("one\0two", 7));
  EXPECT_FALSE(this->get("b"));
  this->cache().fill("b", "");
  EXPECT_EQ(this->get("b"), "");
}

TYPED_TEST(CacheContract, AReaderThatAChangeOvertookBringsNothingBack) {
  this->cache().fill("a", "old");
  EXPECT_TRUE(invalidate(this->cache(), "a"));
  EXPECT_FALSE(this->get("a"));
  this->cache().fill("a", "old");
  EXPECT_FALSE(this->get("a"));
  EXPECT_TRUE(invalidate(this->cache(), "never there"));
  this->cache().fill("never there", "old");
  EXPECT_FALSE(this->get("never there"));
  this->under_test_.pass(Cache::kReadAtMost + 200ms);
  this->cache().fill("a", "new");
  EXPECT_EQ(this->get("a"), "new");
}

TEST(MemoryCache, IsBounded) {
  SystemClock clock;
  cache::MemoryCache cache(clock, 10);
  for (int i = 0; i < 1'000; ++i) {
    cache.fill(std::to_string(i), "x");
    EXPECT_TRUE(get(cache, "0"));
  }
  EXPECT_EQ(cache.keys(), 10U);
}

TEST(RedisCache, ProcessesShareIt) {
  const auto prefix = unique_name("cache") + ":";
  RedisUnderTest one(prefix), two(prefix);
  one.cache().fill("a", "read by one");
  EXPECT_EQ(get(one.cache(), "a"), "read by one");
  EXPECT_EQ(get(two.cache(), "a"), "read by one");
  EXPECT_TRUE(invalidate(two.cache(), "a"));
  EXPECT_FALSE(get(one.cache(), "a"));
}

TEST(RedisCache, AValueDoesNotOutliveItsLifetime) {
  RedisUnderTest t(unique_name("cache") + ":", backend("redis"), 50ms);
  t.cache().fill("a", "x");
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (get(t.cache(), "a") && std::chrono::steady_clock::now() < end) t.pass(5ms);
  EXPECT_FALSE(get(t.cache(), "a"));
}

TEST(RedisCache, WhileRedisIsAwayNothingIsThereAndAChangeCannotBeTold) {
  RedisServer server;
  RedisUnderTest t("cache:", server.address());
  t.cache().fill("a", "x");
  EXPECT_TRUE(get(t.cache(), "a"));
  server.kill_hard();
  EXPECT_FALSE(get(t.cache(), "a"));
  t.cache().fill("a", "x");
  EXPECT_EQ(invalidate(t.cache(), "a").error().code, Code::unavailable);
  server.start();
  ASSERT_TRUE(t.awaits_redis());
  EXPECT_FALSE(get(t.cache(), "a"));
  t.cache().fill("a", "y");
  EXPECT_EQ(get(t.cache(), "a"), "y");
}

}  // namespace
}  // namespace parley::test
