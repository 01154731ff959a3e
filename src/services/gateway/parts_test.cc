#include <gtest/gtest.h>

#include "services/gateway/presence.h"
#include "services/gateway/rate.h"
#include "services/gateway/rest/url.h"
#include "services/gateway/session_table.h"
#include "services/gateway/testing/fakes.h"
#include "services/gateway/ticket.h"
#include "services/gateway/to_proto.h"

namespace parley::gateway {
namespace {
using std::chrono::milliseconds;

TEST(Rate, TakesTwiceTheRateAtOnceAndThenTheRate) {
  const RateLimit limit(10);
  RateState state;
  ManualClock clock;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(state.take(limit, clock.mono()), 0) << i;
  const auto wait = state.take(limit, clock.mono());
  ASSERT_GT(wait, 0);
  clock.advance(milliseconds(wait));
  EXPECT_EQ(state.take(limit, clock.mono()), 0);
  int taken = 0;
  for (int i = 0; i < 100; ++i) {
    clock.advance(milliseconds(100));
    taken += state.take(limit, clock.mono()) == 0;
  }
  EXPECT_EQ(taken, 100) << "the rate itself goes through";
}

TEST(Rate, WhatFollowsARefusedRequestIsRefusedUntilItMayComeAgain) {
  const RateLimit limit(1000);
  RateState state;
  ManualClock clock;
  while (state.take(limit, clock.mono()) == 0) {
  }
  clock.advance(milliseconds(50));
  EXPECT_NE(state.take(limit, clock.mono()), 0) << "it would overtake the refused one";
  clock.advance(milliseconds(51));
  EXPECT_EQ(state.take(limit, clock.mono()), 0);
}

TEST(Ticket, NamesItsHolderUntilItExpires) {
  const Tickets tickets(TicketKey{7});
  const auto text = tickets.make({UserId(1), DeviceId(~0ULL), TimeMs(5'000)});
  EXPECT_EQ(text.size(), 55);
  const auto who = tickets.check(text, TimeMs(4'999));
  ASSERT_TRUE(who);
  EXPECT_EQ(who->user, UserId(1));
  EXPECT_EQ(who->device, DeviceId(~0ULL));
  EXPECT_EQ(who->expires, TimeMs(5'000));
  EXPECT_EQ(tickets.check(text, TimeMs(5'000)).error().code, Code::token_expired);
}

TEST(Ticket, AnyOtherTextIsRefused) {
  const Tickets tickets(TicketKey{7}), others(TicketKey{8});
  const auto good = tickets.make({UserId(1), DeviceId(2), TimeMs(5'000)});
  std::vector<std::string> bad{"",
                               "x",
                               good + "A",
                               good.substr(1),
                               others.make({UserId(1), DeviceId(2), TimeMs(5'000)}),
                               std::string(500, 'A')};
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    bad.push_back(changed);
  }
  for (const auto& text : bad) {
    const auto who = tickets.check(text, TimeMs(1));
    ASSERT_FALSE(who) << text;
    EXPECT_EQ(who.error().code, Code::unauthenticated);
  }
}

TEST(SessionTable, FindsAllSessionsOfAUserAndNoOthers) {
  SessionTable table;
  std::map<std::uint64_t, std::set<SessionSlot>> expected;
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    const auto slot = table.open(net::ConnectionId(i + 1), wire::Subprotocol::pb);
    table[slot].user = UserId(i % 700 + 1);
    auto& of_user = expected[i % 700 + 1];
    EXPECT_EQ(table.join(slot), of_user.empty());
    of_user.insert(slot);
  }
  const auto slots = table.slots();
  for (auto& [user, of_user] : expected) {
    if (user % 3 == 0) {  // the middle one goes, then all of them
      while (!of_user.empty()) {
        const auto slot = *std::next(of_user.begin(), static_cast<long>(of_user.size() / 2));
        of_user.erase(slot);
        EXPECT_EQ(table.leave(slot), of_user.empty());
        table.close(slot);
      }
    }
    std::set<net::ConnectionId> found, wanted;
    table.for_user(UserId(user), [&](Session& s) { found.insert(s.connection); });
    for (const auto slot : of_user) wanted.insert(table[slot].connection);
    EXPECT_EQ(found, wanted);
  }
  table.open(net::ConnectionId(9'999), wire::Subprotocol::pb);
  EXPECT_EQ(table.slots(), slots) << "freed slots are used again";
}

TEST(LocalPresence, TellsTheFirstAndTheLastSessionAcrossLoops) {
  testing::FakeSessions sessions;
  LocalPresence presence(sessions, GatewayId(1), 2);
  presence.came(0, UserId(1));
  presence.came(1, UserId(1));
  presence.went(0, UserId(1));
  EXPECT_EQ(presence.loops_of({UserId(1), UserId(2)}), (std::vector<std::uint64_t>{2, 0}));
  presence.went(1, UserId(1));
  presence.came(0, UserId(1));
  presence.flush();
  using Told = std::vector<std::pair<UserId, bool>>;
  EXPECT_EQ(sessions.told(), (Told{{UserId(1), true}, {UserId(1), false}, {UserId(1), true}}));
}

TEST(LocalPresence, CountsTheConnectionsOfADevice) {
  testing::FakeSessions sessions;
  LocalPresence presence(sessions, GatewayId(1), 2);
  EXPECT_TRUE(presence.connect(DeviceId(1), 2));
  EXPECT_TRUE(presence.connect(DeviceId(1), 2));
  EXPECT_FALSE(presence.connect(DeviceId(1), 2));
  EXPECT_TRUE(presence.connect(DeviceId(2), 2));
  presence.disconnect(DeviceId(1));
  EXPECT_TRUE(presence.connect(DeviceId(1), 2));
}

HistoryPage page_of(std::uint64_t first, std::uint64_t last) {
  HistoryPage page;
  for (auto seq = first; seq <= last; ++seq) {
    auto entry = std::make_shared<Entry>();
    entry->seq = Seq(seq);
    entry->time = TimeMs(static_cast<std::int64_t>(seq * 10));
    entry->body = std::string(872, 'x');  // a thousand bytes with what belongs to it
    page.entries.push_back(std::move(entry));
  }
  return page;
}

TEST(Trim, KeepsWhatIsNearestToThePlaceAskedForAndSaysThatThereIsMore) {
  using From = HistoryQuery::From;
  struct Case {
    From from;
    std::uint64_t at, first, last;
    bool more_before, more_after;
  };
  for (const auto& [from, at, first, last, more_before, more_after] :
       {Case{From::before, 0, 8, 10, true, false},
        Case{From::before_time, 1'000, 8, 10, true, false}, Case{From::after, 0, 1, 3, false, true},
        Case{From::after_time, 0, 1, 3, false, true}, Case{From::around, 5, 4, 6, true, true},
        Case{From::around_time, 20, 1, 3, false, true}}) {
    auto page = page_of(1, 10);
    trim(page, {from, at, 50}, 3'000);
    ASSERT_EQ(page.entries.size(), 3);
    EXPECT_EQ(page.entries.front()->seq, Seq(first));
    EXPECT_EQ(page.entries.back()->seq, Seq(last));
    EXPECT_EQ(page.more_before, more_before);
    EXPECT_EQ(page.more_after, more_after);
  }
  auto one = page_of(1, 1);
  trim(one, {From::before, 0, 50}, 10);
  EXPECT_EQ(one.entries.size(), 1) << "one entry is always given";
  HistoryPage none;
  trim(none, {From::before, 0, 50}, 10);
  EXPECT_TRUE(none.entries.empty());
}

TEST(Target, IsSplitBeforeItIsDecoded) {
  const auto target = rest::parse_target("/v1/a%2Fb/c?name=x%26y&empty=&flag&name=z");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, (std::vector<std::string>{"v1", "a/b", "c"}));
  EXPECT_EQ(target->query.at("name"), "z");
  EXPECT_EQ(target->query.at("empty"), "");
  EXPECT_TRUE(target->query.contains("flag"));
  EXPECT_TRUE(rest::parse_target("/")->path.empty());
  for (const auto* bad : {"", "*", "http://x/", "/%", "/%4", "/%zz", "/%ff", "/?a=%"})
    EXPECT_FALSE(rest::parse_target(bad)) << bad;
}

TEST(ToProto, WhoIsAMemberAgainHasNotLeft) {
  ConversationView view;
  view.conversation = ConversationId::group(913);
  view.joined = Seq(5);
  view.left = Seq(9);
  view.members = 3;
  v1::Conversation out;
  to_proto(view, out);
  EXPECT_EQ(out.joined(), 5);
  EXPECT_EQ(out.left(), 9);
  EXPECT_EQ(out.members(), 3);
  view.joined = Seq(12);
  v1::Conversation again;
  to_proto(view, again);
  EXPECT_EQ(again.joined(), 12);
  EXPECT_EQ(again.left(), 0);
}

}  // namespace
}  // namespace parley::gateway
