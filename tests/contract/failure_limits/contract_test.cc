// What every adapter of FailureLimits promises.
#include "tests/contract/failure_limits/adapters.h"

namespace parley::test {
namespace {

template <class Adapter>
class FailureLimitsContract : public ::testing::Test {
 protected:
  Result<void> take(std::vector<FailureLimits::Key> keys) {
    return test::take(under_test_.limits(), std::move(keys));
  }
  void give_back(std::vector<FailureLimits::Key> keys) {
    under_test_.limits().give_back(std::move(keys));
  }
  Adapter under_test_;
};
using Adapters = ::testing::Types<MemoryLimitsUnderTest, RedisLimitsUnderTest>;
TYPED_TEST_SUITE(FailureLimitsContract, Adapters);

FailureLimits::Key twice(const std::string& name) { return {name, 2, 1h}; }

TYPED_TEST(FailureLimitsContract, AKeyHasItsBurstAndOthersHaveTheirs) {
  EXPECT_TRUE(this->take({twice("ann")}));
  EXPECT_TRUE(this->take({twice("ann")}));
  const auto refused = this->take({twice("ann")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::rate_limited);
  EXPECT_GT(refused.error().retry_after_ms, 3'500'000u);
  EXPECT_LE(refused.error().retry_after_ms, 3'600'000u);
  EXPECT_TRUE(this->take({twice("bob")}));
}

TYPED_TEST(FailureLimitsContract, WhatIsGivenBackCanBeTakenAgainAndNotMore) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(this->take({twice("ann")}));
    this->give_back({twice("ann")});
  }
  this->give_back({twice("ann")});
  EXPECT_TRUE(this->take({twice("ann")}));
  EXPECT_TRUE(this->take({twice("ann")}));
  EXPECT_FALSE(this->take({twice("ann")}));
}

TYPED_TEST(FailureLimitsContract, OfEveryKeyOrOfNone) {
  const FailureLimits::Key once{"ann", 1, 1h};
  ASSERT_TRUE(this->take({once}));
  EXPECT_FALSE(this->take({twice("here"), once}));
  EXPECT_FALSE(this->take({once, twice("here")}));
  EXPECT_TRUE(this->take({twice("here")}));
  EXPECT_TRUE(this->take({twice("here")})) << "a refused attempt took one";
  EXPECT_FALSE(this->take({twice("here")}));
}

TYPED_TEST(FailureLimitsContract, ABucketFillsAsTimePasses) {
  const FailureLimits::Key quick{"ann", 3, 100ms};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(this->take({quick}));
  this->under_test_.pass(150ms);
  EXPECT_TRUE(this->take({quick}));
  this->under_test_.pass(500ms);  // full again, and not fuller
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(this->take({quick})) << i;
}

TYPED_TEST(FailureLimitsContract, AttemptsAtOnceDoNotPassTogether) {
  const FailureLimits::Key five{"ann", 5, 1h};
  std::atomic<int> passed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 5; ++j) passed += this->take({five}) ? 1 : 0;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(passed, 5);
}

}  // namespace
}  // namespace parley::test
