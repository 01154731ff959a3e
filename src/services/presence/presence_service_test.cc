#include "services/presence/presence_service.h"

#include <atomic>
#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>
#include <latch>
#include <map>

#include "adapters/last_seen/memory/last_seen_store.h"

namespace parley::presence {
namespace {
namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr GatewayId kOne(1), kTwo(2);
constexpr UserId kAnn(7), kBob(8);

/// Counts what is asked of it; can fail, and can be held.
class CountingStore final : public LastSeenStore {
 public:
  Result<void> put(const std::vector<LastSeen>& batch) override {
    ++puts;
    rows += batch.size();
    if (fails) return fail(Code::storage_full, "told to");
    return store_.put(batch);
  }
  Result<std::vector<LastSeen>> of(const std::vector<UserId>& users) override {
    ++reads;
    if (reads_fail) return fail(Code::damaged, "told to");
    auto found = store_.of(users);
    if (held) {
      asked.count_down();
      go_on.wait();
    }
    return found;
  }

  std::atomic<int> puts = 0, reads = 0;
  std::atomic<std::size_t> rows = 0;
  std::atomic<bool> fails = false, reads_fail = false, held = false;
  std::latch asked{1}, go_on{1};

 private:
  last_seen::MemoryLastSeenStore store_;
};

/// Keeps what it was told of presence; touched on the service's loop.
class FakeGateway final : public DeliveryApi {
 public:
  void presence(std::vector<PresenceView> changes) override { calls.push_back(std::move(changes)); }
  void deliver(std::vector<Delivery> /*entries*/) override { not_here(); }
  void receipts(std::vector<ReceiptNotice> /*notices*/) override { not_here(); }
  void changed(std::vector<ConversationNotice> /*notices*/) override { not_here(); }
  void typing(std::vector<TypingNotice> /*notices*/) override { not_here(); }
  void sign_out(UserId /*user*/, DeviceId /*device*/) override { not_here(); }

  std::vector<std::vector<PresenceView>> calls;

 private:
  static void not_here() { ADD_FAILURE() << "presence tells of presence alone"; }
};

class PresenceTest : public testing::Test {
 protected:
  PresenceTest() : loops(2, 2) {}
  void SetUp() override { begin({}); }
  void TearDown() override { end(); }

  void begin(Settings settings) {
    service = std::make_unique<PresenceService>(
        loops, clock, store,
        [this](GatewayId id) -> DeliveryApi* {
          if (!reachable) return nullptr;
          return id == kOne ? &one : id == kTwo ? &two : nullptr;
        },
        settings);
    if (!running) loops.start();
    running = true;
  }
  void close() {
    std::promise<void> closed;
    service->close([&] { closed.set_value(); });
    closed.get_future().wait();
    open = false;
  }
  void end() {
    if (open) close();
    if (running) loops.stop();
    running = false;
  }

  template <class F>
  auto on_loop(F f) {
    return asio::post(loops.at(PresenceService::kLoop), asio::use_future(std::move(f))).get();
  }
  void sessions_of(std::vector<UserId> users, std::vector<GatewayId> gateways) {
    std::vector<SessionListener::Change> changes;
    for (const auto user : users) changes.push_back({user, gateways});
    on_loop([&] { service->on_sessions(changes); });
  }
  void come(std::vector<UserId> users) { sessions_of(std::move(users), {kOne}); }
  void go(std::vector<UserId> users) { sessions_of(std::move(users), {}); }
  void watch(GatewayId gateway, std::vector<UserId> added, std::vector<UserId> removed = {}) {
    service->watch(gateway, std::move(added), std::move(removed));
  }
  void tick() {
    on_loop([this] { service->tick(); });
  }
  /// Time goes by, in ticks.
  void pass(milliseconds time) {
    for (milliseconds t{0}; t < time; t += milliseconds(250)) {
      clock.advance(milliseconds(250));
      tick();
    }
  }
  std::vector<std::vector<PresenceView>> calls(FakeGateway& gateway) {
    return on_loop([&] { return std::exchange(gateway.calls, {}); });
  }
  /// What the gateway was last told of each user, as "7+ 8-".
  std::string told(FakeGateway& gateway) {
    std::map<UserId, bool> last;
    for (const auto& call : calls(gateway))
      for (const auto& view : call) last[view.user] = view.online;
    std::string text;
    for (const auto& [user, online] : last)
      text += std::to_string(user.value) + (online ? "+ " : "- ");
    return text;
  }
  Result<std::vector<PresenceView>> ask(std::vector<UserId> users, std::size_t loop = 1) {
    return asio::co_spawn(loops.at(loop), service->of(std::move(users)), asio::use_future).get();
  }
  PresenceView ask(UserId user) { return ask(std::vector{user}).value().at(0); }
  void wait_for_rows(std::size_t rows) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(30);
    while (store.rows < rows && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    ASSERT_GE(store.rows, rows);
  }

  ManualClock clock;
  CountingStore store;
  FakeGateway one, two;
  bool reachable = true;  // touched on the service's loop
  Loops loops;
  std::unique_ptr<PresenceService> service;
  bool running = false, open = true;
};

std::vector<UserId> many(std::uint64_t count) {
  std::vector<UserId> users;
  for (std::uint64_t i = 1; i <= count; ++i) users.emplace_back(i);
  return users;
}

TEST_F(PresenceTest, ChangesAreToldToGatewaysThatWatchOnly) {
  watch(kOne, {kAnn});
  watch(kTwo, {kAnn, kBob});
  come({kAnn});
  tick();
  EXPECT_EQ(told(one), "7+ ");
  EXPECT_EQ(told(two), "7+ ");
  come({kBob});
  watch(kTwo, {}, {kAnn});
  go({kAnn});
  pass(seconds(6));
  EXPECT_EQ(told(one), "7- ");
  EXPECT_EQ(told(two), "8+ ");
}

TEST_F(PresenceTest, ASecondGatewayOfAUserIsNoChange) {
  watch(kOne, {kAnn});
  come({kAnn});
  tick();
  EXPECT_EQ(told(one), "7+ ");
  sessions_of({kAnn}, {kOne, kTwo});
  sessions_of({kAnn}, {kTwo});
  pass(seconds(6));
  EXPECT_EQ(told(one), "");
}

TEST_F(PresenceTest, OfflineIsToldAfterTheGraceWithTheTimeOfLeaving) {
  watch(kOne, {kAnn});
  come({kAnn});
  pass(seconds(1));
  calls(one);
  const auto left = clock.wall();
  go({kAnn});
  pass(milliseconds(4'750));
  EXPECT_EQ(told(one), "");
  EXPECT_TRUE(ask(kAnn).online);  // as watchers know it
  pass(milliseconds(250));
  const auto heard = calls(one);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_FALSE(heard[0][0].online);
  EXPECT_EQ(heard[0][0].last_seen, left);
  EXPECT_EQ(ask(kAnn).last_seen, left);
  EXPECT_FALSE(ask(kAnn).online);
}

TEST_F(PresenceTest, AReconnectDoesNotFlicker) {
  watch(kOne, {kAnn});
  come({kAnn});
  tick();
  calls(one);
  for (int i = 0; i < 5; ++i) {
    go({kAnn});
    pass(seconds(4));
    come({kAnn});
    pass(seconds(2));
  }
  EXPECT_EQ(told(one), "");
  go({kAnn});
  pass(seconds(6));
  EXPECT_EQ(told(one), "7- ");
}

TEST_F(PresenceTest, EachLeavingHasAGraceOfItsOwn) {
  watch(kOne, {kAnn});
  come({kAnn});
  pass(seconds(1));
  calls(one);
  go({kAnn});
  pass(seconds(2));
  come({kAnn});
  go({kAnn});
  pass(milliseconds(4'750));
  EXPECT_EQ(told(one), "");
  pass(milliseconds(250));
  EXPECT_EQ(told(one), "7- ");
}

TEST_F(PresenceTest, WhoAsksAfterWatchingMissesNoChange) {
  watch(kOne, {kAnn});
  EXPECT_FALSE(ask(kAnn).online);
  come({kAnn});  // before any tick
  tick();
  EXPECT_EQ(told(one), "7+ ");
}

TEST_F(PresenceTest, AThousandChangesAreOneCallPerGatewayAndTick) {
  watch(kOne, many(1'000));
  watch(kTwo, many(1'000));
  come(many(1'000));
  tick();
  tick();
  for (auto* gateway : {&one, &two}) {
    const auto heard = calls(*gateway);
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(heard[0].size(), 1'000u);
  }
}

TEST_F(PresenceTest, UnderLoadChangesAreMergedAndTheLastWordIsRight) {
  service.reset();
  begin({.changes_per_tick = 10});
  watch(kOne, many(25));
  come(many(25));
  tick();
  go(many(25));
  clock.advance(seconds(6));
  tick();  // 10 were told that they are online, the next 10 are told that they are not
  come(many(12));
  for (int i = 0; i < 5; ++i) tick();
  const auto heard = calls(one);
  std::map<UserId, bool> last;
  for (const auto& call : heard) {
    EXPECT_LE(call.size(), 10u);
    for (const auto& view : call) last[view.user] = view.online;
  }
  ASSERT_EQ(last.size(), 25u);
  for (const auto& [user, online] : last) EXPECT_EQ(online, user.value <= 12) << user.value;
  EXPECT_LE(heard.size(), 5u);  // 25 changes three times are less than 75
}

TEST_F(PresenceTest, AGatewayThatIsNotReachedHearsTheStateLater) {
  watch(kOne, {kAnn, kBob});
  come({kAnn});
  on_loop([this] { reachable = false; });
  tick();
  come({kBob});
  go({kAnn});
  pass(seconds(6));
  EXPECT_EQ(told(one), "");
  on_loop([this] { reachable = true; });
  tick();
  EXPECT_EQ(told(one), "7- 8+ ");
}

TEST_F(PresenceTest, AGatewayThatIsGoneLosesItsWatches) {
  watch(kOne, {kAnn});
  watch(kTwo, {kAnn});
  come({kAnn});
  service->on_gateway_gone(kOne);
  go({kAnn});
  pass(seconds(6));
  EXPECT_EQ(told(one), "");
  EXPECT_EQ(told(two), "7- ");
}

TEST_F(PresenceTest, WhatAGatewaySaysWhenItIsBackIsNotForgotten) {
  watch(kOne, {kAnn});
  service->on_gateway_gone(kOne);
  watch(kOne, {kBob});
  come({kAnn, kBob});
  tick();
  EXPECT_EQ(told(one), "8+ ");
}

// That heartbeats tell listeners nothing is the session service's promise.
TEST_F(PresenceTest, NothingIsWrittenOrReadForThoseWhoStayOnline) {
  for (int i = 0; i < 48; ++i) {  // gateways say it again and again for 4 minutes
    come({kAnn, kBob});
    pass(seconds(5));
  }
  EXPECT_TRUE(ask(kAnn).online);
  EXPECT_EQ(store.puts, 0);
  EXPECT_EQ(store.reads, 0);
}

TEST_F(PresenceTest, ThoseWhoWentAreWrittenInOneBatch) {
  come(many(1'000));
  for (const auto user : many(1'000)) go({user});
  pass(seconds(5));
  wait_for_rows(1'000);
  EXPECT_EQ(store.puts, 1);
  pass(seconds(30));
  EXPECT_EQ(store.puts, 1);
}

TEST_F(PresenceTest, ThoseOnlineAreWrittenEveryFiveMinutesInOneBatch) {
  come(many(1'000));
  pass(minutes(5) - seconds(1));
  EXPECT_EQ(store.puts, 0);
  pass(seconds(6));
  wait_for_rows(1'000);
  const auto rows = store.of({UserId(1)}).value();
  EXPECT_GE(rows.at(0).at.value, clock.wall().value - 6'000);
  pass(minutes(4));
  EXPECT_EQ(store.puts, 1);
}

TEST_F(PresenceTest, ABatchThatTheStoreRefusesIsWrittenLater) {
  store.fails = true;
  come({kAnn});
  const auto left = clock.wall();
  go({kAnn});
  pass(seconds(6));
  wait_for_rows(1);
  on_loop([] {});
  EXPECT_EQ(ask(kAnn).last_seen, left);
  store.fails = false;
  const auto deadline = std::chrono::steady_clock::now() + seconds(30);
  while (store.of({kAnn}).value().empty() && std::chrono::steady_clock::now() < deadline)
    pass(seconds(5));
  EXPECT_EQ(store.of({kAnn}).value(), (std::vector<LastSeen>{{kAnn, left}}));
}

TEST_F(PresenceTest, ClosingWritesEverybody) {
  come({kAnn, kBob});
  const auto left = clock.wall();
  go({kAnn});
  clock.advance(seconds(3));
  close();
  EXPECT_EQ(store.of({kAnn, kBob}).value(),
            (std::vector<LastSeen>{{kAnn, left}, {kBob, clock.wall()}}));
}

TEST_F(PresenceTest, AnswersInOrderFromMemoryElseFromTheStore) {
  ASSERT_TRUE(store.put({{UserId(3), TimeMs(33)}}));
  come({kAnn});
  const auto views = ask({UserId(3), kAnn, UserId(4)}).value();
  ASSERT_EQ(views.size(), 3u);
  EXPECT_EQ(views[0].user, UserId(3));
  EXPECT_EQ(views[0].last_seen, TimeMs(33));
  EXPECT_FALSE(views[0].online);
  EXPECT_TRUE(views[1].online);
  EXPECT_EQ(views[1].last_seen, clock.wall());
  EXPECT_EQ(views[2].last_seen, TimeMs(0));
  EXPECT_EQ(store.reads, 1);
  ASSERT_TRUE(ask({UserId(3), kAnn, UserId(4)}, 0));
  EXPECT_EQ(store.reads, 1);
}

TEST_F(PresenceTest, WhoComesWhileTheStoreIsReadIsOnline) {
  store.held = true;
  auto answer = asio::co_spawn(loops.at(1), service->of({kAnn}), asio::use_future);
  store.asked.wait();
  come({kAnn});
  store.go_on.count_down();
  EXPECT_TRUE(answer.get().value().at(0).online);
}

TEST_F(PresenceTest, AFailingStoreIsAnError) {
  store.reads_fail = true;
  EXPECT_EQ(ask(std::vector{kAnn}).error().code, Code::damaged);
  store.reads_fail = false;
  EXPECT_FALSE(ask(kAnn).online);
}

TEST_F(PresenceTest, TheTimerOfStartTells) {
  service.reset();
  begin({.tick = milliseconds(1)});
  service->start();
  watch(kOne, {kAnn});
  come({kAnn});
  std::string heard;
  const auto deadline = std::chrono::steady_clock::now() + seconds(30);
  while (heard.empty() && std::chrono::steady_clock::now() < deadline) heard = told(one);
  EXPECT_EQ(heard, "7+ ");
}

}  // namespace
}  // namespace parley::presence
