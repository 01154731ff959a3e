#include "services/auth/device_tokens.h"

#include <gtest/gtest.h>
#include <set>
#include <sodium.h>
#include <thread>

#include "adapters/accounts/memory/accounts.h"

namespace parley::auth {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class DeviceTokensTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    reopen();
  }
  void reopen() {
    tokens_.reset();
    auto opened = DeviceTokens::open(stores_.accounts(), stores_.devices(), stores_.secrets(),
                                     clock_, settings_);
    ASSERT_TRUE(opened) << opened.error().message;
    tokens_ = std::move(*opened);
  }
  TokenPair issue(std::uint64_t user = 7) {
    return tokens_->issue(UserId(user), "phone", signed_out_).value();
  }
  Result<TokenPair> refresh(const std::string& token) {
    return tokens_->refresh(token, signed_out_);
  }
  void expect_signed_out(const TokenPair& pair) {
    EXPECT_TRUE(tokens_->is_revoked(pair.device));
    EXPECT_EQ(signed_out_, (SignedOut{{pair.user, pair.device}}));
    EXPECT_EQ(stores_.devices().by_id(pair.device).value(), std::nullopt);
    EXPECT_EQ(tokens_->check(pair.access).error().code, Code::unauthenticated);
  }
  void expect_signed_in(DeviceId device) {
    EXPECT_FALSE(tokens_->is_revoked(device));
    EXPECT_TRUE(signed_out_.empty());
    EXPECT_NE(stores_.devices().by_id(device).value(), std::nullopt);
  }

  accounts::MemoryAccounts stores_;
  ManualClock clock_;
  TokenSettings settings_;
  std::unique_ptr<DeviceTokens> tokens_;
  SignedOut signed_out_;
};

TEST_F(DeviceTokensTest, IssuesTokensThatAreGood) {
  const TokenPair pair = issue();
  EXPECT_EQ(pair.user, UserId(7));
  const auto principal = tokens_->check(pair.access);
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->user, pair.user);
  EXPECT_EQ(principal->device, pair.device);
  EXPECT_EQ(principal->expires, pair.access_expires);
  EXPECT_EQ(pair.access_expires.value - clock_.wall().value, 15 * 60 * 1000);
  EXPECT_EQ(pair.refresh_expires.value - clock_.wall().value, 90LL * 24 * 3600 * 1000);
}

TEST_F(DeviceTokensTest, StoresNoRefreshToken) {
  const TokenPair pair = issue();
  const auto stored = stores_.devices().by_id(pair.device).value().value();
  EXPECT_EQ(stored.refresh_hash.size(), 43u);  // SHA-256
  EXPECT_EQ(stored.refresh_hash.find(pair.refresh), std::string::npos);
  EXPECT_NE(stored.refresh_hash, pair.refresh);
}

TEST_F(DeviceTokensTest, AnAccessTokenExpires) {
  const TokenPair pair = issue();
  clock_.advance(minutes(15) - seconds(1));
  EXPECT_TRUE(tokens_->check(pair.access));
  clock_.advance(seconds(1));
  EXPECT_EQ(tokens_->check(pair.access).error().code, Code::token_expired);
}

TEST_F(DeviceTokensTest, RefreshingRotates) {
  const TokenPair first = issue();
  clock_.advance(minutes(10));
  const auto second = refresh(first.refresh);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->device, first.device);
  EXPECT_EQ(second->user, first.user);
  EXPECT_NE(second->refresh, first.refresh);
  EXPECT_GT(second->access_expires, first.access_expires);
  EXPECT_GT(second->refresh_expires, first.refresh_expires);
  EXPECT_TRUE(tokens_->check(second->access));
  EXPECT_EQ(stores_.devices().by_id(first.device).value()->last_used, clock_.wall());
  clock_.advance(minutes(10));
  EXPECT_TRUE(refresh(second->refresh));
  expect_signed_in(first.device);
}

TEST_F(DeviceTokensTest, ALostAnswerIsGivenAgain) {
  const TokenPair first = issue();
  const auto lost = refresh(first.refresh);
  ASSERT_TRUE(lost);
  clock_.advance(seconds(59));
  const auto again = refresh(first.refresh);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->refresh, lost->refresh);
  EXPECT_EQ(again->refresh_expires, lost->refresh_expires);
  EXPECT_TRUE(tokens_->check(again->access));
  EXPECT_TRUE(refresh(lost->refresh));
  expect_signed_in(first.device);
}

TEST_F(DeviceTokensTest, ADeviceThatLostTheAnswerComesBackMuchLater) {
  const TokenPair first = issue();
  ASSERT_TRUE(refresh(first.refresh));  // and the answer never came
  clock_.advance(hours(72));
  const auto later = refresh(first.refresh);
  ASSERT_TRUE(later) << later.error().message;
  clock_.advance(hours(1));
  EXPECT_TRUE(refresh(later->refresh));
  expect_signed_in(first.device);
}

TEST_F(DeviceTokensTest, ThatAnswerMayBeLostToo) {
  const TokenPair first = issue();
  ASSERT_TRUE(refresh(first.refresh));
  clock_.advance(hours(1));
  ASSERT_TRUE(refresh(first.refresh));
  clock_.advance(seconds(5));
  const auto third = refresh(first.refresh);
  ASSERT_TRUE(third);
  EXPECT_TRUE(refresh(third->refresh));
  expect_signed_in(first.device);
}

// A thief copied the first token and used it; the device comes with it later; then both hold
// successors, of which one must have been taken.
TEST_F(DeviceTokensTest, ACopiedTokenSignsTheDeviceOut) {
  const TokenPair device = issue();
  const auto thief = refresh(device.refresh);
  ASSERT_TRUE(thief);
  clock_.advance(minutes(15));
  const auto owner = refresh(device.refresh);
  ASSERT_TRUE(owner);
  EXPECT_NE(owner->refresh, thief->refresh);
  EXPECT_EQ(refresh(thief->refresh).error().code, Code::unauthenticated);
  expect_signed_out(*owner);
  EXPECT_FALSE(refresh(owner->refresh));
}

// The device went on; the copy is older than what it was given for.
TEST_F(DeviceTokensTest, AnOldTokenSignsTheDeviceOut) {
  const TokenPair first = issue();
  const auto second = refresh(first.refresh);
  const auto third = refresh(second->refresh);
  ASSERT_TRUE(third);
  EXPECT_EQ(refresh(first.refresh).error().code, Code::unauthenticated);
  expect_signed_out(*third);
}

TEST_F(DeviceTokensTest, AnInventedTokenSignsNobodyOut) {
  const TokenPair pair = issue();
  const RefreshTokens other(std::string(32, 'x'));
  for (const std::string& token :
       {std::string(), std::string("x"), std::string(10'000, 'A'), pair.refresh + "A",
        pair.refresh.substr(1), other.fresh(pair.device).text, pair.access}) {
    EXPECT_EQ(refresh(token).error().code, Code::unauthenticated);
  }
  for (std::size_t i = 0; i < pair.refresh.size(); ++i) {
    std::string changed = pair.refresh;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(refresh(changed).error().code, Code::unauthenticated);
  }
  expect_signed_in(pair.device);
  EXPECT_TRUE(refresh(pair.refresh));
}

TEST_F(DeviceTokensTest, ARefreshTokenExpires) {
  const TokenPair pair = issue();
  clock_.advance(hours(24 * 90));
  EXPECT_EQ(refresh(pair.refresh).error().code, Code::unauthenticated);
}

TEST_F(DeviceTokensTest, ManyRefreshesAtOnceGetOneAnswer) {
  const TokenPair pair = issue();
  std::vector<std::string> answers(8);
  std::vector<std::thread> threads;
  for (auto& answer : answers)
    threads.emplace_back([&] {
      SignedOut out;
      auto result = tokens_->refresh(pair.refresh, out);
      answer = result ? result->refresh : result.error().message;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(answers.begin(), answers.end()).size(), 1u) << answers[0];
  EXPECT_TRUE(refresh(answers[0]));
  expect_signed_in(pair.device);
}

TEST_F(DeviceTokensTest, SigningOutRefusesTheTokens) {
  const TokenPair pair = issue(), other = issue();
  ASSERT_TRUE(tokens_->sign_out(UserId(7), pair.device, signed_out_));
  expect_signed_out(pair);
  EXPECT_FALSE(refresh(pair.refresh));
  EXPECT_TRUE(tokens_->check(other.access));
  // Again: nothing to do.
  EXPECT_TRUE(tokens_->sign_out(UserId(7), pair.device, signed_out_));
  EXPECT_EQ(signed_out_.size(), 1u);
}

TEST_F(DeviceTokensTest, NobodySignsOutTheDeviceOfAnother) {
  const TokenPair pair = issue(7);
  EXPECT_EQ(tokens_->sign_out(UserId(8), pair.device, signed_out_).error().code, Code::not_found);
  expect_signed_in(pair.device);
}

TEST_F(DeviceTokensTest, SigningAllOutLeavesOtherUsers) {
  const TokenPair a = issue(7), b = issue(7), other = issue(8);
  ASSERT_TRUE(tokens_->sign_out_all(UserId(7), signed_out_));
  EXPECT_EQ(signed_out_.size(), 2u);
  EXPECT_FALSE(tokens_->check(a.access));
  EXPECT_FALSE(tokens_->check(b.access));
  EXPECT_TRUE(tokens_->check(other.access));
}

TEST_F(DeviceTokensTest, ASignedOutDeviceIsRefusedAfterARestart) {
  const TokenPair pair = issue(), other = issue();
  ASSERT_TRUE(tokens_->sign_out(UserId(7), pair.device, signed_out_));
  reopen();
  EXPECT_EQ(tokens_->check(pair.access).error().code, Code::unauthenticated);
  EXPECT_TRUE(tokens_->check(other.access));
  EXPECT_TRUE(refresh(other.refresh));
}

TEST_F(DeviceTokensTest, ASignedOutDeviceIsRefusedWhenTheClockIsSetBack) {
  const TokenPair pair = issue();
  const TimeMs then = clock_.wall();
  ASSERT_TRUE(tokens_->sign_out(UserId(7), pair.device, signed_out_));
  clock_.advance(hours(2));
  reopen();  // its tokens have ended by now
  clock_.set_wall(then);
  EXPECT_EQ(tokens_->check(pair.access).error().code, Code::unauthenticated);
}

TEST_F(DeviceTokensTest, IdsRiseWhenTheClockIsSetBack) {
  const TokenPair before = issue();
  ASSERT_TRUE(tokens_->sign_out(UserId(7), before.device, signed_out_));
  clock_.set_wall(TimeMs(clock_.wall().value - 3'600'000));
  EXPECT_GT(issue().device, before.device);
  const TokenPair last = issue();
  reopen();
  EXPECT_GT(issue().device, last.device);
  ASSERT_TRUE(stores_.accounts().create({UserId(1ULL << 60), "ann", "Ann", "", TimeMs(1)}, "hash"));
  reopen();
  EXPECT_GT(tokens_->next_id(), 1ULL << 60);
}

TEST_F(DeviceTokensTest, TheLeastUsedDeviceMakesRoom) {
  settings_.devices_per_user = 3;
  reopen();
  std::vector<TokenPair> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(issue());
    clock_.advance(minutes(5));
  }
  ASSERT_TRUE(refresh(held[0].refresh));
  clock_.advance(minutes(5));
  EXPECT_TRUE(signed_out_.empty());
  const TokenPair fourth = issue();
  expect_signed_out(held[1]);
  EXPECT_EQ(stores_.devices().of(UserId(7)).value().size(), 3u);
  EXPECT_TRUE(tokens_->check(fourth.access));
}

TEST_F(DeviceTokensTest, ExpiredDevicesMakeRoomFirst) {
  settings_.devices_per_user = 2;
  reopen();
  const TokenPair old = issue();
  clock_.advance(hours(24 * 91));
  const TokenPair second = issue();
  expect_signed_out(old);
  issue();
  EXPECT_EQ(signed_out_.size(), 1u);
  EXPECT_FALSE(tokens_->is_revoked(second.device));
}

TEST(RevokedDevices, ForgetsThoseWhoseTokensHaveEnded) {
  RevokedDevices revoked;
  for (std::uint64_t i = 1; i <= 10'000; ++i)
    revoked.add(DeviceId(i), TimeMs(static_cast<std::int64_t>(i)),
                TimeMs(static_cast<std::int64_t>(i) - 10));
  EXPECT_TRUE(revoked.contains(DeviceId(10'000)));
  EXPECT_FALSE(revoked.contains(DeviceId(10'001)));
  EXPECT_LE(revoked.size(), 16u * 64u);
}

}  // namespace
}  // namespace parley::auth
