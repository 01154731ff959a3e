#include "tests/contract/failure_limits/adapters.h"

namespace parley::test {
namespace {

TEST(MemoryFailureLimits, AreBoundedAndKeepWhoWasSeenLast) {
  ManualClock clock;
  failure_limits::MemoryFailureLimits limits(clock, 10);
  ASSERT_TRUE(take(limits, {{"ann", 1, 30s}}));
  for (int i = 0; i < 1'000; ++i) {
    take(limits, {{"guest" + std::to_string(i), 1, 30s}}).value();
    EXPECT_FALSE(take(limits, {{"ann", 1, 30s}}));
  }
  EXPECT_EQ(limits.keys(), 10u);
}

}  // namespace
}  // namespace parley::test
