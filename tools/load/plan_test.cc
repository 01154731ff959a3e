#include "plan.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <stdexcept>

namespace parley::load {
namespace {

void expect_distinct(const std::vector<std::pair<std::size_t, std::size_t>>& pairs) {
  std::set<std::pair<std::size_t, std::size_t>> seen;
  for (const auto& [a, b] : pairs) {
    EXPECT_NE(a, b);
    EXPECT_TRUE(seen.insert(std::minmax(a, b)).second) << a << " and " << b << " twice";
  }
}

TEST(Plan, GivesEveryoneAnEqualShareAndNoPairTwice) {
  for (const std::size_t rounds : {1U, 2U, 7U, 19U}) {
    const auto pairs = make_pairs(20, 0, rounds * 10);
    expect_distinct(pairs);
    std::map<std::size_t, std::size_t> share;
    for (const auto& [a, b] : pairs) ++share[a], ++share[b];
    EXPECT_EQ(share.size(), 20U);
    for (const auto& [person, n] : share) EXPECT_EQ(n, rounds) << person;
  }
}

TEST(Plan, LetsSendersTalkToTheOthersOnly) {
  for (const std::size_t conversations : {64U, 6400U, 64'000U}) {
    const auto pairs = make_pairs(1064, 64, conversations);
    ASSERT_EQ(pairs.size(), conversations);
    expect_distinct(pairs);
    for (const auto& [sender, receiver] : pairs) {
      EXPECT_LT(sender, 64U);
      EXPECT_GE(receiver, 64U);
    }
  }
  EXPECT_EQ(make_pairs(128, 64, 0).size(), 64U);
}

TEST(Plan, LeavesAnOddOneOut) {
  EXPECT_EQ(make_pairs(5, 0, 0).size(), 2U);
  expect_distinct(make_pairs(5, 0, 6));
}

TEST(Plan, RefusesMorePairsThanThereAre) {
  EXPECT_THROW(make_pairs(4, 0, 7), std::runtime_error);
  EXPECT_THROW(make_pairs(4, 2, 5), std::runtime_error);
  EXPECT_THROW(make_pairs(1, 0, 0), std::runtime_error);
  EXPECT_THROW(make_pairs(2, 2, 0), std::runtime_error);
}

TEST(Groups, GiveEveryoneAnEqualShare) {
  std::vector<std::size_t> in(12);
  for (const GroupPlan& plan : make_groups(12, 6, 4, 2)) {
    EXPECT_EQ(plan.posters, 2U);
    EXPECT_EQ(std::set(plan.members.begin(), plan.members.end()).size(), 4U);
    for (const std::size_t member : plan.members) ++in[member];
  }
  for (const std::size_t groups : in) EXPECT_EQ(groups, 2U);
}

TEST(Groups, DifferInTheSecondRound) {
  const auto plans = make_groups(12, 6, 4, 0);
  EXPECT_EQ(plans[0].members, (std::vector<std::size_t>{0, 1, 2, 3}));
  EXPECT_EQ(plans[3].members, (std::vector<std::size_t>{1, 2, 3, 4}));
  EXPECT_EQ(plans[5].members, (std::vector<std::size_t>{9, 10, 11, 0}));
  EXPECT_EQ(plans[5].posters, 4U) << "everyone";
}

TEST(Groups, NeedPeople) {
  EXPECT_THROW(make_groups(3, 1, 4, 0), std::runtime_error);
  EXPECT_THROW(make_groups(3, 1, 1, 0), std::runtime_error);
  EXPECT_TRUE(make_groups(3, 0, 4, 0).empty());
}

}  // namespace
}  // namespace parley::load
