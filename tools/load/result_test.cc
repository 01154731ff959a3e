#include "result.h"

#include <gtest/gtest.h>
#include <stdexcept>

namespace parley::load {
namespace {

TEST(Result, TravelsBetweenProcessesWithItsFaults) {
  Result result;
  result[Counter::sent] = 17;
  result[Counter::views] = 3;
  result.acknowledgement.record(1'234'567);
  result.seconds = 1.5;
  result.errors["rate_limited"] = 4;
  result.interruptions.push_back({.unix_ms = 1, .unanswered = 9, .stored = 3});
  result.limits = "text 16384, page 200";
  for (int i = 0; i < 30; ++i) result.faults.add(FaultKind::lost, "d:7:42 seq 9: gone");

  Result sum = Result::unpack(result.pack());
  sum.merge(Result::unpack(result.pack()));
  EXPECT_EQ(sum[Counter::sent], 34U);
  EXPECT_EQ(sum[Counter::views], 6U);
  EXPECT_EQ(sum.acknowledgement.count(), 2U);
  EXPECT_EQ(sum.acknowledgement.max(), 1'234'567);
  EXPECT_EQ(sum.seconds, 1.5);
  EXPECT_EQ(sum.errors["rate_limited"], 8U);
  ASSERT_EQ(sum.interruptions.size(), 2U);
  EXPECT_EQ(sum.interruptions[1].stored, 3U);
  EXPECT_EQ(sum.limits, "text 16384, page 200");
  EXPECT_EQ(sum.faults.count(FaultKind::lost), 60U);
  ASSERT_EQ(sum.faults.kept().size(), 2 * Faults::kKept);
  EXPECT_EQ(sum.faults.kept().front().text, "d:7:42 seq 9: gone");
}

TEST(Result, IsNotMadeOfHalfAnAnswer) {
  const std::string text = Result{}.pack();
  EXPECT_THROW(Result::unpack(text.substr(0, text.size() - 4)), std::runtime_error);
  EXPECT_THROW(Result::unpack(""), std::runtime_error);
}

}  // namespace
}  // namespace parley::load
