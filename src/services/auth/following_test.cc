// What an auth service says of the sign-outs of other processes while its store fails.
#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>
#include <sodium.h>

#include "adapters/accounts/memory/accounts.h"
#include "adapters/failure_limits/memory/limits.h"
#include "base/loops.h"
#include "services/auth/auth_service.h"

namespace parley::auth {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Devices in memory, of which looks for sign-outs can fail, and between whose storing and the
/// answer something can happen.
class Devices final : public DeviceStore {
 public:
  Result<void> add(const AccountDevice& device) override { return inner_.add(device); }
  Result<std::optional<AccountDevice>> by_id(DeviceId id) override { return inner_.by_id(id); }
  Result<std::vector<AccountDevice>> of(UserId user) override { return inner_.of(user); }
  Result<bool> rotate(DeviceId id, std::string_view hash, const Refreshed& next) override {
    return inner_.rotate(id, hash, next);
  }
  Result<void> revoke(const RevokedDevice& device) override {
    auto revoked = inner_.revoke(device);
    after_revoke();
    return revoked;
  }
  Result<std::vector<RevokedDevice>> revoked(TimeMs now) override { return inner_.revoked(now); }
  Result<std::vector<RevokedDevice>> revoked_since(TimeMs since) override {
    if (away) return fail(Code::unavailable, "the store is away");
    return inner_.revoked_since(since);
  }
  Result<std::uint64_t> last_id() override { return inner_.last_id(); }

  std::atomic<bool> away{false};
  std::function<void()> after_revoke = [] {};

 private:
  accounts::MemoryDeviceStore inner_;
};

class Following : public testing::Test {
 protected:
  Following() { settings_.sign_up = SignUpPolicy::open; }
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    loops_.start();
  }
  void TearDown() override { loops_.stop(); }
  std::unique_ptr<AuthService> open(milliseconds follow_every) {
    settings_.follow_every = follow_every;
    settings_.password_cost = {1, 8 * 1024};
    return AuthService::open(stores_.accounts(), devices_, stores_.secrets(), failures_, clock_,
                             loops_.pool(), settings_)
        .value();
  }
  template <class T>
  std::future<T> start(Awaitable<T> work) {
    return boost::asio::co_spawn(loops_.at(0), std::move(work), boost::asio::use_future);
  }
  template <class T>
  T run(Awaitable<T> work) {
    return start(std::move(work)).get();
  }
  static bool is_refused(const Result<Revocations>& news) {
    return !news && news.error().code == Code::unavailable;
  }

  accounts::MemoryAccounts stores_;
  Devices devices_;
  ManualClock clock_;
  failure_limits::MemoryFailureLimits failures_{clock_, 1'000};
  AuthSettings settings_;
  Loops loops_{1, 2};
};

TEST_F(Following, WhoIsCutOffSendsThoseWhoListenToOthersUntilItCatchesUp) {
  const auto auth = open(milliseconds(1));
  auth->start();
  const auto up = run(auth->sign_up({"ann", "correct horse", "", "phone", "", "192.0.2.1"}));
  ASSERT_TRUE(up);
  ASSERT_TRUE(run(auth->sign_out(up->user, up->device)));
  const auto version = run(auth->revoked(0, milliseconds(0))).value().version;

  devices_.away = true;
  clock_.advance(seconds(1));
  EXPECT_TRUE(run(auth->revoked(version, milliseconds(0))));
  auto waiting = start(auth->revoked(version, seconds(10)));
  clock_.advance(milliseconds(1));
  EXPECT_TRUE(is_refused(waiting.get()));
  EXPECT_TRUE(is_refused(run(auth->revoked(version, seconds(10)))));
  // A gateway that starts now, where this is the only one.
  EXPECT_EQ(run(auth->revoked(0, milliseconds(0))).value().devices.size(), 1u);

  devices_.away = false;
  const auto deadline = std::chrono::steady_clock::now() + seconds(10);
  while (is_refused(run(auth->revoked(version, milliseconds(0)))))
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  auth->stop();
}

TEST_F(Following, WhoSeldomLooksMayMissFourLooks) {
  const auto auth = open(hours(1));
  const auto version = run(auth->revoked(0, milliseconds(0))).value().version;
  clock_.advance(hours(4));
  EXPECT_TRUE(run(auth->revoked(version, milliseconds(0))));
  clock_.advance(milliseconds(1));
  EXPECT_TRUE(is_refused(run(auth->revoked(version, milliseconds(0)))));
}

TEST_F(Following, WhoIsAloneIsNeverCutOff) {
  const auto auth = open(milliseconds(0));
  auth->start();
  const auto version = run(auth->revoked(0, milliseconds(0))).value().version;
  clock_.advance(hours(1));
  EXPECT_TRUE(run(auth->revoked(version, milliseconds(0))));
  auth->stop();
}

TEST_F(Following, WhoSignsOutIsToldThoughALookSawItFirst) {
  const auto tokens =
      DeviceTokens::open(stores_.accounts(), devices_, stores_.secrets(), clock_, {}).value();
  SignedOut by_look, by_call;
  const auto pair = tokens->issue(UserId(7), "phone", by_call).value();
  devices_.after_revoke = [&] { EXPECT_TRUE(tokens->follow(by_look)); };
  ASSERT_TRUE(tokens->sign_out(UserId(7), pair.device, by_call));
  EXPECT_EQ(by_look, (SignedOut{{pair.user, pair.device}}));
  EXPECT_EQ(by_call, by_look);
}

}  // namespace
}  // namespace parley::auth
