// Two auth processes over one MySQL database: what one does, the other knows.
#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>
#include <set>

#include "adapters/accounts/sql/accounts.h"
#include "adapters/failure_limits/memory/limits.h"
#include "adapters/shared/mysql/database.h"
#include "base/loops.h"
#include "services/auth/auth_service.h"
#include "tests/support/contract/over.h"
#include "tests/support/mysql/database.h"

namespace parley::test {
namespace {

using parley::accounts::SqlAccounts;

/// As a process has it.
class AuthProcess {
 public:
  AuthProcess(const MysqlDatabase& database, const Clock& clock)
      : failures_(clock, 1'000),
        stores_(over<SqlAccounts>(
                    mysql::Database::open(database.settings(), parley::accounts::schema()))
                    .value()) {
    auth::AuthSettings settings;
    settings.sign_up = auth::SignUpPolicy::open;
    settings.password_cost = {1, 8 * 1024};
    settings.tokens.node = 7;
    settings.follow_every = std::chrono::milliseconds(250);
    settings.on_signed_out = [this](UserId, DeviceId device) {
      const std::lock_guard lock(mutex_);
      closed_.insert(device);
    };
    auth_ = auth::AuthService::open(stores_->accounts(), stores_->devices(), stores_->secrets(),
                                    failures_, clock, loops_.pool(), settings)
                .value();
    loops_.start();
    auth_->start();
  }
  ~AuthProcess() {
    auth_->stop();
    loops_.stop();
  }

  auth::AuthService* operator->() { return auth_.get(); }
  template <class T>
  std::future<T> start(Awaitable<T> work) {
    return boost::asio::co_spawn(loops_.at(0), std::move(work), boost::asio::use_future);
  }
  bool has_closed(DeviceId device) {
    const std::lock_guard lock(mutex_);
    return closed_.contains(device);
  }

 private:
  std::mutex mutex_;
  std::set<DeviceId> closed_;
  failure_limits::MemoryFailureLimits failures_;
  Loops loops_{1, 2};
  std::unique_ptr<SqlAccounts> stores_;
  std::unique_ptr<auth::AuthService> auth_;
};

SignUp request_of(std::string name) {
  return {std::move(name), "correct horse", "", "phone", "", "127.0.0.1"};
}

TEST(AuthOnMysql, TwoProcessesServeTheSamePeople) {
  const MysqlDatabase database({&parley::accounts::schema()});
  const SystemClock clock;
  AuthProcess one(database, clock), two(database, clock);
  EXPECT_EQ(one->verifying_key(), two->verifying_key());
  const auto up = one.start(one->sign_up(request_of("ann"))).get().value();
  EXPECT_TRUE(two->check(up.access));
  const auto next = two.start(two->refresh(up.refresh)).get();
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_TRUE(one->check(next->access));

  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(one.start(one->sign_out(up.user, up.device)).get());
  while (!two.has_closed(up.device) &&
         std::chrono::steady_clock::now() - began < std::chrono::seconds(10))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(two.has_closed(up.device));
  EXPECT_EQ(two->check(next->access).error().code, Code::unauthenticated);
  EXPECT_TRUE(one.has_closed(up.device));
}

// Both make ids of the same node at the same time.
TEST(AuthOnMysql, NoTwoPeopleOrDevicesShareAnId) {
  constexpr int kPeople = 40;
  const MysqlDatabase database({&parley::accounts::schema()});
  const ManualClock clock;
  AuthProcess one(database, clock), two(database, clock);
  std::vector<std::future<Result<TokenPair>>> all;
  for (int i = 0; i < kPeople; ++i) {
    all.push_back(one.start(one->sign_up(request_of(fmt::format("ann{}", i)))));
    all.push_back(two.start(two->sign_up(request_of(fmt::format("bob{}", i)))));
  }
  std::set<UserId> people;
  std::set<DeviceId> devices;
  for (auto& one_of_all : all) {
    const auto pair = one_of_all.get();
    ASSERT_TRUE(pair) << pair.error().message;
    people.insert(pair->user);
    devices.insert(pair->device);
  }
  EXPECT_EQ(people.size(), 2u * kPeople);
  EXPECT_EQ(devices.size(), 2u * kPeople);
}

}  // namespace
}  // namespace parley::test
