// Entries of groups on their way: to whom, in how many calls, and who is pushed when.
#include "services/group/testing/fixture.h"

namespace parley::group {
namespace {

class GroupDelivery : public GroupFixture {
 protected:
  /// Entries come in one page of the feed.
  void together(const std::function<void()>& entries) {
    log.hold_feed(true);
    entries();
    log.hold_feed(false);
  }
  /// As if another life of the service had made the club: no room is loaded, nothing passed on.
  void fresh_start() {
    ASSERT_TRUE(all_decided());
    restart();
  }
};

TEST_P(GroupDelivery, AnEntryReachesTheMembersWhoAreOnlineAndTheSender) {
  online(kAnn);
  online(kBob);
  online(kDan);
  make_club({kBob, kCat});
  const auto seq = log.write(club, kAnn).value;
  EXPECT_TRUE(gets(kBob, {1, seq}));
  EXPECT_TRUE(gets(kAnn, {1, seq})) << "other devices of the sender";
  EXPECT_TRUE(given_to(kDan).empty());
  EXPECT_TRUE(given_to(kCat).empty());
}

TEST_P(GroupDelivery, EachGatewayGetsOneCallForAPage) {
  sessions(kBob, {GatewayId(1), GatewayId(2)});
  online(kCat, 2);
  make_club({kBob, kCat});
  ASSERT_TRUE(gets(kBob, {1}));
  ASSERT_TRUE(wait_until([&] { return given_to(kCat, 2) == Seqs{1}; }));
  const auto before = gateways[1].calls().size();
  const auto before_2 = gateways[2].calls().size();
  together([&] {
    for (int i = 0; i < 5; ++i) log.write(club, kAnn);
  });
  EXPECT_TRUE(gets(kBob, {1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(wait_until([&] { return given_to(kCat, 2) == Seqs{1, 2, 3, 4, 5, 6}; }));
  EXPECT_EQ(gateways[1].calls().size(), before + 1);
  EXPECT_EQ(gateways[2].calls().size(), before_2 + 1);
  EXPECT_EQ(gateways[2].calls().back().front().recipients.size(), 2u);
}

TEST_P(GroupDelivery, AGatewayThatIsGoneIsPassedOver) {
  sessions(kBob, {GatewayId(9), GatewayId(1)});
  make_club();
  EXPECT_TRUE(gets(kBob, {1}));
}

TEST_P(GroupDelivery, ThoseWhoJoinAndThoseWhoLeaveGetThatEntryAndNoneBeyond) {
  for (const auto user : {kAnn, kBob, kCat, kDan}) online(user);
  make_club({kBob});
  log.write(club, kBob);                             // 2
  ASSERT_TRUE(change(kAnn, What::added, {kCat}));    // 3
  log.write(club, kBob);                             // 4
  ASSERT_TRUE(change(kAnn, What::removed, {kBob}));  // 5
  log.write(club, kAnn);                             // 6
  ASSERT_TRUE(change(kCat, What::left));             // 7
  log.write(club, kAnn);                             // 8
  ASSERT_TRUE(change(kAnn, What::added, {kBob}));    // 9
  ASSERT_TRUE(change(kAnn, What::dissolved));        // 10
  EXPECT_TRUE(gets(kAnn, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_TRUE(gets(kBob, {1, 2, 3, 4, 5, 9, 10}));
  EXPECT_TRUE(gets(kCat, {3, 4, 5, 6, 7}));
  EXPECT_TRUE(given_to(kDan).empty());
}

TEST_P(GroupDelivery, MembershipIsAsOfTheEntryAlsoInARoomThatIsLoadedLater) {
  make_club({kBob});
  fresh_start();
  for (const auto user : {kAnn, kBob, kCat, kDan}) online(user);
  // The store is ahead of every one of them when the room is loaded.
  together([&] {
    log.write(club, kAnn);                             // 2
    EXPECT_TRUE(change(kAnn, What::added, {kCat}));    // 3
    log.write(club, kAnn);                             // 4
    EXPECT_TRUE(change(kAnn, What::removed, {kBob}));  // 5
    EXPECT_TRUE(change(kAnn, What::added, {kDan}));    // 6
    log.write(club, kAnn);                             // 7
  });
  EXPECT_TRUE(gets(kAnn, {2, 3, 4, 5, 6, 7}));
  EXPECT_TRUE(gets(kCat, {3, 4, 5, 6, 7})) << "nothing from before joining";
  EXPECT_TRUE(gets(kDan, {6, 7}));
  EXPECT_TRUE(gets(kBob, {2, 3, 4, 5})) << "everything up to leaving, and nothing after it";
}

TEST_P(GroupDelivery, WhoIsAMemberByTheStoreAloneIsNeitherToldNorForgotten) {
  make_club({kBob});
  fresh_start();
  online(kAnn);
  online(kCat);
  const GroupChange joins{What::added, 2, {}, {kCat, kDan}, Role::member};
  ASSERT_TRUE(store.inner.apply(club, kAnn, joins, clock.wall()));
  log.write(club, kBob);  // 2
  ASSERT_TRUE(gets(kAnn, {2}));
  ASSERT_TRUE(all_decided());
  ASSERT_TRUE(run(log.append(club, kAnn, joins)));  // 3
  log.write(club, kBob);                            // 4
  EXPECT_TRUE(wait_until([&] { return given_to(kCat).size() >= 2; }));
  EXPECT_EQ(given_to(kCat).front(), 3u) << "nothing from before joining";
  EXPECT_TRUE(is_pushed(kDan, {4}));
}

TEST_P(GroupDelivery, ARoomLoadedAfterTheEndStillTellsThoseWhoWereInIt) {
  make_club({kBob});
  fresh_start();
  online(kBob);
  together([&] {
    log.write(club, kAnn);
    EXPECT_TRUE(change(kAnn, What::dissolved));
  });
  EXPECT_TRUE(gets(kBob, {2, 3}));
}

TEST_P(GroupDelivery, WhoRejoinedGetsNothingFromHisAbsence) {
  make_club({kBob});
  ASSERT_TRUE(change(kAnn, What::removed, {kBob}));  // 2
  fresh_start();
  online(kBob);
  online(kAnn);
  together([&] {
    log.write(club, kAnn);                           // 3
    EXPECT_TRUE(change(kAnn, What::added, {kBob}));  // 4
    log.write(club, kAnn);                           // 5
  });
  EXPECT_TRUE(gets(kAnn, {3, 4, 5}));
  EXPECT_TRUE(gets(kBob, {4, 5}));
}

TEST_P(GroupDelivery, AMessageCostsWhatIsOnlineWhateverTheMembers) {
  online(kAnn);
  online(kBob);
  make_club({kBob});
  std::uint64_t version = 1;
  for (std::uint64_t at = 0; at < 20; ++at) {
    std::vector<UserId> more;
    for (std::uint64_t i = 0; i < 250; ++i) more.emplace_back(1'000 + 250 * at + i);
    ASSERT_TRUE(log_and_store({What::added, ++version, {}, more, Role::member}));
  }
  log.write(club, kAnn);
  ASSERT_TRUE(wait_until([&] { return pushes.count() == 5'000; })) << "once";
  ASSERT_TRUE(all_decided());
  const auto asked = log.marks_asked();
  const auto given = gateways[1].calls().size();
  together([&] {
    for (int i = 0; i < 100; ++i) log.write(club, kBob);
  });
  ASSERT_TRUE(all_decided());
  const auto calls = gateways[1].calls();
  ASSERT_GT(calls.size(), given);
  EXPECT_EQ(calls[given].size(), 100u);
  for (const auto& delivery : calls[given]) EXPECT_EQ(delivery.recipients.size(), 2u);
  EXPECT_EQ(log.marks_asked(), asked + 2) << "one check of the two who are online";
  EXPECT_EQ(store.members_read, 1);
}

TEST_P(GroupDelivery, OfflineMembersArePushedAtOnceInPartsAndOnePushStands) {
  settings.users_at_once = 100;
  restart();
  std::vector<UserId> others;
  for (std::uint64_t i = 0; i < 250; ++i) others.emplace_back(1'000 + i);
  make_club(others);
  ASSERT_TRUE(all_decided());
  EXPECT_EQ(pushes.count(), 0u) << "who is made a member knows nothing that he has not got";
  log.write(club, kAnn);
  EXPECT_TRUE(wait_until([&] { return pushes.count() == 250; }));
  EXPECT_LE(pushes.largest, 100u);
  EXPECT_TRUE(pushes.of(kAnn).empty()) << "the sender";
  const auto asked = log.marks_asked();
  for (int i = 0; i < 20; ++i) log.write(club, kAnn);
  ASSERT_TRUE(all_decided());
  EXPECT_EQ(pushes.count(), 250u);
  // Ann alone, who has no push that stands, is looked at again with each.
  EXPECT_LE(log.marks_asked(), asked + 21);
  EXPECT_EQ(store.members_read, 1);
}

TEST_P(GroupDelivery, AStandingPushIsOverWhenItIsConfirmed) {
  make_club();
  log.write(club, kAnn);  // 2
  ASSERT_TRUE(is_pushed(kBob, {2}));
  log.write(club, kAnn);  // 3
  ASSERT_TRUE(all_decided());
  EXPECT_EQ(pushes.of(kBob), Seqs{2});
  online(kBob);
  log.confirm(club, kBob, Seq(3));
  offline(kBob);
  log.write(club, kAnn);  // 4
  EXPECT_TRUE(is_pushed(kBob, {2, 4}));
}

TEST_P(GroupDelivery, WhoComesAndGoesWithoutConfirmingIsNotPushedAgain) {
  make_club();
  log.write(club, kAnn);  // 2
  ASSERT_TRUE(is_pushed(kBob, {2}));
  online(kBob);
  offline(kBob);
  log.write(club, kAnn);  // 3
  ASSERT_TRUE(all_decided());
  EXPECT_EQ(pushes.of(kBob), Seqs{2});
}

TEST_P(GroupDelivery, WhoDoesNotConfirmGetsItAgainAndIsPushedAfterThreeSeconds) {
  online(kBob);
  make_club();
  log.write(club, kAnn);  // 2
  ASSERT_TRUE(gets(kBob, {1, 2}));
  clock.advance(2'900ms);
  ASSERT_TRUE(ticks());
  EXPECT_TRUE(pushes.of(kBob).empty());
  clock.advance(700ms);
  EXPECT_TRUE(is_pushed(kBob, {2}));
  EXPECT_TRUE(gets(kBob, {1, 2, 2}));
  log.write(club, kAnn);  // 3
  ASSERT_TRUE(gets(kBob, {1, 2, 2, 3}));
  clock.advance(3'600ms);
  EXPECT_TRUE(gets(kBob, {1, 2, 2, 3, 2, 3})) << "from his mark on";
  EXPECT_EQ(pushes.of(kBob), Seqs{2}) << "one stands";
}

TEST_P(GroupDelivery, WhoConfirmsIsLeftInPeace) {
  online(kBob);
  make_club();
  log.write(club, kAnn);
  ASSERT_TRUE(gets(kBob, {1, 2}));
  log.confirm(club, kBob, Seq(2));
  ASSERT_TRUE(all_decided());
  EXPECT_EQ(given_to(kBob), (Seqs{1, 2}));
  EXPECT_EQ(pushes.count(), 0u);
}

TEST_P(GroupDelivery, WhoGoesOfflineWithoutConfirmingIsPushed) {
  online(kBob);
  make_club();
  log.write(club, kAnn);
  ASSERT_TRUE(gets(kBob, {1, 2}));
  offline(kBob);
  clock.advance(3'600ms);
  EXPECT_TRUE(is_pushed(kBob, {2}));
}

TEST_P(GroupDelivery, WhoIsBackWithAStandingPushGetsWhatHeDoesNotConfirm) {
  make_club();
  log.write(club, kAnn);
  ASSERT_TRUE(is_pushed(kBob, {2}));
  online(kBob);
  clock.advance(3'600ms);
  EXPECT_TRUE(gets(kBob, {2}));
  ASSERT_TRUE(all_decided());
  EXPECT_EQ(pushes.of(kBob), Seqs{2});
}

TEST_P(GroupDelivery, TheDutySurvivesARestart) {
  online(kBob);
  make_club();
  log.write(club, kAnn);
  ASSERT_TRUE(gets(kBob, {1, 2}));
  clock.advance(2'500ms);  // the position is due, but nothing is decided
  restart();
  EXPECT_LT(log.passed_position(), 2u);
  EXPECT_TRUE(is_pushed(kBob, {2})) << "no session any more: at once";
  ASSERT_TRUE(all_decided());
  restart();
  ASSERT_TRUE(all_decided());
  EXPECT_EQ(pushes.of(kBob), Seqs{2}) << "what is decided is not decided again";
}

TEST_P(GroupDelivery, PushesThatAreRefusedAreTriedAgain) {
  pushes.refusals = 5;
  make_club();
  log.write(club, kAnn);
  EXPECT_TRUE(is_pushed(kBob, {2}));
  EXPECT_TRUE(all_decided());
}

TEST_P(GroupDelivery, WhatIsNotPushedYetIsNotPassed) {
  pushes.refusals = 1'000'000;
  make_club();
  log.write(club, kAnn);
  ASSERT_TRUE(wait_until([&] { return pushes.refusals < 1'000'000; }));
  clock.advance(10'000ms);
  restart();
  EXPECT_LT(log.passed_position(), 2u);
  pushes.refusals = 0;
  EXPECT_TRUE(is_pushed(kBob, {2}));
}

TEST_P(GroupDelivery, OnlyTheNewestRoomsAreKeptAndTheOthersAreLoadedAgain) {
  settings.room_members = 4;
  restart();
  online(kBob);
  const auto first = create({kBob})->id;
  const auto second = create({kBob, kCat, kDan})->id;
  ASSERT_TRUE(gets(kBob, {1, 1}));
  log.confirm(first, kBob, Seq(1));
  log.confirm(second, kBob, Seq(1));
  ASSERT_TRUE(all_decided());
  const int read = store.members_read;
  log.write(second, kAnn);
  ASSERT_TRUE(gets(kBob, {1, 1, 2}));
  log.write(first, kAnn);
  EXPECT_TRUE(gets(kBob, {1, 1, 2, 2}));
  EXPECT_GT(store.members_read, read);
}

TEST_P(GroupDelivery, TypingIsToldToTheOthersWhoAreOnlineInGroupsThatAreNotTooLarge) {
  online(kAnn);
  online(kBob);
  make_club({kBob, kCat});
  service->typing(kDan, club);  // not a member
  service->typing(kAnn, GroupId(12345));
  service->typing(kAnn, club);
  ASSERT_TRUE(wait_until([&] { return !gateways[1].typing_notices().empty(); }));
  std::uint64_t version = 1;
  for (std::uint64_t at = 0; at < 4; ++at) {
    std::vector<UserId> more;
    for (std::uint64_t i = 0; i < 256; ++i) more.emplace_back(1'000 + 256 * at + i);
    ASSERT_TRUE(log_and_store({What::added, ++version, {}, more, Role::member}));
  }
  ASSERT_TRUE(all_decided());
  service->typing(kAnn, club);
  const auto other = create({kBob})->id;
  service->typing(kBob, other);
  ASSERT_TRUE(wait_until([&] { return gateways[1].typing_notices().size() > 1; }));
  const auto told = gateways[1].typing_notices();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].conversation, ConversationId::group(club.value));
  EXPECT_EQ(told[0].user, kAnn);
  EXPECT_EQ(told[0].recipients, std::vector{kBob});
  EXPECT_EQ(told[1].conversation, ConversationId::group(other.value));
}

INSTANTIATE_TEST_SUITE_P(Loops, GroupDelivery, testing::Values(1, 3));

}  // namespace
}  // namespace parley::group
