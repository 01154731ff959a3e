// What every Coordination promises (src/ports/coordination.h), held by every adapter.
#include "tests/contract/coordination/adapters.h"

namespace parley::test {
namespace {

struct Adapter {
  const char* name;
  std::unique_ptr<CoordinationUnderTest> (*make)();
};
const Adapter kAdapters[] = {
    {"Memory",
     []() -> std::unique_ptr<CoordinationUnderTest> {
       return std::make_unique<MemoryUnderTest>();
     }},
    {"Zookeeper",
     []() -> std::unique_ptr<CoordinationUnderTest> {
       return std::make_unique<ZookeeperUnderTest>();
     }},
};

class CoordinationContract : public testing::TestWithParam<std::tuple<Adapter, Promise>> {};

TEST_P(CoordinationContract, Holds) {
  const auto& [adapter, promise] = GetParam();
  promise.holds(*adapter.make());
}

std::string name_of(const testing::TestParamInfo<std::tuple<Adapter, Promise>>& info) {
  return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param).name;
}
INSTANTIATE_TEST_SUITE_P(Membership, CoordinationContract,
                         testing::Combine(testing::ValuesIn(kAdapters),
                                          testing::ValuesIn(membership_promises().begin(),
                                                            membership_promises().end())),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Leases, CoordinationContract,
                         testing::Combine(testing::ValuesIn(kAdapters),
                                          testing::ValuesIn(lease_promises().begin(),
                                                            lease_promises().end())),
                         name_of);

// The embedded shape: no clock, callbacks from a thread of the coordinator's own.
TEST(MemoryCoordination, EmbeddedALeaseHoldsUntilItCloses) {
  parley::coordination::MemoryCoordinator coordinator({.generations_above = 41});
  auto one = std::make_unique<parley::coordination::MemoryCoordination>(coordinator, "one");
  Coordination& port = *one;
  Heard<ShardOwners> heard;
  port.shards().watch(heard.hear());
  const std::vector shards{ShardId(3)};
  const auto grants = port.shards().acquire(shards).value();
  ASSERT_EQ(grants.size(), 1u);
  EXPECT_EQ(grants[0].generation, Generation(42));
  EXPECT_TRUE(grants[0].lease->certainly_holds());
  BootClock clock;
  const auto end = clock.mono() + 30s;
  while ((heard.all().empty() || heard.last().at(3).process != "one") && clock.mono() < end)
    std::this_thread::yield();
  EXPECT_EQ(heard.last().at(3).process, "one");
  one.reset();
  EXPECT_FALSE(grants[0].lease->certainly_holds());
}

}  // namespace
}  // namespace parley::test
