#include "services/group/room.h"

#include <gtest/gtest.h>

namespace parley::group {
namespace {

const UserId kAnn(1), kBob(2), kCat(3);
const Gateways kHere{GatewayId(1)}, kThere{GatewayId(2)};

std::vector<UserId> online(const Room& room) {
  std::vector<UserId> users;
  for (const auto& one : room.online()) users.push_back(one.user);
  std::ranges::sort(users);
  return users;
}

TEST(Room, KnowsWhoIsOnlineAndWhere) {
  Room room(GroupId(9), 1);
  for (const auto user : {kAnn, kBob, kCat}) room.add(user, Seq(1), &kHere);
  room.move(kAnn, nullptr);
  EXPECT_EQ(online(room), (std::vector{kBob, kCat}));
  room.move(kBob, &kThere);
  room.move(kAnn, &kHere);
  room.remove(kCat);
  EXPECT_EQ(online(room), (std::vector{kAnn, kBob}));
  for (const auto& one : room.online()) EXPECT_EQ(one.gateways, one.user == kBob ? kThere : kHere);
  room.move(kCat, &kHere);  // not a member
  EXPECT_EQ(room.size(), 2u);
  EXPECT_EQ(online(room), (std::vector{kAnn, kBob}));
}

TEST(Room, WhoIsOfflineIsACandidateOnceUntilLookedAt) {
  Room room(GroupId(9), 1);
  room.add(kAnn, Seq(1), nullptr);
  room.add(kBob, Seq(1), &kHere);
  room.move(kBob, nullptr);
  room.move(kBob, &kHere);
  room.move(kBob, nullptr);
  EXPECT_EQ(room.take_candidates(), (std::vector{kAnn, kBob}));
  EXPECT_TRUE(room.take_candidates().empty());
  room.make_candidate(kAnn, *room.member(kAnn));
  room.move(kAnn, &kHere);
  EXPECT_TRUE(room.take_candidates().empty()) << "who is online is none";
}

TEST(Room, IsSettledWhenTheVersionThatWasLoadedHasPassed) {
  Room room(GroupId(9), 3);
  room.add(kAnn, Seq(0), &kHere);
  room.passes(Seq(5), 2);
  EXPECT_FALSE(room.settled());
  EXPECT_EQ(room.unknown(), std::vector{kAnn});
  EXPECT_FALSE(room.had_joined(kAnn, Seq(5)));
  room.learn(kAnn, {Seq(6), Seq(0)});
  EXPECT_TRUE(room.unknown().empty());
  EXPECT_FALSE(room.had_joined(kAnn, Seq(5)));
  EXPECT_TRUE(room.had_joined(kAnn, Seq(6)));
  room.add(kBob, Seq(7), &kHere);
  EXPECT_TRUE(room.had_joined(kBob, Seq(7)));
  EXPECT_FALSE(room.had_joined(kBob, Seq(6)));
  room.learn(kCat, {Seq(2), Seq(4)});
  EXPECT_TRUE(room.had_joined(kCat, Seq(4)));
  EXPECT_FALSE(room.had_joined(kCat, Seq(5))) << "left, and is not back yet";
  room.learn(kCat, {});
  EXPECT_FALSE(room.had_joined(kCat, Seq(5))) << "never joined by the log";
  room.passes(Seq(7), 3);
  EXPECT_TRUE(room.settled());
  room.add(kCat, Seq(0), &kHere);
  EXPECT_TRUE(room.unknown().empty());
  EXPECT_TRUE(room.had_joined(kCat, Seq(8)));
}

}  // namespace
}  // namespace parley::group
