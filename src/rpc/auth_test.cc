// Sign-in and tokens over a connection; what a judge elsewhere learns, and when.
#include "rpc/auth.h"

#include <gtest/gtest.h>
#include <set>

#include "rpc/testing/processes.h"

namespace parley::rpc::testing {
namespace {

TokenPair pair_of(const std::string& access) {
  return {UserId(7), DeviceId(3), access, TimeMs(4), "refresh", TimeMs(5)};
}

class FakeAuth final : public AuthApi, public TokenSource {
 public:
  Awaitable<Result<TokenPair>> sign_up(SignUp r) override {
    co_return pair_of(r.name + r.password + r.display_name + r.device_name + r.invite +
                      r.remote_address);
  }
  Awaitable<Result<TokenPair>> sign_in(SignIn r) override {
    if (r.password == "wrong") co_return fail(Code::wrong_credentials, "no");
    co_return pair_of(r.name + r.password + r.device_name + r.remote_address);
  }
  Awaitable<Result<TokenPair>> refresh(std::string token) override { co_return pair_of(token); }
  Awaitable<Result<void>> sign_out(UserId user, DeviceId device) override {
    revoke(user, device);
    co_return Result<void>{};
  }
  Awaitable<Result<void>> sign_out_all(UserId) override { co_return fail(Code::busy, "all"); }
  Result<Principal> check(std::string_view) const override { return fail(Code::internal, ""); }
  bool is_revoked(DeviceId) const override { return false; }

  std::string verifying_key() const override { return std::string("key\0k", 5); }
  Awaitable<Result<Revocations>> revoked(std::uint64_t after,
                                         std::chrono::milliseconds patience) override {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    for (const auto until = std::chrono::steady_clock::now() + patience;;) {
      Revocations out;
      {
        const std::lock_guard lock(mutex_);
        if (cut_off_) {
          refused_.push_back(std::chrono::steady_clock::now());
          co_return fail(Code::unavailable, "cut off from the store");
        }
        const auto skipped = after <= log_.size() ? after : 0;
        out = {{log_.begin() + static_cast<std::ptrdiff_t>(skipped), log_.end()}, log_.size()};
      }
      if (!out.devices.empty() || stopping || std::chrono::steady_clock::now() >= until)
        co_return out;
      timer.expires_after(std::chrono::milliseconds(5));
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
  }
  void revoke(UserId user, DeviceId device) {
    const std::lock_guard lock(mutex_);
    log_.push_back({user, device, TimeMs(99)});
  }
  void cut_off(bool is) {
    const std::lock_guard lock(mutex_);
    cut_off_ = is;
  }
  /// When it was asked while it was cut off.
  std::vector<std::chrono::steady_clock::time_point> refused() {
    const std::lock_guard lock(mutex_);
    return refused_;
  }
  std::atomic<bool> stopping{false};

 private:
  std::mutex mutex_;
  std::vector<Revocation> log_;
  bool cut_off_ = false;
  std::vector<std::chrono::steady_clock::time_point> refused_;
};

class FakeJudge final : public TokenJudge {
 public:
  void learn(const std::string& verifying_key) override {
    const std::lock_guard lock(mutex_);
    key_ = verifying_key;
  }
  void learn(const std::vector<Revocation>& revoked) override {
    const std::lock_guard lock(mutex_);
    for (const auto& row : revoked) revoked_.insert(row.device);
  }
  Result<Principal> check(std::string_view token) const override {
    return Principal{UserId(token.size()), DeviceId(1), TimeMs(2)};
  }
  bool is_revoked(DeviceId device) const override {
    const std::lock_guard lock(mutex_);
    return revoked_.contains(device);
  }
  std::string key() const {
    const std::lock_guard lock(mutex_);
    return key_;
  }

 private:
  mutable std::mutex mutex_;
  std::string key_;
  std::set<DeviceId> revoked_;
};

class AuthCalls : public ::testing::Test {
 protected:
  AuthCalls() {
    serve(serving.router, fake, fake, "tickets");
    serving.start();
    asking.emplace(serving.address());
    auth.emplace(asking->loops, 0, asking->pool, judge,
                 [this](UserId user, DeviceId device) { signed_out.emplace_back(user, device); });
    asking->start_pool({serving.address()});
  }
  ~AuthCalls() override {
    fake.stopping = true;
    asking->stop();
    auth->stop();
    serving.stop();
  }
  std::vector<std::pair<UserId, DeviceId>> told() {
    return on_loop(asking->loops, 0, [this] { return signed_out; });
  }

  Serving serving;
  FakeAuth fake;
  FakeJudge judge;
  std::optional<Asking> asking;
  std::vector<std::pair<UserId, DeviceId>> signed_out;  // on loop 0
  std::optional<AuthClient> auth;
};

TEST_F(AuthCalls, SignUpSignInAndRefresh) {
  auto up = await(asking->loops, auth->sign_up({"a", "b", "c", "d", "e", "f"}));
  ASSERT_TRUE(up);
  EXPECT_EQ(up->access, "abcdef");
  EXPECT_EQ(up->user, UserId(7));
  EXPECT_EQ(up->device, DeviceId(3));
  EXPECT_EQ(up->access_expires, TimeMs(4));
  EXPECT_EQ(up->refresh, "refresh");
  EXPECT_EQ(up->refresh_expires, TimeMs(5));
  EXPECT_EQ(await(asking->loops, auth->sign_in({"a", "b", "c", "d"}))->access, "abcd");
  EXPECT_EQ(await(asking->loops, auth->sign_in({"a", "wrong", "c", "d"})).error().code,
            Code::wrong_credentials);
  EXPECT_EQ(await(asking->loops, auth->refresh("again"))->access, "again");
  EXPECT_EQ(await(asking->loops, auth->sign_out_all(UserId(7))).error().code, Code::busy);
}

TEST_F(AuthCalls, TheJudgeGetsTheKeyAndTheGatewayItsOwn) {
  EXPECT_EQ(*await(asking->loops, auth->connect([] { return false; })), "tickets");
  EXPECT_EQ(judge.key(), std::string("key\0k", 5));
  EXPECT_EQ(auth->check("abc")->user, UserId(3));
}

TEST_F(AuthCalls, ConnectingWaitsForAServiceThatIsNotThereUntilToldToGiveUp) {
  serving.stop();
  int looks = 0;
  EXPECT_FALSE(await(asking->loops, auth->connect([&looks] { return ++looks == 3; })));
  serving.start();
  EXPECT_TRUE(await(asking->loops, auth->connect([] { return false; })));
}

TEST_F(AuthCalls, ASignedOutDeviceIsRefusedEverywhereAndItsSocketsAreClosedOnce) {
  auth->start();
  ASSERT_TRUE(await(asking->loops, auth->sign_out(UserId(7), DeviceId(3))));
  ASSERT_TRUE(eventually([&] { return auth->is_revoked(DeviceId(3)); }));
  ASSERT_TRUE(eventually([&] { return told().size() == 1; }));
  EXPECT_EQ(told()[0], std::pair(UserId(7), DeviceId(3)));
}

TEST_F(AuthCalls, WhatWasSignedOutDuringABreakIsCaughtUpWith) {
  auth->start();
  fake.revoke(UserId(7), DeviceId(1));
  ASSERT_TRUE(eventually([&] { return auth->is_revoked(DeviceId(1)); }));
  serving.stop();
  fake.revoke(UserId(7), DeviceId(2));
  EXPECT_FALSE(auth->is_revoked(DeviceId(2)));
  serving.start();
  ASSERT_TRUE(eventually([&] { return auth->is_revoked(DeviceId(2)); }));
  ASSERT_TRUE(eventually([&] { return told().size() == 2; }));
}

TEST_F(AuthCalls, NewsComesFromAnotherWhereOneIsCutOffFromTheStore) {
  FakeAuth other;
  Serving second;
  serve(second.router, other, other, "tickets");
  second.start();
  auth->start();
  for (auto* each : {&fake, &other}) each->revoke(UserId(7), DeviceId(1));
  ASSERT_TRUE(eventually([&] { return auth->is_revoked(DeviceId(1)); }));
  asking->pool.set({serving.address(), second.address()});
  fake.cut_off(true);
  other.revoke(UserId(7), DeviceId(2));
  EXPECT_TRUE(eventually([&] { return auth->is_revoked(DeviceId(2)); }));
  EXPECT_FALSE(fake.refused().empty());
  other.stopping = true;
  second.stop();
}

TEST_F(AuthCalls, OneThatIsCutOffAndAloneIsAskedAgainAfterPauses) {
  auth->start();
  fake.cut_off(true);
  ASSERT_TRUE(eventually([&] { return fake.refused().size() >= 4; }));
  const auto refused = fake.refused();
  for (std::size_t i = 1; i < refused.size(); ++i)
    EXPECT_GE(refused[i] - refused[i - 1], std::chrono::milliseconds(200));
  fake.revoke(UserId(7), DeviceId(1));
  fake.cut_off(false);
  EXPECT_TRUE(eventually([&] { return auth->is_revoked(DeviceId(1)); }));
}

}  // namespace
}  // namespace parley::rpc::testing
