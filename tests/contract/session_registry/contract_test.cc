#include <gtest/gtest.h>

#include "tests/contract/session_registry/adapters.h"
#include "tests/support/contract/failures.h"

namespace parley::test {
namespace {

struct Adapter {
  const char* name;
  std::unique_ptr<RegistryUnderTest> (*make)();
};
constexpr Adapter kAdapters[] = {
    {"Memory",
     []() -> std::unique_ptr<RegistryUnderTest> { return std::make_unique<MemoryUnderTest>(); }},
    {"Redis",
     []() -> std::unique_ptr<RegistryUnderTest> { return std::make_unique<RedisOfItsOwn>(); }},
};

class SessionRegistryContract
    : public testing::TestWithParam<std::tuple<Adapter, RegistryPromise>> {};

TEST_P(SessionRegistryContract, Holds) {
  const auto& [adapter, promise] = GetParam();
  promise.holds(*adapter.make());
}

INSTANTIATE_TEST_SUITE_P(Adapters, SessionRegistryContract,
                         testing::Combine(testing::ValuesIn(kAdapters),
                                          testing::ValuesIn(registry_promises().begin(),
                                                            registry_promises().end())),
                         [](const auto& row) {
                           return std::string(std::get<0>(row.param).name) + "_" +
                                  std::get<1>(row.param).name;
                         });

/// Keeps the rows of a gateway that is gone, as one that leaves them to a time-out.
class KeepsTheDead final : public RegistryUnderTest, public SessionRegistry {
 public:
  KeepsTheDead() { loops.start(); }
  ~KeepsTheDead() override { loops.stop(); }
  SessionRegistry& registry() override { return *this; }
  void wipe() override { inner_ = {}; }

  void update(GatewayId g, std::vector<Presence> changes, bool report, Changed changed) override {
    inner_.update(g, std::move(changes), report, std::move(changed));
  }
  void heartbeat(GatewayId g, Known known) override { inner_.heartbeat(g, std::move(known)); }
  void remove_gateway(GatewayId, bool, Changed changed) override { changed({}); }
  void find(std::span<const UserId> users, Found found) override {
    inner_.find(users, std::move(found));
  }

 private:
  session_registry::MemoryRegistry inner_;
};

TEST(SessionRegistryContractItself, FindsOneThatKeepsTheDead) {
  std::vector<std::string> broken;
  for (const auto& promise : registry_promises())
    if (promise.name != std::string("AGatewayThatComesBackBeginsWithoutRows")) {
      KeepsTheDead wrong;
      if (!failures_of([&] { promise.holds(wrong); }).empty()) broken.emplace_back(promise.name);
    }
  EXPECT_EQ(broken,
            (std::vector<std::string>{"ManyUsersAreOneCall", "ForgetsAGatewayWithAllItsUsers",
                                      "AHeartbeatSaysWhetherTheGatewayIsKnown"}));
}

}  // namespace
}  // namespace parley::test
