#include "services/discovery/registration.h"

#include <gtest/gtest.h>

#include "adapters/coordination/memory/coordination.h"
#include "services/discovery/listing.h"

namespace parley::discovery {
namespace {
using namespace std::chrono_literals;

class Registered : public testing::Test {
 protected:
  Registration::Settings settings(std::chrono::milliseconds look_every = 1ms) const {
    return {"gateway-1", "127.0.0.1:7001", {"wss://one/v1/ws", "eu", {}, 1'000}, look_every};
  }
  std::function<Registration::Now()> now() {
    return [this] {
      ++looks_;
      return Registration::Now{load_, ready_};
    };
  }
  /// As others see it.
  std::optional<GatewayRow> listed() {
    const auto members = other_port_.membership().members(kGatewayKind).value();
    if (members.empty()) return std::nullopt;
    EXPECT_EQ(members.front().address, "127.0.0.1:7001");
    return from_attributes(members.front().attributes).value();
  }
  bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }
  bool looks_again() {
    return eventually([this, until = looks_ + 3] { return looks_ >= until; });
  }

  coordination::MemoryCoordinator coordinator_;
  coordination::MemoryCoordination mine_{coordinator_, "gateway-1"}, other_{coordinator_, "other"};
  Coordination &port_ = mine_, &other_port_ = other_;
  std::atomic<std::uint64_t> load_ = 0;
  std::atomic<bool> ready_ = true;
  std::atomic<int> looks_ = 0;
};

TEST_F(Registered, SaysItsLoadAnewWhenThatChangedEnough) {
  load_ = 10;
  const Registration registration(port_.membership(), settings(), now());
  EXPECT_TRUE(eventually([&] { return listed() && listed()->load == 10; }));
  load_ = 29;
  EXPECT_TRUE(looks_again());
  EXPECT_EQ(listed()->load, 10u) << "19 more of 1,000 are no news";
  load_ = 30;
  EXPECT_TRUE(eventually([&] { return listed()->load == 30; }));
  load_ = 995;
  EXPECT_TRUE(eventually([&] { return listed()->load == 995; }));
  load_ = 1'000;
  EXPECT_TRUE(eventually([&] { return listed()->load == 1'000; })) << "full is news";
  load_ = 999;
  EXPECT_TRUE(eventually([&] { return listed()->load == 999; })) << "and so is not full";
}

TEST_F(Registered, SaysWhetherItIsReady) {
  const Registration registration(port_.membership(), settings(), now());
  EXPECT_TRUE(eventually([&] { return listed() && listed()->ready; }));
  ready_ = false;
  EXPECT_TRUE(eventually([&] { return !listed()->ready; }));
  ready_ = true;
  EXPECT_TRUE(eventually([&] { return listed()->ready; }));
}

TEST_F(Registered, IsListedAsDrainingWhenThatReturnsAndStaysSo) {
  Registration registration(port_.membership(), settings(1h), now());
  ASSERT_TRUE(registration.drain(60s));
  EXPECT_TRUE(listed()->draining);
}

TEST_F(Registered, SaysWhenItCouldNotBeListedAsDrainingInTime) {
  Registration registration(port_.membership(), settings(), now());
  EXPECT_TRUE(eventually([&] { return listed().has_value(); }));
  mine_.stall(true);
  EXPECT_FALSE(registration.drain(20ms));
  mine_.stall(false);
  EXPECT_TRUE(eventually([&] { return listed()->draining; })) << "it goes on trying";
}

TEST_F(Registered, GoesOnTryingWhileAnotherHasItsId) {
  ASSERT_TRUE(other_port_.membership().join(
      {kGatewayKind, "gateway-1", "127.0.0.1:7001", to_attributes({"wss://other", "", {}, 5})}));
  const Registration registration(port_.membership(), settings(), now());
  EXPECT_TRUE(looks_again());
  EXPECT_EQ(listed()->url, "wss://other");
  ASSERT_TRUE(other_port_.membership().leave(kGatewayKind, "gateway-1"));
  EXPECT_TRUE(eventually([&] { return listed() && listed()->url == "wss://one/v1/ws"; }));
}

}  // namespace
}  // namespace parley::discovery
