#include "histogram.h"

#include <gtest/gtest.h>

namespace parley::load {
namespace {

TEST(Histogram, HoldsEveryPercentileWithinHalfAPercent) {
  Histogram histogram;
  for (std::int64_t i = 1; i <= 100'000; ++i) histogram.record(i * 1'000);
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9}) {
    const double exact = percent / 100 * 100'000 * 1'000;
    EXPECT_NEAR(static_cast<double>(histogram.percentile(percent)), exact, exact * 0.005);
  }
  EXPECT_EQ(histogram.percentile(100), 100'000'000);
  EXPECT_EQ(histogram.max(), 100'000'000);
  EXPECT_EQ(histogram.count(), 100'000U);
}

TEST(Histogram, IsExactForSmallValuesAndEmptyWithoutSamples) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(99), 0);
  for (const int value : {0, 1, 255, 256, 511}) {
    Histogram one;
    one.record(value);
    EXPECT_EQ(one.percentile(50), value);
  }
  histogram.record(-5);
  EXPECT_EQ(histogram.max(), 0);
}

TEST(Histogram, MergesAndTravelsBetweenProcesses) {
  Histogram low;
  Histogram high;
  for (int i = 0; i < 99; ++i) low.record(10);
  high.record(1'000'000'000);
  low.merge(Histogram::unpack(high.pack()));
  EXPECT_EQ(low.count(), 100U);
  EXPECT_EQ(low.percentile(99), 10);
  EXPECT_EQ(low.percentile(99.9), 1'000'000'000);
}

}  // namespace
}  // namespace parley::load
