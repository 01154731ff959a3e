#include "net/admission.h"

#include <gtest/gtest.h>

namespace parley::net {
namespace {

using Verdict = Admission::Verdict;

Admission::Address v4(std::uint8_t last) {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, last};
}
Admission::Address v6(std::uint8_t network, std::uint8_t host) {
  return {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, network, 0, 0, 0, 0, 0, 0, 0, host};
}

TEST(Admission, HoldsTheTotal) {
  Admission admission(2, 0);
  const auto first = admission.enter(v4(1));
  EXPECT_EQ(admission.enter(v4(1)).verdict, Verdict::admitted);
  EXPECT_EQ(admission.enter(v4(2)).verdict, Verdict::full);
  admission.leave(first.ticket);
  EXPECT_EQ(admission.enter(v4(2)).verdict, Verdict::admitted);
  EXPECT_EQ(admission.connections(), 2U);
}

TEST(Admission, HoldsEachAddress) {
  Admission admission(100, 2);
  const auto first = admission.enter(v4(1));
  const auto second = admission.enter(v4(1));
  EXPECT_EQ(admission.enter(v4(1)).verdict, Verdict::too_many_from_address);
  EXPECT_EQ(admission.enter(v4(2)).verdict, Verdict::admitted);
  admission.leave(first.ticket);
  admission.leave(second.ticket);
  const auto other = admission.enter(v4(3));  // takes the row that is free now
  EXPECT_EQ(admission.enter(v4(1)).verdict, Verdict::admitted);
  EXPECT_EQ(admission.enter(v4(1)).verdict, Verdict::admitted);
  EXPECT_EQ(admission.enter(v4(1)).verdict, Verdict::too_many_from_address);
  admission.leave(other.ticket);
  EXPECT_EQ(admission.connections(), 3U);
}

TEST(Admission, CountsIpv6ByItsNetwork) {
  Admission admission(100, 1);
  EXPECT_EQ(admission.enter(v6(1, 1)).verdict, Verdict::admitted);
  EXPECT_EQ(admission.enter(v6(1, 2)).verdict, Verdict::too_many_from_address);
  EXPECT_EQ(admission.enter(v6(2, 1)).verdict, Verdict::admitted);
}

}  // namespace
}  // namespace parley::net
