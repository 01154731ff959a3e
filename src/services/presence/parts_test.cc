#include <gtest/gtest.h>

#include "services/presence/last_seen_book.h"
#include "services/presence/watches.h"

namespace parley::presence {
namespace {

constexpr GatewayId kOne(1), kTwo(2);
constexpr UserId kAnn(7), kBob(8), kEve(9);

TEST(Watches, AUserWaitsForThoseWhoWatchOnly) {
  Watches watches;
  watches.watch(kOne, {kAnn, kBob}, {});
  watches.watch(kTwo, {kBob}, {});
  watches.changed(kAnn);
  watches.changed(kEve);
  EXPECT_EQ(watches.waiting(), std::vector{kOne});
  EXPECT_EQ(watches.take(kOne, 10), std::vector{kAnn});
  EXPECT_TRUE(watches.waiting().empty());
}

TEST(Watches, AUserWaitsOnceAndTheOldestGoFirst) {
  Watches watches;
  watches.watch(kOne, {kAnn, kBob, kEve}, {});
  for (int i = 0; i < 100; ++i)
    for (const auto user : {kBob, kAnn, kEve}) watches.changed(user);
  EXPECT_EQ(watches.take(kOne, 2), (std::vector{kBob, kAnn}));
  watches.changed(kBob);
  EXPECT_EQ(watches.take(kOne, 10), (std::vector{kEve, kBob}));
}

TEST(Watches, WhoIsNotWatchedAnyMoreIsNotTold) {
  Watches watches;
  watches.watch(kOne, {kAnn, kBob}, {});
  watches.changed(kAnn);
  watches.changed(kBob);
  watches.watch(kOne, {}, {kAnn});
  EXPECT_EQ(watches.take(kOne, 10), std::vector{kBob});
  watches.watch(kTwo, {kAnn}, {});
  watches.changed(kAnn);
  watches.watch(kTwo, {}, {kAnn});
  EXPECT_TRUE(watches.waiting().empty());
}

TEST(LastSeenBook, TheLatestTimeIsWrittenOnce) {
  LastSeenBook book(10, 10);
  book.seen(kAnn, TimeMs(5));
  book.seen(kAnn, TimeMs(4));
  EXPECT_EQ(book.take(), (std::vector<LastSeen>{{kAnn, TimeMs(5)}}));
  EXPECT_EQ(book.find(kAnn), TimeMs(5));
  book.written();
  EXPECT_EQ(book.find(kAnn), TimeMs(5));
  EXPECT_TRUE(book.take().empty());
}

TEST(LastSeenBook, WhatWasNotWrittenWaitsAgainUnlessThereIsTooMuch) {
  LastSeenBook book(2, 10);
  book.seen(kAnn, TimeMs(5));
  book.take();
  book.seen(kAnn, TimeMs(6));
  EXPECT_TRUE(book.not_written());
  EXPECT_EQ(book.take(), (std::vector<LastSeen>{{kAnn, TimeMs(6)}}));
  book.seen(kBob, TimeMs(7));
  book.seen(kEve, TimeMs(8));
  EXPECT_FALSE(book.not_written());
  EXPECT_EQ(book.take().size(), 2u);
}

TEST(LastSeenBook, TheCacheIsBounded) {
  LastSeenBook book(10, 100);
  std::size_t found = 0;
  for (std::uint64_t i = 1; i <= 10'000; ++i) book.remember(UserId(i), TimeMs(1));
  for (std::uint64_t i = 1; i <= 10'000; ++i) found += book.find(UserId(i)).has_value();
  EXPECT_LE(found, 102u);
  EXPECT_GE(found, 50u);
  EXPECT_TRUE(book.find(UserId(10'000)));
}

TEST(LastSeenBook, AnOlderRowOfTheStoreDoesNotReplaceALaterTime) {
  LastSeenBook book(10, 10);
  book.remember(kAnn, TimeMs(9));
  book.remember(kAnn, TimeMs(3));
  EXPECT_EQ(book.find(kAnn), TimeMs(9));
}

}  // namespace
}  // namespace parley::presence
