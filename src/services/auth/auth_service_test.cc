#include "services/auth/auth_service.h"

#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>
#include <latch>
#include <sodium.h>

#include "adapters/accounts/memory/accounts.h"
#include "adapters/failure_limits/memory/limits.h"
#include "base/loops.h"

namespace parley::auth {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const PasswordCost kCheap{1, 8 * 1024};

class AuthServiceTest : public testing::Test {
 protected:
  AuthServiceTest() : loops_(2, 4) {
    settings_.sign_up = SignUpPolicy::open;
    settings_.password_cost = kCheap;
    settings_.on_signed_out = [this](UserId user, DeviceId device) {
      closed_on_ = loops_.current();
      closed_.emplace_back(user, device);
    };
  }
  void SetUp() override {
    loops_.start();
    reopen();
  }
  void TearDown() override { loops_.stop(); }
  void reopen() {
    auth_.reset();
    failures_ = std::make_unique<failure_limits::MemoryFailureLimits>(clock_, 1'000);
    auth_ = open(settings_);
  }
  /// As another process has it.
  std::unique_ptr<AuthService> open(AuthSettings settings) {
    return AuthService::open(stores_.accounts(), stores_.devices(), stores_.secrets(), *failures_,
                             clock_, loops_.pool(), std::move(settings))
        .value();
  }
  template <class T>
  std::future<T> start(Awaitable<T> work, std::size_t loop = 0) {
    return boost::asio::co_spawn(loops_.at(loop), std::move(work), boost::asio::use_future);
  }
  template <class T>
  T run(Awaitable<T> work) {
    return start(std::move(work)).get();
  }
  static SignUp ann() {
    return {.name = "Ann",
            .password = "correct horse",
            .display_name = "",
            .device_name = "phone",
            .invite = "",
            .remote_address = "192.0.2.1"};
  }
  static SignIn sign_in_of(std::string name, std::string password,
                           std::string address = "192.0.2.1") {
    return {std::move(name), std::move(password), "laptop", std::move(address)};
  }
  Code code_of(Awaitable<Result<TokenPair>> work) {
    auto result = run(std::move(work));
    return result ? Code::internal : result.error().code;
  }

  accounts::MemoryAccounts stores_;
  ManualClock clock_;
  std::unique_ptr<FailureLimits> failures_;
  AuthSettings settings_;
  Loops loops_;
  std::vector<std::pair<UserId, DeviceId>> closed_;
  std::size_t closed_on_ = 99;
  std::unique_ptr<AuthService> auth_;
};

TEST_F(AuthServiceTest, SignsUpAndIn) {
  const auto up = run(auth_->sign_up(ann()));
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_EQ(auth_->check(up->access)->user, up->user);
  const auto account = stores_.accounts().by_id(up->user).value().value();
  EXPECT_EQ(account.name, "ann");
  EXPECT_EQ(account.display_name, "Ann");
  EXPECT_EQ(account.created, clock_.wall());
  EXPECT_EQ(stores_.devices().by_id(up->device).value().value().name, "phone");

  const auto in = run(auth_->sign_in(sign_in_of("aNN", "correct horse")));
  ASSERT_TRUE(in) << in.error().message;
  EXPECT_EQ(in->user, up->user);
  EXPECT_NE(in->device, up->device);
  EXPECT_EQ(stores_.devices().of(up->user).value().size(), 2u);
}

TEST_F(AuthServiceTest, SignsUpWhoseIdAnotherProcessTook) {
  settings_.tokens.node = 7;
  reopen();
  const auto other = open(settings_);
  const auto up = run(auth_->sign_up(ann()));
  SignUp bob = ann();
  bob.name = "bob";
  const auto second = run(other->sign_up(bob));
  ASSERT_TRUE(up);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_NE(up->user, second->user);
  EXPECT_NE(up->device, second->device);
  EXPECT_EQ(stores_.accounts().by_id(second->user).value()->name, "bob");
}

TEST_F(AuthServiceTest, WhatAnotherProcessSignedOutIsTold) {
  std::promise<std::pair<UserId, DeviceId>> told;
  AuthSettings following = settings_;
  following.follow_every = std::chrono::milliseconds(1);
  following.on_signed_out = [&](UserId user, DeviceId device) { told.set_value({user, device}); };
  const auto other = open(following);
  other->start();
  const auto up = run(auth_->sign_up(ann()));
  EXPECT_TRUE(other->check(up->access));
  ASSERT_TRUE(run(auth_->sign_out(up->user, up->device)));
  auto heard = told.get_future();
  ASSERT_EQ(heard.wait_for(seconds(10)), std::future_status::ready);
  EXPECT_EQ(heard.get(), std::pair(up->user, up->device));
  EXPECT_TRUE(other->is_revoked(up->device));
  EXPECT_EQ(other->check(up->access).error().code, Code::unauthenticated);
  const auto news = run(other->revoked(0, std::chrono::milliseconds(0))).value();
  ASSERT_EQ(news.devices.size(), 1u);
  EXPECT_EQ(news.devices[0].user, up->user);
  EXPECT_EQ(closed_.size(), 1u);  // and here, as ever
  other->stop();
}

TEST_F(AuthServiceTest, KeepsAnArgon2idHashOnly) {
  settings_.password_cost = {};
  reopen();
  const auto up = run(auth_->sign_up(ann()));
  ASSERT_TRUE(up);
  EXPECT_TRUE(stores_.accounts().password_hash(up->user).value().starts_with(
      "$argon2id$v=19$m=19456,t=2,p=1$"));
}

TEST_F(AuthServiceTest, RefusesBadFieldsByName) {
  const auto field_of = [&](auto change) {
    SignUp request = ann();
    change(request);
    const auto result = run(auth_->sign_up(request));
    return result ? "none" : result.error().field;
  };
  EXPECT_EQ(field_of([](SignUp& r) { r.name = "a b"; }), "name");
  EXPECT_EQ(field_of([](SignUp& r) { r.password = std::string(7, 'x'); }), "password");
  EXPECT_EQ(field_of([](SignUp& r) { r.password = std::string(129, 'x'); }), "password");
  EXPECT_EQ(field_of([](SignUp& r) { r.display_name = std::string(65, 'x'); }), "display_name");
  EXPECT_EQ(field_of([](SignUp& r) { r.display_name = "\xff"; }), "display_name");
  EXPECT_EQ(field_of([](SignUp& r) { r.device_name = "a\nb"; }), "device_name");
  EXPECT_EQ(field_of([](SignUp& r) { r.password = std::string(128, 'x'); }), "none");
}

TEST_F(AuthServiceTest, ATakenNameIsSaidToBe) {
  ASSERT_TRUE(run(auth_->sign_up(ann())));
  SignUp again = ann();
  again.name = "ANN";
  EXPECT_EQ(code_of(auth_->sign_up(again)), Code::already_exists);
}

TEST_F(AuthServiceTest, OfManySignUpsAtOnceOneGetsTheName) {
  std::vector<std::future<Result<TokenPair>>> all;
  for (std::size_t i = 0; i < 16; ++i) all.push_back(start(auth_->sign_up(ann()), i % 2));
  int made = 0, refused = 0;
  for (auto& one : all) {
    auto result = one.get();
    if (result)
      ++made;
    else if (result.error().code == Code::already_exists)
      ++refused;
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 15);
}

TEST_F(AuthServiceTest, RefusesAWrongPasswordAndAnUnknownNameAlike) {
  ASSERT_TRUE(run(auth_->sign_up(ann())));
  const auto attempt = [&](const char* name, std::string password) {
    const auto before = auth_->hashes();
    const auto result = run(auth_->sign_in(sign_in_of(name, std::move(password))));
    // One hash each: an unknown name takes as long as a wrong password.
    EXPECT_EQ(auth_->hashes(), before + 1) << name;
    return result ? "signed in" : result.error().message;
  };
  const std::string wrong = attempt("ann", "wrong horse");
  EXPECT_EQ(wrong, "the user name or the password is wrong");
  EXPECT_EQ(attempt("bob", "wrong horse"), wrong);
  EXPECT_EQ(attempt("no such name!", "wrong horse"), wrong);
  EXPECT_EQ(attempt("ann", std::string(100'000, 'x')), wrong);
  EXPECT_EQ(attempt("ann", ""), wrong);
}

TEST_F(AuthServiceTest, LimitsFailuresByName) {
  settings_.failures_by_name = {3, minutes(1)};
  reopen();
  ASSERT_TRUE(run(auth_->sign_up(ann())));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(code_of(auth_->sign_in(sign_in_of("Ann", "wrong", fmt::format("192.0.2.{}", i)))),
              Code::wrong_credentials);
  const auto limited = run(auth_->sign_in(sign_in_of("ann", "correct horse", "192.0.2.9")));
  ASSERT_FALSE(limited);
  EXPECT_EQ(limited.error().code, Code::rate_limited);
  EXPECT_GT(limited.error().retry_after_ms, 0u);
  clock_.advance(minutes(1));
  EXPECT_TRUE(run(auth_->sign_in(sign_in_of("ann", "correct horse"))));
}

TEST_F(AuthServiceTest, LimitsFailuresByAddress) {
  settings_.failures_by_address = {3, minutes(1)};
  reopen();
  ASSERT_TRUE(run(auth_->sign_up(ann())));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(code_of(auth_->sign_in(sign_in_of(fmt::format("user{}", i), "wrong"))),
              Code::wrong_credentials);
  EXPECT_EQ(code_of(auth_->sign_in(sign_in_of("ann", "correct horse"))), Code::rate_limited);
  EXPECT_TRUE(run(auth_->sign_in(sign_in_of("ann", "correct horse", "192.0.2.2"))));
}

TEST_F(AuthServiceTest, ManyAttemptsAtOnceDoNotPassTheLimitTogether) {
  settings_.failures_by_name = {3, minutes(1)};
  reopen();
  std::vector<std::future<Result<TokenPair>>> all;
  for (std::size_t i = 0; i < 20; ++i)
    all.push_back(start(auth_->sign_in(sign_in_of("ann", "wrong")), i % 2));
  int wrong = 0, limited = 0;
  for (auto& one : all) {
    const auto code = one.get().error().code;
    wrong += code == Code::wrong_credentials;
    limited += code == Code::rate_limited;
  }
  EXPECT_EQ(wrong, 3);
  EXPECT_EQ(limited, 17);
}

TEST_F(AuthServiceTest, SuccessesAreNotLimited) {
  settings_.failures_by_name = settings_.failures_by_address = {2, minutes(1)};
  settings_.limits.devices_per_user = 4;
  reopen();
  ASSERT_TRUE(run(auth_->sign_up(ann())));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(run(auth_->sign_in(sign_in_of("ann", "correct horse"))));
    clock_.advance(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(
      stores_.devices()
          .of(auth_->check(run(auth_->sign_in(sign_in_of("ann", "correct horse")))->access)->user)
          .value()
          .size(),
      4u);
}

TEST_F(AuthServiceTest, AFullQueueOfPasswordChecksIsBusy) {
  ASSERT_TRUE(run(auth_->sign_up(ann())));
  settings_.hashing_threads = settings_.hashing_queue = 0;
  settings_.failures_by_name = {1, minutes(1)};
  reopen();
  for (int i = 0; i < 5; ++i) {  // and it counts as no failure
    const auto refused = run(auth_->sign_in(sign_in_of("ann", "correct horse")));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::busy);
    EXPECT_GT(refused.error().retry_after_ms, 0u);
  }
  SignUp bob = ann();
  bob.name = "bob";
  EXPECT_EQ(code_of(auth_->sign_up(bob)), Code::busy);
}

TEST(PasswordHasher, TakesNoMoreThanItsLimit) {
  ASSERT_GE(sodium_init(), 0);
  Loops loops(1, 1);
  loops.start();
  boost::asio::thread_pool pool(1);
  PasswordHasher hasher(kCheap, pool, 3);
  std::latch blocked(1);
  boost::asio::post(pool, [&] { blocked.wait(); });
  std::vector<std::future<Result<std::string>>> all;
  for (int i = 0; i < 5; ++i)
    all.push_back(
        boost::asio::co_spawn(loops.at(0), hasher.hash("password"), boost::asio::use_future));
  for (int i = 3; i < 5; ++i)
    EXPECT_EQ(all[static_cast<std::size_t>(i)].get().error().code, Code::busy);
  blocked.count_down();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(all[i].get());
  EXPECT_TRUE(
      boost::asio::co_spawn(loops.at(0), hasher.hash("password"), boost::asio::use_future).get());
  loops.stop();
  pool.join();
}

TEST_F(AuthServiceTest, ClosedTakesNobody) {
  settings_.sign_up = SignUpPolicy::closed;
  settings_.invites = {"welcome"};
  reopen();
  SignUp invited = ann();
  invited.invite = "welcome";
  EXPECT_EQ(code_of(auth_->sign_up(invited)), Code::sign_up_closed);
}

TEST_F(AuthServiceTest, InviteTakesThoseWithACode) {
  settings_.sign_up = SignUpPolicy::invite;
  settings_.invites = {"welcome", "friends"};
  settings_.failures_by_address = {3, minutes(1)};
  reopen();
  SignUp invited = ann();
  EXPECT_EQ(code_of(auth_->sign_up(invited)), Code::sign_up_closed);
  invited.invite = "friends";
  EXPECT_TRUE(run(auth_->sign_up(invited)));
  invited.name = "bob";
  EXPECT_TRUE(run(auth_->sign_up(invited)));
  // Codes cannot be tried through.
  invited.invite = "welcom";
  EXPECT_EQ(code_of(auth_->sign_up(invited)), Code::sign_up_closed);
  EXPECT_EQ(code_of(auth_->sign_up(invited)), Code::sign_up_closed);
  EXPECT_EQ(code_of(auth_->sign_up(invited)), Code::rate_limited);
}

TEST_F(AuthServiceTest, WithoutCodesInviteTakesNobody) {
  settings_.sign_up = SignUpPolicy::invite;
  reopen();
  EXPECT_EQ(code_of(auth_->sign_up(ann())), Code::sign_up_closed);
}

TEST_F(AuthServiceTest, RefreshesAndSignsOutAThief) {
  const auto up = run(auth_->sign_up(ann()));
  const auto second = run(auth_->refresh(up->refresh));
  ASSERT_TRUE(second);
  const auto third = run(auth_->refresh(second->refresh));
  ASSERT_TRUE(third);
  EXPECT_TRUE(closed_.empty());
  EXPECT_EQ(code_of(auth_->refresh(up->refresh)), Code::unauthenticated);
  EXPECT_EQ(closed_, (std::vector{std::pair(up->user, up->device)}));
  EXPECT_TRUE(auth_->is_revoked(up->device));
  EXPECT_EQ(auth_->check(third->access).error().code, Code::unauthenticated);
}

TEST_F(AuthServiceTest, SigningOutIsToldOnTheCallersLoop) {
  const auto up = run(auth_->sign_up(ann()));
  const auto in = run(auth_->sign_in(sign_in_of("ann", "correct horse")));
  ASSERT_TRUE(start(auth_->sign_out(up->user, up->device), 1).get());
  EXPECT_EQ(closed_, (std::vector{std::pair(up->user, up->device)}));
  EXPECT_EQ(closed_on_, 1u);
  EXPECT_FALSE(auth_->check(up->access));
  EXPECT_TRUE(auth_->check(in->access));
  ASSERT_TRUE(run(auth_->sign_out_all(up->user)));
  EXPECT_EQ(closed_.size(), 2u);
  EXPECT_FALSE(auth_->check(in->access));
  EXPECT_EQ(code_of(auth_->refresh(in->refresh)), Code::unauthenticated);
}

TEST_F(AuthServiceTest, ChecksTokensOnManyThreadsWhileDevicesAreSignedOut) {
  settings_.limits.devices_per_user = 100;
  reopen();
  const auto up = run(auth_->sign_up(ann()));
  std::atomic<bool> stop{false};
  std::atomic<int> refused{0};
  std::vector<std::thread> checkers;
  for (int t = 0; t < 3; ++t)
    checkers.emplace_back([&] {
      while (!stop)
        if (!auth_->check(up->access)) ++refused;
    });
  for (int i = 0; i < 50; ++i) {
    const auto in = run(auth_->sign_in(sign_in_of("ann", "correct horse")));
    ASSERT_TRUE(in);
    ASSERT_TRUE(run(auth_->sign_out(in->user, in->device)));
    EXPECT_FALSE(auth_->check(in->access));
  }
  stop = true;
  for (auto& thread : checkers) thread.join();
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace parley::auth
