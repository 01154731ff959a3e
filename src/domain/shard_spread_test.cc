#include "domain/shard_spread.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

namespace parley {
namespace {

using Names = std::vector<std::string>;

Names names(std::initializer_list<int> numbers) {
  Names out;
  for (int number : numbers) out.push_back(fmt::format("message-{}", number));
  return out;
}

Names carried_out(const std::vector<std::size_t>& target, const Names& members) {
  Names owners;
  for (auto member : target) owners.push_back(member == kNoMember ? "" : members[member]);
  return owners;
}

std::size_t moves(const Names& from, const Names& to) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < from.size(); ++i) count += from[i] != to[i];
  return count;
}

/// The fewest moves that lead from `owners` to an even spread: every shard beyond what its owner
/// may keep, when as many owners as possible keep one more.
std::size_t fewest_moves(const Names& owners, const Names& members) {
  std::vector<std::size_t> held;
  for (const auto& member : members)
    held.push_back(static_cast<std::size_t>(std::ranges::count(owners, member)));
  std::ranges::sort(held, std::greater{});
  const std::size_t base = owners.size() / members.size();
  const std::size_t extra = owners.size() % members.size();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < held.size(); ++i)
    kept += std::min(held[i], base + (i < extra ? 1 : 0));
  return owners.size() - kept;
}

void expect_even(const std::vector<std::size_t>& target, std::size_t members) {
  std::vector<std::size_t> counts(members);
  for (auto member : target) ++counts.at(member);
  const auto [least, most] = std::ranges::minmax(counts);
  EXPECT_LE(most - least, 1u);
}

TEST(ShardSpread, NobodyGetsAnythingWithoutMembers) {
  const Names owners{"a", ""};
  EXPECT_EQ(spread_shards(owners, {}), (std::vector{kNoMember, kNoMember}));
}

TEST(ShardSpread, IsEvenWithinOneFromNothing) {
  for (auto members : {names({1}), names({1, 2}), names({1, 2, 3}), names({1, 2, 3, 4, 5, 6, 7})})
    expect_even(spread_shards(Names(1024), members), members.size());
}

TEST(ShardSpread, LeavesAnEvenOneAlone) {
  const auto members = names({1, 2, 3});
  const auto owners = carried_out(spread_shards(Names(1024), members), members);
  EXPECT_EQ(carried_out(spread_shards(owners, members), members), owners);
}

TEST(ShardSpread, AddingOneTakesOnlyItsShareAndEquallyFromAll) {
  const auto before = names({1, 3, 4});
  const auto after = names({1, 2, 3, 4});
  const auto owners = carried_out(spread_shards(Names(1024), before), before);
  const auto next = carried_out(spread_shards(owners, after), after);
  EXPECT_EQ(moves(owners, next), 256u);
  EXPECT_EQ(std::ranges::count(next, "message-2"), 256);
}

TEST(ShardSpread, RemovingOneMovesOnlyItsShards) {
  const auto before = names({1, 2, 3, 4});
  const auto after = names({1, 3, 4});
  const auto owners = carried_out(spread_shards(Names(1024), before), before);
  const auto next = carried_out(spread_shards(owners, after), after);
  EXPECT_EQ(moves(owners, next), 256u);
  expect_even(spread_shards(owners, after), 3);
}

TEST(ShardSpread, IsEvenWithFewestMovesFromAnywhere) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    Names all = names({1, 2, 3, 4, 5, 6, 7, 8, 9});
    Names members;
    while (members.empty())
      for (const auto& name : all)
        if (random() % 2) members.push_back(name);
    Names owners(1 + random() % 200);
    for (auto& owner : owners)
      if (random() % 4) owner = all[std::min(random() % all.size(), random() % all.size())];
    const auto target = spread_shards(owners, members);
    expect_even(target, members.size());
    EXPECT_EQ(moves(owners, carried_out(target, members)), fewest_moves(owners, members))
        << "seed " << seed;
  }
}

// Processes carry it out at their own pace, each from what it last read: in the end it is even, and
// nothing moves any more.
TEST(ShardSpread, CarriedOutBitByBitComesToRest) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    const auto before = names({1, 2, 5});
    const auto after = names({1, 2, 3, 4, 5});
    auto owners = carried_out(spread_shards(Names(1024), before), before);
    std::size_t steps = 0;
    for (bool changed = true; changed; ++steps) {
      ASSERT_LT(steps, 1000u);
      changed = false;
      const auto target = carried_out(spread_shards(owners, after), after);
      for (std::size_t i = 0; i < owners.size(); ++i) {
        if (owners[i] == target[i]) continue;
        changed = true;
        if (random() % 8 == 0) owners[i] = owners[i].empty() ? target[i] : "";
      }
    }
    expect_even(spread_shards(owners, after), after.size());
  }
}

}  // namespace
}  // namespace parley
