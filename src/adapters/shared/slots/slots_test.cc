#include "adapters/shared/slots/slots.h"

#include <gtest/gtest.h>

namespace parley::slots {
namespace {

using namespace std::chrono_literals;
constexpr LeaseTimes kTimes{1000ms};
const std::vector<std::uint32_t> kAll{0, 1, 2, 3};

std::vector<std::uint64_t> generations(const std::vector<Slots::Taken>& taken) {
  std::vector<std::uint64_t> out;
  for (const auto& each : taken) out.push_back(each.generation.value);
  return out;
}

TEST(Slots, AGivenSlotIsFreeAtOnceAndItsGenerationGoesOn) {
  Slots slots(4, kTimes);
  EXPECT_EQ(generations(slots.take(kAll, "s1", "a", 0s)), (std::vector<std::uint64_t>{1, 1, 1, 1}));
  EXPECT_TRUE(slots.take(kAll, "s2", "b", 0s).empty());
  const std::vector<std::uint32_t> some{1, 3};
  EXPECT_FALSE(slots.give(some, "s2"));
  EXPECT_TRUE(slots.give(some, "s1"));
  EXPECT_EQ(generations(slots.take(kAll, "s2", "b", 0s)), (std::vector<std::uint64_t>{2, 2}));
}

TEST(Slots, TakingOnesOwnAgainGivesANewGeneration) {
  Slots slots(4, kTimes);
  slots.take(kAll, "s1", "a", 0s);
  EXPECT_EQ(generations(slots.take(kAll, "s1", "a", 0s)), (std::vector<std::uint64_t>{2, 2, 2, 2}));
}

TEST(Slots, AVanishedHoldersSlotIsFreeALeaseAfterThatWasNoticed) {
  Slots slots(4, kTimes);
  slots.take(kAll, "s1", "a", 0s);
  const std::vector<std::string> live{"s2"};
  slots.see(live, 10s);
  EXPECT_TRUE(slots.take(kAll, "s2", "b", 11s).empty());
  slots.see(live, 11s);  // noticed before: that counts
  EXPECT_TRUE(slots.take(kAll, "s2", "b", 11s + 19ms).empty());
  EXPECT_EQ(slots.take(kAll, "s2", "b", 11s + 20ms).size(), 4u);
}

TEST(Slots, ATableReadAgainIsTheSameTable) {
  Slots slots(4, kTimes);
  EXPECT_TRUE(slots.assign("").has_value());
  slots.take(kAll, "s1", "a", 0s);
  slots.give(std::vector<std::uint32_t>{2}, "s1");
  Slots again(4, kTimes);
  ASSERT_TRUE(again.assign(slots.text()).has_value());
  for (auto i : kAll) EXPECT_EQ(again.at(i), slots.at(i));
  EXPECT_EQ(again.text(), slots.text());
}

TEST(Slots, ATableThatCannotBeReadIsRefusedAndChangesNothing) {
  Slots slots(4, kTimes);
  slots.take(kAll, "s1", "a", 0s);
  const auto before = slots.text();
  for (const auto* bad :
       {"x", "parley slots 2\n", "parley slots 1\n4 1 s a\n", "parley slots 1\n1\n",
        "parley slots 1\n1 x s a\n", "parley slots 1\n1 1 s\n"})
    EXPECT_EQ(slots.assign(bad).error().code, Code::damaged) << bad;
  EXPECT_EQ(slots.text(), before);
}

}  // namespace
}  // namespace parley::slots
