// A ZooKeeper of the test's own is killed and started again: what was promised outlives it.
#include <gtest/gtest.h>

#include "adapters/coordination/zookeeper/coordination.h"
#include "tests/contract/coordination/promises.h"
#include "tests/support/backends/own_backend.h"

namespace parley::test {
namespace {

using parley::coordination::ZookeeperCoordination;

std::unique_ptr<ZookeeperCoordination> connect(const OwnBackend& server, std::string process) {
  auto opened = ZookeeperCoordination::open({.addresses = server.address(),
                                             .process = std::move(process),
                                             .session_timeout = 6000ms,
                                             .lease = 1000ms});
  if (!opened) throw std::runtime_error(opened.error().message);
  return std::move(*opened);
}

bool await(const std::function<bool()>& condition) {
  const BootClock clock;
  const auto end = clock.mono() + 60s;
  while (!condition()) {
    if (clock.mono() > end) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

TEST(ZookeeperRestart, GenerationsGoOnAndALiveOwnerKeepsItsShards) {
  OwnBackend server("zookeeper");
  const std::vector shards{ShardId(1), ShardId(2)};
  std::uint64_t newest = 0;
  const auto grow = [&](const Result<std::vector<ShardGrant>>& grants) {
    if (!grants || grants->size() != shards.size()) return false;
    EXPECT_GT(grants->at(0).generation.value, newest);
    newest = grants->at(0).generation.value;
    return true;
  };
  auto owner = connect(server, "owner");
  Heard<SessionEvent> events;
  owner->listen(events.hear());
  ASSERT_TRUE(owner->membership().join({"message", "owner", "127.0.0.1:1", ""}));
  const auto held = owner->shards().acquire(shards);
  ASSERT_TRUE(grow(held));
  auto other = connect(server, "other");
  Heard<ShardOwners> heard;
  other->shards().watch(heard.hear());

  for (int round = 0; round < 2; ++round) {
    server.kill();
    EXPECT_EQ(owner->now().error().code, Code::unavailable);
    EXPECT_TRUE(await([&] { return !held->at(0).lease->certainly_holds(); }));
    server.start();
    EXPECT_TRUE(await([&] {
      const auto taken = other->shards().acquire(shards);
      EXPECT_TRUE(!taken || taken->empty());
      return taken && held->at(0).lease->certainly_holds();
    }));
    EXPECT_EQ(other->membership().members("message").value().size(), 1u);
  }
  EXPECT_FALSE(events.has(SessionEvent::lost));

  // All processes and the server end; what was given is remembered.
  owner.reset();
  other.reset();
  server.kill();
  server.start();
  auto next = connect(server, "next");
  EXPECT_TRUE(await([&] { return grow(next->shards().acquire(shards)); }));
}

}  // namespace
}  // namespace parley::test
