#include "services/auth/failure_limiter.h"

#include <gtest/gtest.h>

namespace parley::auth {
namespace {

using std::chrono::seconds;

TEST(FailureLimiter, LimitsAKeyAndSaysWhenToComeAgain) {
  ManualClock clock;
  FailureLimiter limiter(clock, {2, seconds(30)}, 100);
  EXPECT_TRUE(limiter.take("ann"));
  EXPECT_TRUE(limiter.take("ann"));
  clock.advance(seconds(10));
  const auto refused = limiter.take("ann");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::rate_limited);
  EXPECT_NEAR(refused.error().retry_after_ms, 20'000, 5);
  EXPECT_TRUE(limiter.take("bob"));
  clock.advance(std::chrono::milliseconds(refused.error().retry_after_ms));
  EXPECT_TRUE(limiter.take("ann"));
  EXPECT_FALSE(limiter.take("ann"));
}

TEST(FailureLimiter, WhatIsGivenBackDoesNotCount) {
  ManualClock clock;
  FailureLimiter limiter(clock, {2, seconds(30)}, 100);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(limiter.take("ann"));
    limiter.give_back("ann");
  }
  limiter.give_back("ann");  // never above the burst
  EXPECT_TRUE(limiter.take("ann"));
  EXPECT_TRUE(limiter.take("ann"));
  EXPECT_FALSE(limiter.take("ann"));
}

TEST(FailureLimiter, IsBoundedAndKeepsWhoWasSeenLast) {
  ManualClock clock;
  FailureLimiter limiter(clock, {1, seconds(30)}, 10);
  ASSERT_TRUE(limiter.take("ann"));
  for (int i = 0; i < 1'000; ++i) {
    limiter.take("guest" + std::to_string(i)).value();
    EXPECT_FALSE(limiter.take("ann"));
  }
  EXPECT_EQ(limiter.keys(), 10u);
}

TEST(AddressKey, IsTheNetworkOfAnIpv6Address) {
  EXPECT_EQ(address_key("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(address_key("2001:db8:1:2:3:4:5:6"), address_key("2001:db8:1:2::9"));
  EXPECT_NE(address_key("2001:db8:1:2::9"), address_key("2001:db8:1:3::9"));
  EXPECT_EQ(address_key("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(address_key("nonsense"), "nonsense");
  EXPECT_EQ(address_key(std::string(1'000, 'x')).size(), 64u);
}

}  // namespace
}  // namespace parley::auth
