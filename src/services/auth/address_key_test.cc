#include "services/auth/address_key.h"

#include <gtest/gtest.h>

namespace parley::auth {
namespace {

TEST(AddressKey, IsTheNetworkOfAnIpv6Address) {
  EXPECT_EQ(address_key("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(address_key("2001:db8:1:2:3:4:5:6"), address_key("2001:db8:1:2::9"));
  EXPECT_NE(address_key("2001:db8:1:2::9"), address_key("2001:db8:1:3::9"));
  EXPECT_EQ(address_key("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(address_key("nonsense"), "nonsense");
  EXPECT_EQ(address_key(std::string(1'000, 'x')).size(), 64u);
}

}  // namespace
}  // namespace parley::auth
