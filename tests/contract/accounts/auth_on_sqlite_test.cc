// Auth on its durable adapter: what must hold after a restart, and seeding at its real size.
#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include "adapters/accounts/sql/accounts.h"
#include "adapters/failure_limits/memory/limits.h"
#include "adapters/shared/sqlite/database.h"
#include "base/loops.h"
#include "services/auth/auth_service.h"
#include "services/auth/seed.h"
#include "tests/support/contract/over.h"
#include "tests/support/contract/temp_folder.h"

namespace parley::test {
namespace {

using parley::accounts::SqlAccounts;

const auth::PasswordCost kCheap{1, 8 * 1024};

class AuthOnSqlite : public testing::Test {
 protected:
  AuthOnSqlite() : loops_(1, 2) {}
  void SetUp() override {
    loops_.start();
    start();
  }
  void TearDown() override { loops_.stop(); }
  void start() {
    auth_.reset();
    stores_.reset();
    stores_ = over<SqlAccounts>(sqlite::Database::open({.folder = folder_.path() / "accounts"},
                                                       parley::accounts::schema()))
                  .value();
    auth::AuthSettings settings;
    settings.sign_up = auth::SignUpPolicy::open;
    settings.password_cost = kCheap;
    auth_ = auth::AuthService::open(stores_->accounts(), stores_->devices(), stores_->secrets(),
                                    failures_, clock_, loops_.pool(), settings)
                .value();
  }
  template <class T>
  T run(Awaitable<T> work) {
    return boost::asio::co_spawn(loops_.at(0), std::move(work), boost::asio::use_future).get();
  }

  TempFolder folder_;
  ManualClock clock_;
  failure_limits::MemoryFailureLimits failures_{clock_, 1'000};
  Loops loops_;
  std::unique_ptr<SqlAccounts> stores_;
  std::unique_ptr<auth::AuthService> auth_;
};

TEST_F(AuthOnSqlite, TokensAndRevocationsOutliveTheServer) {
  const SignUp request{"ann", "correct horse", "Ann", "phone", "", "127.0.0.1"};
  const SignIn again{"ann", "correct horse", "laptop", "127.0.0.1"};
  const auto phone = run(auth_->sign_up(request)).value();
  const auto laptop = run(auth_->sign_in(again)).value();
  ASSERT_TRUE(run(auth_->sign_out(phone.user, phone.device)));
  start();
  EXPECT_TRUE(auth_->is_revoked(phone.device));
  EXPECT_EQ(auth_->check(phone.access).error().code, Code::unauthenticated);
  EXPECT_EQ(run(auth_->refresh(phone.refresh)).error().code, Code::unauthenticated);
  EXPECT_EQ(auth_->check(laptop.access)->device, laptop.device);
  EXPECT_TRUE(run(auth_->refresh(laptop.refresh)));
  EXPECT_TRUE(run(auth_->sign_in(again)));
}

TEST_F(AuthOnSqlite, SeedsPeopleByTheThousand) {
  auth_.reset();
  const auto add = [&](auto people, auto hash, auto devices) {
    return stores_->add(people, hash, devices);
  };
  auth::SeedSettings settings;
  settings.users = 20'000;
  settings.password_cost = kCheap;
  const auto seeded = auth::seed(stores_->accounts(), stores_->devices(), stores_->secrets(),
                                 clock_, add, settings);
  ASSERT_TRUE(seeded) << seeded.error().message;
  ASSERT_EQ(seeded->users.size(), 20'000u);
  start();
  for (const std::size_t i : {0u, 999u, 1'000u, 19'999u}) {
    const auto& one = seeded->users[i];
    EXPECT_EQ(one.name, fmt::format("user{:06}", i + 1));
    clock_.advance(std::chrono::hours(24));
    const auto principal = auth_->check(one.access_token);
    ASSERT_TRUE(principal);
    EXPECT_EQ(principal->user, one.user);
    EXPECT_EQ(principal->device, one.device);
    EXPECT_EQ(stores_->accounts().by_name(one.name).value().value().id, one.user);
    EXPECT_EQ(stores_->devices().of(one.user).value().front().id, one.device);
  }
  const auto in = run(auth_->sign_in({"user012345", seeded->password, "phone", "127.0.0.1"}));
  ASSERT_TRUE(in) << in.error().message;
  EXPECT_GT(in->device, seeded->users.back().device);
  ASSERT_TRUE(run(auth_->sign_out(seeded->users[0].user, seeded->users[0].device)));
  EXPECT_FALSE(auth_->check(seeded->users[0].access_token));

  // Twice is refused, and says why.
  const auto twice = auth::seed(stores_->accounts(), stores_->devices(), stores_->secrets(), clock_,
                                add, settings);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Code::already_exists);
}

}  // namespace
}  // namespace parley::test
