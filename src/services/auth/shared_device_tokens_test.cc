// Device tokens of several processes over one store.
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sodium.h>

#include "adapters/accounts/memory/accounts.h"
#include "services/auth/device_tokens.h"

namespace parley::auth {
namespace {

using std::chrono::hours;

class SharedDeviceTokens : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    tokens_ = open();
  }
  /// As one process has them.
  std::unique_ptr<DeviceTokens> open() {
    return DeviceTokens::open(stores_.accounts(), stores_.devices(), stores_.secrets(), clock_,
                              settings_)
        .value();
  }
  TokenPair issue() { return tokens_->issue(UserId(7), "phone", signed_out_).value(); }

  accounts::MemoryAccounts stores_;
  ManualClock clock_;
  TokenSettings settings_;
  std::unique_ptr<DeviceTokens> tokens_;
  SignedOut signed_out_;
};

TEST_F(SharedDeviceTokens, TwoProcessesOfOneNodeNeverShareAnId) {
  settings_.node = 7;
  settings_.devices_per_user = 1'000;
  const auto one = open(), two = open();
  std::set<DeviceId> made;
  std::map<DeviceTokens*, DeviceId> last;
  // Not in turns: each meets many ids of the other, one after the other.
  for (auto* tokens : {one.get(), two.get(), one.get(), two.get(), two.get()})
    for (int i = 0; i < 50; ++i) {
      const auto pair = tokens->issue(UserId(7), "phone", signed_out_);
      ASSERT_TRUE(pair) << pair.error().message;
      EXPECT_TRUE(made.insert(pair->device).second);
      EXPECT_GT(pair->device, std::exchange(last[tokens], pair->device));
    }
  EXPECT_EQ(stores_.devices().of(UserId(7)).value().size(), 250u);
}

TEST_F(SharedDeviceTokens, ProcessesMakeIdsOfNodesOfTheirOwn) {
  std::set<std::uint64_t> nodes;
  for (int i = 0; i < 50; ++i) nodes.insert(open()->next_id() >> 12 & 1'023);
  EXPECT_GT(nodes.size(), 10u);  // of 1,024
}

TEST_F(SharedDeviceTokens, AnIdThatIsAlwaysTakenIsToBeTriedAgain) {
  std::set<std::uint64_t> tried;
  const auto stored = tokens_->store_new([&](std::uint64_t id) -> Result<void> {
    EXPECT_TRUE(tried.insert(id).second);
    return fail(Code::conflict, "another has this id");
  });
  EXPECT_EQ(stored.error().code, Code::unavailable);
  EXPECT_GT(stored.error().retry_after_ms, 0u);
  EXPECT_GT(tried.size(), 1u);
}

TEST_F(SharedDeviceTokens, OtherErrorsOfANewIdAreNotTriedAgain) {
  int tries = 0;
  const auto stored = tokens_->store_new([&](std::uint64_t) -> Result<void> {
    ++tries;
    return fail(Code::already_exists, "the name is taken");
  });
  EXPECT_EQ(stored.error().code, Code::already_exists);
  EXPECT_EQ(tries, 1);
}

TEST_F(SharedDeviceTokens, WhatAnotherProcessSignedOutIsRefusedFromTheNextLook) {
  const auto other = open();
  const TokenPair phone = issue(), laptop = issue();
  EXPECT_TRUE(other->check(phone.access));
  ASSERT_TRUE(tokens_->sign_out(UserId(7), phone.device, signed_out_));

  SignedOut learned;
  ASSERT_TRUE(other->follow(learned));
  EXPECT_EQ(learned, (SignedOut{{phone.user, phone.device}}));
  EXPECT_EQ(other->check(phone.access).error().code, Code::unauthenticated);
  EXPECT_TRUE(other->check(laptop.access));
  const auto told = other->revocations().after(0);
  ASSERT_EQ(told.devices.size(), 1u);
  EXPECT_EQ(told.devices[0].user, phone.user);
  EXPECT_EQ(told.devices[0].device, phone.device);

  // Each is told once, by whom it was learned first.
  ASSERT_TRUE(other->follow(learned));
  EXPECT_EQ(learned.size(), 1u);
  ASSERT_TRUE(tokens_->follow(signed_out_));
  EXPECT_EQ(signed_out_.size(), 1u);
  EXPECT_EQ(other->revocations().after(told.version).devices.size(), 0u);
}

// Its clock is behind, and its write was slow: the row is older than what was read already.
TEST_F(SharedDeviceTokens, ARowThatComesLaterThanItsTimeIsSeen) {
  const auto follows = open();
  const TokenPair late = issue(), early = issue();
  const TimeMs now = clock_.wall();
  ASSERT_TRUE(tokens_->sign_out(UserId(7), early.device, signed_out_));
  SignedOut learned;
  ASSERT_TRUE(follows->follow(learned));
  clock_.set_wall(TimeMs(now.value - 29'000));
  ASSERT_TRUE(tokens_->sign_out(UserId(7), late.device, signed_out_));
  clock_.set_wall(now);
  ASSERT_TRUE(follows->follow(learned));
  EXPECT_EQ(learned, (SignedOut{{early.user, early.device}, {late.user, late.device}}));
}

TEST_F(SharedDeviceTokens, AClockFarAheadHidesNobody) {
  const auto follows = open();
  const TokenPair first = issue(), second = issue();
  clock_.advance(hours(1));
  ASSERT_TRUE(tokens_->sign_out(UserId(7), first.device, signed_out_));
  SignedOut learned;
  ASSERT_TRUE(follows->follow(learned));
  clock_.set_wall(TimeMs(clock_.wall().value - 3'600'000));
  ASSERT_TRUE(tokens_->sign_out(UserId(7), second.device, signed_out_));
  ASSERT_TRUE(follows->follow(learned));
  EXPECT_EQ(learned, (SignedOut{{first.user, first.device}, {second.user, second.device}}));

  // Nor where the next look is late. (No time passes by the other clock: no look far back.)
  const TokenPair third = issue();
  ASSERT_TRUE(tokens_->sign_out(UserId(7), third.device, signed_out_));
  clock_.set_wall(TimeMs(clock_.wall().value + 120'000));
  ASSERT_TRUE(follows->follow(learned));
  EXPECT_EQ(learned.size(), 3u);
  EXPECT_TRUE(follows->is_revoked(third.device));
}

// The clock of another process was ahead, that of this one never.
TEST_F(SharedDeviceTokens, ARowOfALaterTimeHidesNobody) {
  const auto follows = open();
  const TokenPair first = issue(), second = issue();
  const TimeMs now = clock_.wall();
  clock_.set_wall(TimeMs(now.value + 3'600'000));
  ASSERT_TRUE(tokens_->sign_out(UserId(7), first.device, signed_out_));
  clock_.set_wall(now);
  SignedOut learned;
  ASSERT_TRUE(follows->follow(learned));
  ASSERT_TRUE(tokens_->sign_out(UserId(7), second.device, signed_out_));
  clock_.set_wall(TimeMs(now.value + 120'000));
  ASSERT_TRUE(follows->follow(learned));
  EXPECT_EQ(learned, (SignedOut{{first.user, first.device}, {second.user, second.device}}));
}

TEST_F(SharedDeviceTokens, ARowThatComesMinutesLaterIsSeenWithinTenSeconds) {
  const auto follows = open();
  const TokenPair late = issue(), early = issue();
  const TimeMs now = clock_.wall();
  ASSERT_TRUE(tokens_->sign_out(UserId(7), early.device, signed_out_));
  SignedOut learned;
  ASSERT_TRUE(follows->follow(learned));
  clock_.set_wall(TimeMs(now.value - settings_.access_lifetime.count()));
  ASSERT_TRUE(tokens_->sign_out(UserId(7), late.device, signed_out_));
  clock_.set_wall(now);
  clock_.advance(std::chrono::seconds(10));
  ASSERT_TRUE(follows->follow(learned));
  EXPECT_EQ(learned, (SignedOut{{early.user, early.device}, {late.user, late.device}}));
}

TEST_F(SharedDeviceTokens, TheUserOfASignedOutDeviceIsKnownAfterARestart) {
  const TokenPair pair = issue();
  ASSERT_TRUE(tokens_->sign_out(UserId(7), pair.device, signed_out_));
  const auto told = open()->revocations().after(0).devices;
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].user, pair.user);
  EXPECT_EQ(told[0].device, pair.device);
}

// A version of one process says nothing to another, though they started in the same millisecond.
TEST_F(SharedDeviceTokens, WhoComesWithTheVersionOfAnotherProcessIsToldAll) {
  const auto other = open();
  const TokenPair phone = issue(), laptop = issue();
  for (const auto& pair : {phone, laptop})
    ASSERT_TRUE(tokens_->sign_out(UserId(7), pair.device, signed_out_));
  SignedOut learned;
  ASSERT_TRUE(other->follow(learned));
  const auto here = tokens_->revocations().after(0);
  EXPECT_TRUE(tokens_->revocations().after(here.version).devices.empty());
  EXPECT_EQ(other->revocations().after(here.version).devices.size(), 2u);
}

}  // namespace
}  // namespace parley::auth
