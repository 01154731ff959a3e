#include "services/session/session_service.h"

#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>
#include <map>

#include "adapters/session_registry/memory/registry.h"

namespace parley::session {
namespace {

class SessionServiceTest : public testing::TestWithParam<std::size_t> {
 protected:
  SessionServiceTest() : loops(GetParam(), 1), service(loops, clock, make(GetParam())) {}
  void SetUp() override { loops.start(); }
  ~SessionServiceTest() override { loops.stop(); }

  static std::vector<std::unique_ptr<SessionRegistry>> make(std::size_t n) {
    std::vector<std::unique_ptr<SessionRegistry>> out;
    for (std::size_t i = 0; i < n; ++i)
      out.push_back(std::make_unique<session_registry::MemoryRegistry>());
    return out;
  }
  void update(std::vector<Presence> changes) {
    std::promise<void> done;
    boost::asio::post(loops.at(0), [&] {
      service.update(GatewayId(1), std::move(changes));
      done.set_value();
    });
    done.get_future().get();
  }
  std::size_t count(std::vector<UserId> users) {
    std::promise<std::size_t> done;
    boost::asio::post(loops.at(GetParam() - 1), [&] {
      service.locate(std::move(users), [&](std::vector<Location> found) {
        EXPECT_EQ(loops.current(), GetParam() - 1);
        done.set_value(found.size());
      });
    });
    return done.get_future().get();
  }

  /// Returns when each loop has run what was posted to it before, and what that posted.
  void settle() {
    for (int i = 0; i < 3; ++i)
      for (std::size_t loop = 0; loop < loops.size(); ++loop)
        boost::asio::post(loops.at(loop), boost::asio::use_future([] {})).get();
  }
  bool heartbeat(GatewayId gateway) {
    std::promise<bool> answer;
    boost::asio::post(loops.at(GetParam() - 1), [&] {
      service.heartbeat(gateway, [&](bool known) { answer.set_value(known); });
    });
    return answer.get_future().get();
  }
  /// Time goes by in steps that no process oversleeps.
  void pass(std::chrono::seconds time, const std::function<void()>& each_second = [] {}) {
    for (auto i = std::chrono::seconds(0); i < time; ++i) {
      clock.advance(std::chrono::seconds(1));
      each_second();
      service.sweep();
    }
  }

  ManualClock clock;
  Loops loops;
  SessionService service;
};

/// Keeps what it heard; read after `settle`.
class Listener final : public SessionListener {
 public:
  explicit Listener(Loops& loops) : loops_(loops) {}
  void on_sessions(std::vector<Change> changes) override {
    EXPECT_EQ(loops_.current(), loops_.size() - 1);
    ++calls;
    for (auto& change : changes) {
      std::ranges::sort(change.gateways);
      ++count;
      now[change.user] = change.gateways;
      history[change.user].push_back(!change.gateways.empty());
    }
  }
  void on_gateway_gone(GatewayId gateway) override { gone.push_back(gateway); }

  int calls = 0;
  std::size_t count = 0;
  std::map<UserId, std::vector<GatewayId>> now;
  std::map<UserId, std::vector<bool>> history;
  std::vector<GatewayId> gone;  // on the thread that noticed

 private:
  Loops& loops_;
};

TEST_P(SessionServiceTest, LocatesTheUsersWhoAreOnline) {
  std::vector<Presence> online;
  std::vector<UserId> everybody;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    everybody.push_back(UserId(i));
    if (i % 2) online.push_back({UserId(i), true});
  }
  update(online);
  EXPECT_EQ(count(everybody), 50u);
  for (auto& change : online) change.online = false;
  update(online);
  EXPECT_EQ(count(everybody), 0u);
  EXPECT_EQ(count({}), 0u);
}

TEST_P(SessionServiceTest, ListenersHearAllGatewaysOfAUserInOrder) {
  Listener one(loops), two(loops);
  service.subscribe(one, GetParam() - 1);
  service.subscribe(two, GetParam() - 1);
  for (int i = 0; i < 50; ++i) {
    service.update(GatewayId(1), {{UserId(7), true}});
    service.update(GatewayId(1), {{UserId(7), false}, {UserId(8), true}});
  }
  service.update(GatewayId(2), {{UserId(8), true}});
  settle();
  for (const auto* heard : {&one, &two}) {
    EXPECT_EQ(heard->now.at(UserId(7)), std::vector<GatewayId>{});
    EXPECT_EQ(heard->now.at(UserId(8)), (std::vector{GatewayId(1), GatewayId(2)}));
    const auto& history = heard->history.at(UserId(7));
    ASSERT_EQ(history.size(), 100u);
    for (std::size_t i = 0; i < history.size(); ++i) EXPECT_EQ(history[i], i % 2 == 0) << i;
  }
}

TEST_P(SessionServiceTest, UpdatesOfDifferentLoopsKeepTheirOrder) {
  Listener heard(loops);
  service.subscribe(heard, GetParam() - 1);
  std::mutex order;  // as the gateway holds it while it tells
  bool online = false;
  for (int i = 0; i < 300; ++i)
    boost::asio::post(loops.at(static_cast<std::size_t>(i) % loops.size()), [&] {
      const std::lock_guard lock(order);
      online = !online;
      service.update(GatewayId(1), {{UserId(7), online}});
    });
  settle();
  const auto& history = heard.history.at(UserId(7));
  ASSERT_EQ(history.size(), 300u);
  for (std::size_t i = 0; i < history.size(); ++i) EXPECT_EQ(history[i], i % 2 == 0) << i;
}

TEST_P(SessionServiceTest, ManyChangesOfATurnAreOneCall) {
  Listener heard(loops);
  service.subscribe(heard, GetParam() - 1);
  std::promise<void> go;
  boost::asio::post(loops.at(GetParam() - 1), [&] { go.get_future().wait(); });
  for (std::uint64_t i = 1; i <= 1'000; ++i) service.update(GatewayId(1), {{UserId(i), true}});
  for (std::size_t loop = 0; loop + 1 < loops.size(); ++loop)
    boost::asio::post(loops.at(loop), boost::asio::use_future([] {})).get();
  go.set_value();
  settle();
  EXPECT_EQ(heard.count, 1'000u);
  EXPECT_LE(heard.calls, 2);  // of the other loops and of its own
}

TEST_P(SessionServiceTest, AGatewayThatIsGoneTakesItsUsersAlong) {
  Listener heard(loops);
  service.subscribe(heard, GetParam() - 1);
  service.update(GatewayId(1), {{UserId(7), true}, {UserId(8), true}});
  service.update(GatewayId(2), {{UserId(8), true}, {UserId(9), true}});
  service.gateway_gone(GatewayId(1));
  EXPECT_EQ(heard.gone, std::vector{GatewayId(1)}) << "only later than it was dropped";
  settle();
  EXPECT_EQ(heard.now.at(UserId(7)), std::vector<GatewayId>{});
  EXPECT_EQ(heard.now.at(UserId(8)), std::vector{GatewayId(2)});
  EXPECT_EQ(heard.history.at(UserId(9)).size(), 1u);
  EXPECT_EQ(count({UserId(7), UserId(8), UserId(9)}), 2u);
}

TEST_P(SessionServiceTest, AHeartbeatSaysWhetherTheGatewayIsKnown) {
  EXPECT_FALSE(heartbeat(GatewayId(1)));
  EXPECT_TRUE(heartbeat(GatewayId(1)));
  EXPECT_FALSE(heartbeat(GatewayId(2)));
  service.gateway_gone(GatewayId(1));
  service.update(GatewayId(1), {{UserId(7), true}});  // not all that it has to say
  EXPECT_FALSE(heartbeat(GatewayId(1)));
  EXPECT_TRUE(heartbeat(GatewayId(1)));
}

TEST_P(SessionServiceTest, HeartbeatsTellListenersNothing) {
  Listener heard(loops);
  service.subscribe(heard, GetParam() - 1);
  service.update(GatewayId(1), {{UserId(7), true}});
  pass(std::chrono::minutes(4), [&] { heartbeat(GatewayId(1)); });
  settle();
  EXPECT_EQ(heard.count, 1u);
}

TEST_P(SessionServiceTest, ASilentGatewayIsDroppedAndAskedAgain) {
  Listener heard(loops);
  service.subscribe(heard, GetParam() - 1);
  heartbeat(GatewayId(1));
  heartbeat(GatewayId(2));
  service.update(GatewayId(1), {{UserId(7), true}});
  service.update(GatewayId(2), {{UserId(8), true}});
  const auto second_beats = [&] { EXPECT_TRUE(heartbeat(GatewayId(2))); };
  pass(std::chrono::seconds(15), second_beats);
  settle();
  EXPECT_EQ(count({UserId(7), UserId(8)}), 2u);
  pass(std::chrono::seconds(1), second_beats);
  settle();
  EXPECT_EQ(count({UserId(7)}), 0u);
  EXPECT_EQ(count({UserId(8)}), 1u);
  EXPECT_EQ(heard.gone, std::vector{GatewayId(1)});
  EXPECT_FALSE(heartbeat(GatewayId(1)));
  service.update(GatewayId(1), {{UserId(7), true}});
  settle();
  EXPECT_EQ(count({UserId(7), UserId(8)}), 2u);
  EXPECT_EQ(heard.history.at(UserId(7)), (std::vector{true, false, true}));
}

TEST_P(SessionServiceTest, AProcessThatWasStoppedDropsNobodyForIt) {
  heartbeat(GatewayId(1));
  service.update(GatewayId(1), {{UserId(7), true}});
  clock.advance(std::chrono::minutes(5));
  service.sweep();
  settle();
  EXPECT_EQ(count({UserId(7)}), 1u);
  EXPECT_TRUE(heartbeat(GatewayId(1)));
}

TEST_P(SessionServiceTest, TheTimerOfStartSweeps) {
  SessionService quick(loops, clock, make(GetParam()),
                       {.sweep_every = std::chrono::milliseconds(1)});
  Listener heard(loops);
  quick.subscribe(heard, GetParam() - 1);
  quick.update(GatewayId(1), {{UserId(7), true}});
  quick.start();
  clock.advance(std::chrono::seconds(16));
  std::size_t heard_of = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (heard_of < 2 && std::chrono::steady_clock::now() < deadline)
    heard_of = boost::asio::post(loops.at(GetParam() - 1),
                                 boost::asio::use_future([&] { return heard.count; }))
                   .get();
  EXPECT_EQ(heard_of, 2u);  // came, and went
  loops.stop();
}

/// Like a server that is shared by all loops, and does not always answer.
class BreakingRegistry final : public SessionRegistry {
 public:
  explicit BreakingRegistry(std::atomic<bool>& broken) : broken_(broken) {}
  void update(GatewayId g, std::vector<Presence> changes, bool report, Changed changed) override {
    if (broken_) return changed(fail(Code::unavailable, "broken"));
    inner_.update(g, std::move(changes), report, std::move(changed));
  }
  void heartbeat(GatewayId g, Known known) override {
    if (broken_) return known(fail(Code::unavailable, "broken"));
    inner_.heartbeat(g, std::move(known));
  }
  void remove_gateway(GatewayId g, bool report, Changed changed) override {
    if (broken_) return changed(fail(Code::unavailable, "broken"));
    inner_.remove_gateway(g, report, std::move(changed));
  }
  void find(std::span<const UserId> users, Found found) override {
    if (broken_) return found(fail(Code::unavailable, "broken"));
    inner_.find(users, std::move(found));
  }

 private:
  std::atomic<bool>& broken_;
  session_registry::MemoryRegistry inner_;
};

class BreakingSessionServiceTest : public SessionServiceTest {
 protected:
  BreakingSessionServiceTest()
      : shared(loops, clock, make_one(broken), {}, {GatewayId(1), GatewayId(2)}) {}
  static std::vector<std::unique_ptr<SessionRegistry>> make_one(std::atomic<bool>& broken) {
    std::vector<std::unique_ptr<SessionRegistry>> out;
    out.push_back(std::make_unique<BreakingRegistry>(broken));
    return out;
  }
  using Rows = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  Rows locate(std::vector<UserId> users) {
    std::promise<Rows> done;
    boost::asio::post(loops.at(GetParam() - 1), [&] {
      shared.locate(std::move(users), [&](std::vector<Location> found) {
        EXPECT_EQ(loops.current(), GetParam() - 1);
        Rows rows;
        for (const auto& row : found) rows.emplace_back(row.user.value, row.gateway.value);
        done.set_value(std::move(rows));
      });
    });
    return done.get_future().get();
  }
  bool beat(GatewayId gateway) {
    std::promise<bool> answer;
    boost::asio::post(loops.at(0), [&] {
      shared.heartbeat(gateway, [&](bool known) { answer.set_value(known); });
    });
    return answer.get_future().get();
  }
  std::atomic<bool> broken = false;
  SessionService shared;  // one registry for all loops
};

TEST_P(BreakingSessionServiceTest, WhileTheRegistryFailsEverybodyMayBeEverywhere) {
  shared.update(GatewayId(1), {{UserId(7), true}});
  EXPECT_EQ(locate({UserId(7), UserId(8)}), (Rows{{7, 1}}));
  broken = true;
  EXPECT_EQ(locate({UserId(7), UserId(8)}), (Rows{{7, 1}, {7, 2}, {8, 1}, {8, 2}}));
  broken = false;
  EXPECT_EQ(locate({UserId(7), UserId(8)}), (Rows{{7, 1}}));
}

TEST_P(BreakingSessionServiceTest, AGatewayThatWasNotHeardSaysEverythingAgainAndNothingOldStays) {
  Listener heard(loops);
  shared.subscribe(heard, GetParam() - 1);
  EXPECT_FALSE(beat(GatewayId(1)));
  shared.update(GatewayId(1), {{UserId(7), true}, {UserId(8), true}});
  settle();
  broken = true;
  shared.update(GatewayId(1), {{UserId(7), false}});
  settle();
  EXPECT_TRUE(beat(GatewayId(1))) << "it has nobody to say it to";
  broken = false;
  EXPECT_FALSE(beat(GatewayId(1)));
  shared.update(GatewayId(1), {{UserId(8), true}});
  settle();
  EXPECT_EQ(locate({UserId(7), UserId(8)}), (Rows{{8, 1}}));
  EXPECT_EQ(heard.now.at(UserId(7)), std::vector<GatewayId>{});
  EXPECT_EQ(heard.now.at(UserId(8)), std::vector{GatewayId(1)});
  EXPECT_TRUE(heard.gone.empty());
  EXPECT_TRUE(beat(GatewayId(1)));
}

TEST_P(BreakingSessionServiceTest, AGatewayThatEndedMeanwhileIsRemovedLater) {
  Listener heard(loops);
  shared.subscribe(heard, GetParam() - 1);
  shared.update(GatewayId(1), {{UserId(7), true}});
  settle();
  broken = true;
  shared.gateway_gone(GatewayId(1));
  settle();
  shared.sweep();
  settle();
  broken = false;
  EXPECT_EQ(locate({UserId(7)}), (Rows{{7, 1}}));
  shared.sweep();
  settle();
  EXPECT_EQ(locate({UserId(7)}), Rows{});
  EXPECT_EQ(heard.now.at(UserId(7)), std::vector<GatewayId>{});
  EXPECT_EQ(heard.gone, std::vector{GatewayId(1)}) << "told once";
}

INSTANTIATE_TEST_SUITE_P(Loops, BreakingSessionServiceTest, testing::Values(1, 3));
INSTANTIATE_TEST_SUITE_P(Loops, SessionServiceTest, testing::Values(1, 3));

}  // namespace
}  // namespace parley::session
