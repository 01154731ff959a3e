#include "domain/group_rules.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

using What = GroupChange::What;
constexpr Role kRoles[] = {Role::member, Role::admin, Role::owner};

/// The table of group_rules.h, written a second time: one letter for each of member, admin, owner.
struct Line {
  What change;
  Role target;
  const char* may;
};
constexpr Line kTable[] = {
    {What::title, Role::member, "-aa"},   {What::picture, Role::member, "-aa"},
    {What::added, Role::member, "-aa"},   {What::removed, Role::member, "-aa"},
    {What::removed, Role::admin, "--a"},  {What::removed, Role::owner, "---"},
    {What::left, Role::member, "aa-"},    {What::role, Role::member, "--a"},
    {What::role, Role::admin, "--a"},     {What::role, Role::owner, "---"},
    {What::owner, Role::member, "--a"},   {What::dissolved, Role::member, "--a"},
    {What::created, Role::member, "aaa"},
};

TEST(GroupRules, WhoMayDoWhat) {
  for (const auto& line : kTable)
    for (std::size_t i = 0; i < std::size(kRoles); ++i) {
      const auto verdict = may(kRoles[i], line.change, line.target);
      EXPECT_EQ(verdict.has_value(), line.may[i] == 'a')
          << "change " << static_cast<int>(line.change) << " of a " << static_cast<int>(line.target)
          << " by a " << static_cast<int>(kRoles[i]);
      if (!verdict) {
        EXPECT_EQ(verdict.error().code, Code::forbidden);
        EXPECT_FALSE(verdict.error().message.empty());
      }
    }
}

GroupChange change(What what, std::uint64_t version, std::size_t users) {
  return {what, version, {}, std::vector<UserId>(users, UserId(1)), Role::member};
}

TEST(GroupState, CountsMembersAndStaysWide) {
  auto state = after({}, change(What::created, 1, 3));
  EXPECT_EQ(state, (GroupState{1, 3, false, false}));
  state = after(state, change(What::added, 2, kInboxMembers - 3));
  EXPECT_FALSE(state.wide) << "exactly as many as get inbox rows";
  state = after(state, change(What::added, 3, 1));
  EXPECT_TRUE(state.wide);
  state = after(state, change(What::removed, 4, 100));
  EXPECT_EQ(state.members, kInboxMembers - 99);
  EXPECT_TRUE(state.wide) << "once wide, always wide";
  state = after(state, change(What::title, 5, 0));
  EXPECT_EQ(state.version, 5u);
  EXPECT_FALSE(state.dissolved);
  state = after(state, change(What::dissolved, 6, 0));
  EXPECT_TRUE(state.dissolved);
  EXPECT_EQ(state.members, 0u);
}

}  // namespace
}  // namespace parley
