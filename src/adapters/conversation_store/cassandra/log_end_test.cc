#include "adapters/conversation_store/cassandra/log_end.h"

#include <gtest/gtest.h>

namespace parley::cassandra_log {
namespace {

Row row(std::uint64_t seq, std::uint64_t generation, std::uint64_t committed) {
  auto entry = std::make_shared<Entry>();
  entry->seq = Seq(seq);
  entry->id = MessageId(seq * 10 + generation);
  return {std::move(entry), Generation(generation), Seq(committed)};
}

/// The head, and the seqs of the tail.
using End = std::pair<std::uint64_t, std::vector<std::uint64_t>>;
End end(std::vector<Row> rows, bool from_start = true) {
  const auto found = end_of_log(rows, from_start);
  EXPECT_TRUE(found && *found);
  End out{(**found).head.seq.value, {}};
  for (const auto& entry : (**found).tail) out.second.push_back(entry->seq.value);
  return out;
}

TEST(LogEnd, AnEmptyLogHasNeitherHeadNorTail) { EXPECT_EQ(end({}), (End{0, {}})); }

TEST(LogEnd, TheTailIsWhatFollowsTheCommittedHead) {
  EXPECT_EQ(end({row(1, 1, 0)}), (End{0, {1}}));
  EXPECT_EQ(end({row(1, 1, 0), row(2, 1, 1), row(3, 1, 2)}), (End{2, {3}}));
  EXPECT_EQ(end({row(1, 1, 0), row(2, 1, 1), row(3, 1, 1)}), (End{1, {2, 3}}));
}

TEST(LogEnd, BehindAHoleThereIsNothing) {
  EXPECT_EQ(end({row(1, 1, 0), row(2, 1, 1), row(4, 1, 1)}), (End{1, {2}}));
  EXPECT_EQ(end({row(2, 1, 0)}), (End{0, {}}));
}

TEST(LogEnd, WhereTheGenerationFallsThereIsNothingMore) {
  EXPECT_EQ(end({row(1, 1, 0), row(2, 2, 1), row(3, 1, 1)}), (End{1, {2}}));
  // Also right behind the committed head.
  EXPECT_EQ(end({row(1, 1, 0), row(2, 3, 1), row(3, 3, 2), row(4, 1, 2)}), (End{2, {3}}));
  EXPECT_EQ(end({row(1, 2, 0), row(2, 1, 1)}), (End{1, {}}));
}

TEST(LogEnd, WhatSomebodyWhoLostTheShardSaysOfTheHeadCounts) {
  // The third row is no part of the log, but its writer held the lease when it moved its head to 2.
  EXPECT_EQ(end({row(1, 1, 0), row(2, 2, 0), row(3, 1, 2)}), (End{2, {}}));
}

TEST(LogEnd, TooFewRowsSayNothing) {
  const auto nothing = [](std::vector<Row> rows) {
    const auto found = end_of_log(rows, false);
    EXPECT_TRUE(found);
    return !*found;
  };
  EXPECT_TRUE(nothing({}));
  EXPECT_TRUE(nothing({row(9, 1, 7)}));
  EXPECT_TRUE(nothing({row(9, 1, 0)}));
  EXPECT_EQ(end({row(7, 1, 6), row(8, 1, 7), row(9, 1, 7)}, false), (End{7, {8, 9}}));
}

TEST(LogEnd, ACommittedEntryThatIsMissingIsDamage) {
  for (const auto& rows : {std::vector{row(1, 1, 0), row(3, 1, 2)}, std::vector{row(3, 1, 2)}}) {
    const auto found = end_of_log(rows, true);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::damaged);
  }
}

TEST(LogEnd, TheNewestGenerationIsThatOfAnyRow) {
  EXPECT_EQ(newest(std::vector{row(1, 1, 0), row(2, 3, 1), row(3, 2, 1)}), Generation(3));
}

}  // namespace
}  // namespace parley::cassandra_log
