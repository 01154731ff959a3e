#include "wire/group_change.h"

#include <gtest/gtest.h>

namespace parley::wire {
namespace {
using What = GroupChange::What;

TEST(WireGroupChange, EveryChangeComesBackAsItWas) {
  const std::vector<UserId> two = {UserId(7), UserId(~0ULL)}, one = {UserId(42)}, none;
  for (const GroupChange& change :
       {GroupChange{What::created, 1, "Sailing", two}, GroupChange{What::title, 2, "Rowing", none},
        GroupChange{What::picture, 3, "asset-9", none}, GroupChange{What::picture, 4, "", none},
        GroupChange{What::added, 5, "", two}, GroupChange{What::removed, 6, "", two},
        GroupChange{What::left, 7, "", one}, GroupChange{What::role, 8, "", one, Role::admin},
        GroupChange{What::owner, 9, "", one}, GroupChange{What::dissolved, ~0ULL, "", none}}) {
    v1::GroupChange wired;
    to_proto(change, wired);
    v1::GroupChange again;
    ASSERT_TRUE(again.ParseFromString(wired.SerializeAsString()));
    const auto back = from_proto(again);
    ASSERT_TRUE(back) << wired.ShortDebugString();
    EXPECT_EQ(*back, change) << wired.ShortDebugString();
  }
}

TEST(WireGroupChange, WhatIsNotKnownIsRefused) {
  v1::GroupChange nothing;
  nothing.set_version(3);
  EXPECT_EQ(from_proto(nothing).error().code, Code::malformed);
  v1::GroupChange role;
  role.mutable_role()->set_user_id(7);
  EXPECT_EQ(from_proto(role).error().field, "role");
  EXPECT_EQ(from_proto(static_cast<v1::Role>(4)).error().code, Code::invalid_argument);
}

TEST(WireGroupChange, EveryRoleComesBackAsItWas) {
  for (const auto role : {Role::member, Role::admin, Role::owner})
    EXPECT_EQ(from_proto(to_proto(role)), role);
}

}  // namespace
}  // namespace parley::wire
