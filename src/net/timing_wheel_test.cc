#include "net/timing_wheel.h"

#include <gtest/gtest.h>
#include <map>
#include <vector>

namespace parley::net {
namespace {

std::vector<std::uint32_t> fired(TimingWheel& wheel, std::uint32_t to) {
  std::vector<std::uint32_t> out;
  wheel.advance(to, [&](std::uint32_t number) { out.push_back(number); });
  return out;
}
using Numbers = std::vector<std::uint32_t>;

TEST(TimingWheel, FiresOnceAtItsTick) {
  TimingWheel wheel;
  wheel.set(7, 3);
  EXPECT_EQ(fired(wheel, 2), Numbers{});
  EXPECT_EQ(fired(wheel, 3), Numbers{7});
  EXPECT_EQ(fired(wheel, 1000), Numbers{});
}

TEST(TimingWheel, SettingAgainMovesTheDeadline) {
  TimingWheel wheel;
  wheel.set(1, 2);
  wheel.set(1, 50);
  EXPECT_EQ(fired(wheel, 49), Numbers{});
  wheel.set(1, 1);
  EXPECT_EQ(fired(wheel, 50), Numbers{1});
}

TEST(TimingWheel, ForgetsWhatIsCleared) {
  TimingWheel wheel;
  wheel.set(1, 2);
  wheel.set(2, 2);
  wheel.set(3, 2);
  wheel.clear(2);
  wheel.clear(99);
  EXPECT_EQ(fired(wheel, 2), (Numbers{1, 3}));
}

TEST(TimingWheel, AJumpFiresEverythingDueOnce) {
  TimingWheel wheel;
  for (std::uint32_t i = 0; i < 100; ++i) wheel.set(i, i + 1);
  EXPECT_EQ(fired(wheel, 1'000'000).size(), 100U);
  wheel.set(5, 4);
  EXPECT_EQ(fired(wheel, 1'000'003), Numbers{});
  EXPECT_EQ(fired(wheel, 1'000'004), Numbers{5});
}

TEST(TimingWheel, FiresEarlyBeyondTheHorizonAndNeverLate) {
  TimingWheel wheel;
  wheel.set(1, 100'000);
  wheel.set(2, 0);
  EXPECT_EQ(fired(wheel, 1), Numbers{2});
  EXPECT_EQ(fired(wheel, TimingWheel::kHorizon), Numbers{1});
}

TEST(TimingWheel, MayBeChangedWhileItFires) {
  TimingWheel wheel;
  wheel.set(1, 1);
  wheel.set(2, 1);
  wheel.set(3, 1);
  Numbers out;
  wheel.advance(5, [&](std::uint32_t number) {
    out.push_back(number);
    wheel.set(number, 2);
    wheel.clear(3);
  });
  EXPECT_EQ(out, (Numbers{1, 2}));
  EXPECT_EQ(fired(wheel, 6), Numbers{});
  EXPECT_EQ(fired(wheel, 7), (Numbers{1, 2}));
}

TEST(TimingWheel, AgreesWithAMapOfDeadlines) {
  TimingWheel wheel;
  std::map<std::uint32_t, std::uint32_t> deadlines;
  std::uint32_t random = 12345, now = 0;
  for (int step = 0; step < 20'000; ++step) {
    random = random * 1664525 + 1013904223;
    const auto number = random >> 8 & 63;
    const auto ticks = (random >> 16 & 127) % TimingWheel::kHorizon + 1;
    switch (random >> 28 & 3) {
      case 0:
        wheel.clear(number);
        deadlines.erase(number);
        break;
      case 1:
        now += ticks % 9;
        for (const auto due : fired(wheel, now)) {
          ASSERT_LE(deadlines.at(due), now);
          deadlines.erase(due);
        }
        for (const auto& [left, at] : deadlines) ASSERT_GT(at, now) << left;
        break;
      default:
        wheel.set(number, ticks);
        deadlines[number] = now + ticks;
    }
  }
}

}  // namespace
}  // namespace parley::net
