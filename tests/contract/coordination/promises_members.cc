// Membership and the coordinator's clock (ports/membership.h, ports/coordination.h).
#include <fmt/format.h>
#include <map>
#include <random>

#include "tests/contract/coordination/promises.h"

namespace parley::test {
namespace {

const Member kOne{"gateway", "g1", "127.0.0.1:7001", "load=3"};
const Member kTwo{"gateway", "g2", "127.0.0.1:7002", std::string("\0\n bytes", 8)};
const Member kOther{"auth", "g1", "127.0.0.1:7003", ""};

using Members = std::vector<Member>;

void lists_those_who_joined(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  auto b = subject.connect("b");
  EXPECT_EQ(a->port().membership().members("gateway").value(), Members{});
  ASSERT_TRUE(b->port().membership().join(kTwo));
  ASSERT_TRUE(a->port().membership().join(kOne));
  ASSERT_TRUE(a->port().membership().join(kOther));
  EXPECT_EQ(b->port().membership().members("gateway").value(), (Members{kOne, kTwo}));
  EXPECT_EQ(b->port().membership().members("auth").value(), Members{kOther});
  ASSERT_TRUE(a->port().membership().leave("gateway", "g1"));
  ASSERT_TRUE(a->port().membership().leave("gateway", "g1"));
  EXPECT_EQ(b->port().membership().members("gateway").value(), Members{kTwo});
}

void joining_again_replaces(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  ASSERT_TRUE(a->port().membership().join(kOne));
  auto changed = kOne;
  changed.attributes = "load=9";
  ASSERT_TRUE(a->port().membership().join(changed));
  EXPECT_EQ(a->port().membership().members("gateway").value(), Members{changed});
}

void refuses_an_id_that_another_has(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  auto b = subject.connect("b");
  ASSERT_TRUE(a->port().membership().join(kOne));
  const auto refused = b->port().membership().join(kOne);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::already_exists);
  EXPECT_GT(refused.error().retry_after_ms, 0u);
  ASSERT_TRUE(b->port().membership().leave("gateway", "g1"));  // not its own: stays
  EXPECT_EQ(b->port().membership().members("gateway").value(), Members{kOne});
}

void one_that_closes_or_dies_goes(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  auto b = subject.connect("b");
  auto c = subject.connect("c");
  ASSERT_TRUE(a->port().membership().join(kOne));
  ASSERT_TRUE(b->port().membership().join(kTwo));
  b.reset();
  EXPECT_TRUE(subject.await([&] {
    const auto now = c->port().membership().members("gateway");
    return now && *now == Members{kOne};
  }));
  a->cut_off(true);
  EXPECT_TRUE(subject.await([&] {
    const auto now = c->port().membership().members("gateway");
    return now && now->empty();
  }));
  ASSERT_TRUE(c->port().membership().join(kOne));  // the id may be had again
}

void watches_tell_every_change_in_the_end(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  auto b = subject.connect("b");
  Heard<Members> heard;
  Heard<Members> others;
  a->port().membership().watch("gateway", heard.hear());
  a->port().membership().watch("auth", others.hear());
  EXPECT_TRUE(
      subject.await([&] { return heard.all().size() == 1; }));  // at once, also an empty one
  ASSERT_TRUE(b->port().membership().join(kOne));
  EXPECT_TRUE(subject.await([&] { return heard.last() == Members{kOne}; }));
  auto changed = kOne;
  changed.attributes = "load=9";
  ASSERT_TRUE(b->port().membership().join(changed));
  EXPECT_TRUE(subject.await([&] { return heard.last() == Members{changed}; }));
  ASSERT_TRUE(a->port().membership().join(kTwo));
  EXPECT_TRUE(subject.await([&] { return heard.last() == (Members{changed, kTwo}); }));
  b.reset();
  EXPECT_TRUE(subject.await([&] { return heard.last() == Members{kTwo}; }));
  EXPECT_EQ(others.all(), (std::vector<Members>{Members{}}));
}

// As many gateways do, each of which says something new every few seconds, comes and goes.
void watches_are_right_however_many_change(CoordinationUnderTest& subject) {
  auto watcher = subject.connect("watcher");
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(subject.connect(fmt::format("c{}", i)));
  Heard<Members> heard;
  watcher->port().membership().watch("gateway", heard.hear());
  const auto of = [](int id, int said) {
    return Member{"gateway", fmt::format("g{:02}", id), "127.0.0.1:7001", fmt::format("{}", said)};
  };
  std::map<int, Member> listed;
  std::mt19937 random(11);
  for (int step = 0; step < 120; ++step) {
    const int id = static_cast<int>(random() % 24);
    auto& members = clients[static_cast<std::size_t>(id % 3)]->port().membership();
    if (random() % 4 == 0) {
      ASSERT_TRUE(members.leave("gateway", of(id, 0).id));
      listed.erase(id);
    } else {
      ASSERT_TRUE(members.join(of(id, step)));
      listed.insert_or_assign(id, of(id, step));
    }
    if (step % 20 == 0) subject.step();
  }
  const auto expect = [&] {
    Members expected;
    for (const auto& [id, member] : listed) expected.push_back(member);
    EXPECT_TRUE(subject.await([&] { return heard.last() == expected; }));
    EXPECT_EQ(watcher->port().membership().members("gateway").value(), expected);
  };
  expect();
  for (auto& [id, member] : listed) {  // nobody comes or goes
    member = of(id, 1'000);
    ASSERT_TRUE(clients[static_cast<std::size_t>(id % 3)]->port().membership().join(member));
  }
  expect();
  clients[1].reset();
  std::erase_if(listed, [](const auto& member) { return member.first % 3 == 1; });
  expect();
}

void after_a_lost_session_it_is_listed_and_watches_again(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  auto b = subject.connect("b");
  Heard<Members> a_heard;
  Heard<Members> b_heard;
  ASSERT_TRUE(a->port().membership().join(kOne));
  a->port().membership().watch("gateway", a_heard.hear());
  b->port().membership().watch("gateway", b_heard.hear());
  EXPECT_TRUE(subject.await([&] { return b_heard.last() == Members{kOne}; }));
  a->cut_off(true);
  EXPECT_TRUE(subject.await([&] { return b_heard.last() == Members{}; }));
  ASSERT_TRUE(b->port().membership().join(kTwo));
  a->cut_off(false);
  EXPECT_TRUE(subject.await([&] { return b_heard.last() == (Members{kOne, kTwo}); }));
  EXPECT_TRUE(subject.await([&] { return a_heard.last() == (Members{kOne, kTwo}); }));
}

void the_coordinators_clock_is_this_machines(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  ManualClock off;  // far in the past
  const auto ahead = clock_ahead(a->port(), subject.clock());
  ASSERT_TRUE(ahead) << ahead.error().message;
  EXPECT_LT(std::chrono::abs(*ahead), 50ms);
  off.set_wall(TimeMs(subject.clock().wall().value - 7000));
  const auto behind = clock_ahead(a->port(), off);
  ASSERT_TRUE(behind);
  EXPECT_LE(*behind, -6950ms);
  EXPECT_GE(*behind, -12000ms);
}

constexpr Promise kPromises[] = {
    {"ListsThoseWhoJoined", lists_those_who_joined},
    {"JoiningAgainReplaces", joining_again_replaces},
    {"RefusesAnIdThatAnotherHas", refuses_an_id_that_another_has},
    {"OneThatClosesOrDiesGoes", one_that_closes_or_dies_goes},
    {"WatchesTellEveryChangeInTheEnd", watches_tell_every_change_in_the_end},
    {"WatchesAreRightHoweverManyChange", watches_are_right_however_many_change},
    {"AfterALostSessionItIsListedAndWatchesAgain",
     after_a_lost_session_it_is_listed_and_watches_again},
    {"TheCoordinatorsClockIsThisMachines", the_coordinators_clock_is_this_machines},
};

}  // namespace

std::span<const Promise> membership_promises() { return kPromises; }

}  // namespace parley::test
