// What only the ZooKeeper adapter can get wrong.
#include <gtest/gtest.h>

#include "adapters/coordination/zookeeper/coordination.h"
#include "tests/contract/coordination/promises.h"
#include "tests/support/backends/backends.h"
#include "tests/support/tcp_gate/tcp_gate.h"

namespace parley::test {
namespace {

using parley::coordination::ZookeeperCoordination;
using parley::coordination::ZookeeperSettings;

ZookeeperSettings settings_for(std::string addresses) {
  ZookeeperSettings settings;
  settings.addresses = std::move(addresses);
  settings.prefix = "/" + unique_name("zookeeper");
  settings.process = "one";
  settings.session_timeout = 1000ms;
  settings.lease = 400ms;
  settings.connect_timeout = 300ms;
  return settings;
}

bool await(const std::function<bool()>& condition) {
  const BootClock clock;
  const auto end = clock.mono() + 30s;
  while (!condition()) {
    if (clock.mono() > end) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

TEST(ZookeeperCoordination, SaysWhereItDoesNotAnswer) {
  const auto refused = ZookeeperCoordination::open(settings_for("127.0.0.1:1"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_NE(refused.error().message.find("127.0.0.1:1"), std::string::npos);
}

TEST(ZookeeperCoordination, KeepsTryingWhenAsked) {
  TcpGate gate(backend("zookeeper"));
  gate.shut();
  auto settings = settings_for(gate.address());
  settings.keep_trying = true;
  auto opened = ZookeeperCoordination::open(settings);
  ASSERT_TRUE(opened) << opened.error().message;
  Heard<SessionEvent> events;
  (*opened)->listen(events.hear());
  EXPECT_EQ((*opened)->now().error().code, Code::unavailable);
  EXPECT_EQ(events.all(), std::vector<SessionEvent>{});
  gate.open();
  EXPECT_TRUE(
      await([&] { return events.last() == SessionEvent::opened && !events.all().empty(); }));
  EXPECT_TRUE((*opened)->now());
}

// Broken connections are the everyday fault: calls are repeated on the next one, none of them
// twice.
TEST(ZookeeperCoordination, CallsOutliveBrokenConnections) {
  TcpGate gate(backend("zookeeper"));
  auto settings = settings_for(gate.address());
  settings.session_timeout = 6000ms;
  settings.connect_timeout = 10000ms;
  auto opened = ZookeeperCoordination::open(settings).value();
  Heard<SessionEvent> events;
  opened->listen(events.hear());
  std::atomic<bool> stop = false;
  std::thread breaks([&] {
    while (!stop) {
      std::this_thread::sleep_for(100ms);  // the fault's own pace
      gate.break_all();
    }
  });
  std::uint64_t generation = 0;
  const std::vector wanted{ShardId(1)};
  int granted = 0;
  EXPECT_TRUE(await([&] {
    if (auto grants = opened->shards().acquire(wanted); grants && grants->size() == 1) {
      EXPECT_GT(grants->at(0).generation.value, generation);
      generation = grants->at(0).generation.value;
      ++granted;
    }
    const auto joined =
        opened->membership().join({"gateway", "g1", "127.0.0.1:1", fmt::format("{}", granted)});
    if (!joined) EXPECT_EQ(joined.error().code, Code::unavailable) << joined.error().message;
    return granted >= 15;
  }));
  stop = true;
  breaks.join();
  EXPECT_FALSE(events.has(SessionEvent::lost));
}

TEST(ZookeeperCoordination, AddressesAreAListAndOneThatIsDownDoesNotMatter) {
  auto opened = ZookeeperCoordination::open([] {
    auto settings = settings_for("127.0.0.1:1," + backend("zookeeper"));
    settings.connect_timeout = 10000ms;
    return settings;
  }());
  ASSERT_TRUE(opened) << opened.error().message;
}

TEST(ZookeeperCoordination, RefusesNamesThatCannotBe) {
  auto bad = settings_for(backend("zookeeper"));
  bad.prefix = "parley";
  EXPECT_EQ(ZookeeperCoordination::open(bad).error().code, Code::invalid_argument);
  bad = settings_for(backend("zookeeper"));
  bad.process = "a b";
  EXPECT_EQ(ZookeeperCoordination::open(bad).error().code, Code::invalid_argument);
}

}  // namespace
}  // namespace parley::test
