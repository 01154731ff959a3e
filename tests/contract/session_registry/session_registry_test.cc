// What every SessionRegistry promises (src/ports/session_registry.h).
#include <gtest/gtest.h>

#include "adapters/session_registry/memory/registry.h"

namespace parley {
namespace {

template <class T>
class SessionRegistryContract : public testing::Test {
 protected:
  std::vector<GatewayId> find(std::uint64_t user) {
    std::vector<GatewayId> out;
    registry.find(UserId(user), out);
    std::ranges::sort(out);
    return out;
  }
  T registry;
};
using Adapters = testing::Types<session_registry::MemoryRegistry>;
TYPED_TEST_SUITE(SessionRegistryContract, Adapters);

TYPED_TEST(SessionRegistryContract, FindsEveryGatewayOfAUser) {
  this->registry.add(UserId(7), GatewayId(1));
  this->registry.add(UserId(7), GatewayId(2));
  this->registry.add(UserId(8), GatewayId(2));
  EXPECT_EQ(this->find(7), (std::vector{GatewayId(1), GatewayId(2)}));
  EXPECT_EQ(this->find(9), std::vector<GatewayId>{});
}

TYPED_TEST(SessionRegistryContract, AddingTwiceChangesNothing) {
  this->registry.add(UserId(7), GatewayId(1));
  this->registry.add(UserId(7), GatewayId(1));
  this->registry.remove(UserId(7), GatewayId(1));
  EXPECT_EQ(this->find(7), std::vector<GatewayId>{});
  this->registry.remove(UserId(7), GatewayId(1));
}

TYPED_TEST(SessionRegistryContract, ForgetsAGatewayWithAllItsUsers) {
  this->registry.add(UserId(7), GatewayId(1));
  this->registry.add(UserId(7), GatewayId(2));
  this->registry.add(UserId(8), GatewayId(1));
  this->registry.add(UserId(9), GatewayId(2));
  auto gone = this->registry.remove_gateway(GatewayId(1));
  std::ranges::sort(gone);
  EXPECT_EQ(gone, (std::vector{UserId(7), UserId(8)}));
  EXPECT_EQ(this->registry.remove_gateway(GatewayId(1)), std::vector<UserId>{});
  EXPECT_EQ(this->find(9), std::vector{GatewayId(2)});
  EXPECT_EQ(this->find(7), std::vector{GatewayId(2)});
  EXPECT_EQ(this->find(8), std::vector<GatewayId>{});
}

TYPED_TEST(SessionRegistryContract, FindAppends) {
  this->registry.add(UserId(7), GatewayId(1));
  std::vector<GatewayId> out{GatewayId(9)};
  this->registry.find(UserId(7), out);
  EXPECT_EQ(out, (std::vector{GatewayId(9), GatewayId(1)}));
}

}  // namespace
}  // namespace parley
