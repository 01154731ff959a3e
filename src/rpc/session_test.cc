// Who is where, over a connection that breaks.
#include "rpc/session.h"

#include <gtest/gtest.h>
#include <map>
#include <set>

#include "rpc/testing/processes.h"

namespace parley::rpc::testing {
namespace {

/// Keeps users and gateways as a session service does, on one lock.
class FakeSessions final : public SessionApi {
 public:
  void subscribe(SessionListener& listener, std::size_t loop) override { listener_ = &listener; }
  void update(GatewayId gateway, std::vector<Presence> changes) override {
    const std::lock_guard lock(mutex_);
    for (const auto& change : changes) {
      if (change.online)
        where_[change.user].insert(gateway);
      else
        where_[change.user].erase(gateway);
      tell(change.user);
    }
  }
  void heartbeat(GatewayId gateway, std::move_only_function<void(bool)> answer) override {
    bool known = false;
    {
      const std::lock_guard lock(mutex_);
      known = !known_.insert(gateway).second;
    }
    answer(known);
  }
  void gateway_gone(GatewayId gateway) override {
    const std::lock_guard lock(mutex_);
    known_.erase(gateway);
    for (auto& [user, gateways] : where_)
      if (gateways.erase(gateway) != 0) tell(user);
    boost::asio::post(loops->at(0),
                      [listener = listener_, gateway] { listener->on_gateway_gone(gateway); });
  }
  void locate(std::vector<UserId> users,
              std::move_only_function<void(std::vector<Location>)> found) override {
    std::vector<Location> rows;
    {
      const std::lock_guard lock(mutex_);
      for (auto user : users)
        for (auto gateway : where_[user]) rows.push_back({user, gateway});
    }
    found(std::move(rows));
  }
  Loops* loops = nullptr;

 private:
  void tell(UserId user) {
    const std::vector<GatewayId> gateways(where_[user].begin(), where_[user].end());
    boost::asio::post(loops->at(0), [listener = listener_, user, gateways] {
      listener->on_sessions({{user, gateways}});
    });
  }
  std::mutex mutex_;
  SessionListener* listener_ = nullptr;
  std::set<GatewayId> known_;
  std::map<UserId, std::set<GatewayId>> where_;
};

class Watching final : public SessionListener {
 public:
  void on_sessions(std::vector<Change> changes) override {
    const std::lock_guard lock(mutex_);
    for (auto& change : changes) {
      if (change.gateways.empty())
        now_.erase(change.user);
      else
        now_[change.user] = change.gateways;
    }
  }
  void on_gateway_gone(GatewayId gateway) override {
    const std::lock_guard lock(mutex_);
    gone_.insert(gateway);
  }
  std::map<UserId, std::vector<GatewayId>> now() {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  bool gone(GatewayId gateway) {
    const std::lock_guard lock(mutex_);
    return gone_.contains(gateway);
  }

 private:
  std::mutex mutex_;
  std::map<UserId, std::vector<GatewayId>> now_;
  std::set<GatewayId> gone_;
};

constexpr GatewayId kOne(1), kTwo(2);

class SessionCalls : public ::testing::Test {
 protected:
  SessionCalls() { fake.loops = &serving.loops; }
  ~SessionCalls() override {
    if (asking) asking->stop();
    serving.stop();
  }
  void connect(std::vector<GatewayId> awaited = {}) {
    serve(serving.router, serving.loops, fake, std::move(awaited), kPatience);
    serving.start();
    asking.emplace(serving.address());
    sessions.emplace(asking->link, std::vector{kOne, kTwo});
    asking->start_and_connect();
  }
  void update(GatewayId gateway, std::vector<Presence> changes) {
    on_loop(asking->loops, 0, [&] { sessions->update(gateway, std::move(changes)); });
  }
  bool heartbeat(GatewayId gateway) {
    std::promise<bool> known;
    on_loop(asking->loops, 0,
            [&] { sessions->heartbeat(gateway, [&](bool k) { known.set_value(k); }); });
    return known.get_future().get();
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> locate(std::vector<UserId> users) {
    std::promise<std::vector<Location>> rows;
    on_loop(asking->loops, 0, [&] {
      sessions->locate(std::move(users),
                       [&](std::vector<Location> found) { rows.set_value(std::move(found)); });
    });
    std::vector<std::pair<std::uint64_t, std::uint64_t>> out;
    for (const auto& row : rows.get_future().get())
      out.emplace_back(row.user.value, row.gateway.value);
    return out;
  }
  using Rows = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

  Serving serving;
  FakeSessions fake;
  std::optional<Asking> asking;
  std::optional<SessionClient> sessions;
  Watching watching;
};

TEST_F(SessionCalls, WhoComesIsFoundAndWhoGoesIsNot) {
  connect();
  EXPECT_FALSE(heartbeat(kOne));
  EXPECT_TRUE(heartbeat(kOne));
  update(kOne, {{UserId(7), true},
                {UserId(8), true},
                {UserId(8), false},
                {UserId(9), false},
                {UserId(9), true}});
  EXPECT_EQ(locate({UserId(7), UserId(8), UserId(9)}), (Rows{{7, 1}, {9, 1}}));
  on_loop(asking->loops, 0, [&] { sessions->gateway_gone(kOne); });
  EXPECT_EQ(locate({UserId(7)}), Rows{});
}

TEST_F(SessionCalls, WhatHappenedDuringABreakIsSaidWhenItIsOver) {
  connect();
  EXPECT_FALSE(heartbeat(kOne));
  update(kOne, {{UserId(7), true}, {UserId(8), true}});
  EXPECT_EQ(locate({UserId(7)}), (Rows{{7, 1}}));
  serving.stop();
  ASSERT_TRUE(eventually([&] { return asking->link.missing().has_value(); }));
  update(kOne, {{UserId(7), false}, {UserId(9), true}});
  serving.start();
  ASSERT_TRUE(eventually([&] { return !asking->link.missing(); }));
  EXPECT_EQ(locate({UserId(7), UserId(8), UserId(9)}), (Rows{{8, 1}, {9, 1}}));
  EXPECT_TRUE(heartbeat(kOne)) << "the service has not forgotten what others know of the gateway";
}

TEST_F(SessionCalls, AServiceThatForgotTheGatewayIsToldAgainAndTheGatewayHearsOfIt) {
  connect();
  EXPECT_FALSE(heartbeat(kOne));
  EXPECT_TRUE(heartbeat(kOne));
  update(kOne, {{UserId(7), true}});
  EXPECT_EQ(locate({UserId(7)}), (Rows{{7, 1}}));
  serving.stop();
  fake.gateway_gone(kOne);
  serving.start();
  ASSERT_TRUE(eventually([&] { return !heartbeat(kOne); }));
  EXPECT_EQ(locate({UserId(7)}), (Rows{{7, 1}}));
}

TEST_F(SessionCalls, WhileNobodyCanBeAskedEverybodyMayBeEverywhere) {
  connect();
  serving.stop();
  ASSERT_TRUE(eventually([&] { return asking->link.missing().has_value(); }));
  EXPECT_EQ(locate({UserId(7), UserId(8)}), (Rows{{7, 1}, {7, 2}, {8, 1}, {8, 2}}));
}

TEST_F(SessionCalls, AServiceThatHasJustStartedDoesNotSayThatNobodyIsThere) {
  connect({kOne, kTwo});
  EXPECT_FALSE(heartbeat(kOne));
  update(kOne, {{UserId(7), true}});
  EXPECT_EQ(locate({UserId(7)}), (Rows{{7, 1}, {7, 2}})) << "the second gateway was not heard of";
  EXPECT_FALSE(heartbeat(kTwo));
  update(kTwo, {});
  EXPECT_EQ(locate({UserId(7)}), (Rows{{7, 1}}));
}

TEST_F(SessionCalls, AListenerHearsOfEverybodyAndAfterABreakOfWhatItMissed) {
  connect();
  fake.update(kOne, {{UserId(7), true}, {UserId(8), true}});
  sessions->subscribe(watching, 0);
  ASSERT_TRUE(eventually([&] { return watching.now().size() == 2; }));
  fake.update(kOne, {{UserId(9), true}});
  ASSERT_TRUE(eventually([&] { return watching.now().size() == 3; }));

  serving.stop();
  fake.update(kTwo, {{UserId(10), true}});
  fake.gateway_gone(kOne);
  serving.start();
  ASSERT_TRUE(eventually([&] {
    const auto now = watching.now();
    return now.size() == 1 && now.contains(UserId(10));
  }));
  ASSERT_TRUE(eventually([&] { return watching.gone(kOne); }));
  EXPECT_FALSE(watching.gone(kTwo));
}

}  // namespace
}  // namespace parley::rpc::testing
