#include "services/user/user_service.h"

#include <boost/asio.hpp>
#include <functional>
#include <future>
#include <gtest/gtest.h>

#include "adapters/accounts/memory/accounts.h"
#include "adapters/cache/memory/cache.h"
#include "base/loops.h"

namespace parley::user {
namespace {

// Counts what reaches the store.
class CountingAccounts final : public AccountStore {
 public:
  Result<void> create(const Account& a, std::string_view h) override { return inner_.create(a, h); }
  Result<std::optional<Account>> by_id(UserId id) override {
    ++reads;
    return inner_.by_id(id);
  }
  Result<std::optional<Account>> by_name(std::string_view n) override { return inner_.by_name(n); }
  Result<std::string> password_hash(UserId id) override { return inner_.password_hash(id); }
  Result<bool> update(const Account& seen, const Account& wanted) override {
    if (const auto first = std::exchange(before_update, nullptr)) first();
    return inner_.update(seen, wanted);
  }
  Result<std::uint64_t> last_id() override { return inner_.last_id(); }

  std::atomic<int> reads{0};
  std::function<void()> before_update;  // once

 private:
  accounts::MemoryAccountStore inner_;
};

class UserServiceTest : public testing::Test {
 protected:
  UserServiceTest()
      : loops_(2, 4), users_(accounts_, devices_, cache_, clock_, loops_.pool(), UserSettings{}) {}
  void SetUp() override {
    loops_.start();
    for (const auto& [id, name] : {std::pair(7, "ann"), std::pair(8, "bob")})
      ASSERT_TRUE(accounts_.create({UserId(static_cast<unsigned>(id)), name, "Name", "", TimeMs(5)},
                                   "hash"));
  }
  void TearDown() override { loops_.stop(); }
  template <class T>
  std::future<T> start(Awaitable<T> work, std::size_t loop = 0) {
    return boost::asio::co_spawn(loops_.at(loop), std::move(work), boost::asio::use_future);
  }
  template <class T>
  T run(Awaitable<T> work) {
    return start(std::move(work)).get();
  }
  Error error_of(ProfileChange change) {
    auto result = run(users_.update(UserId(7), std::move(change)));
    return result ? Error{} : result.error();
  }

  CountingAccounts accounts_;
  accounts::MemoryDeviceStore devices_;
  ManualClock clock_;
  cache::MemoryCache cache_{clock_, 1'000};
  Loops loops_;
  UserService users_;
};

TEST_F(UserServiceTest, ShowsAProfile) {
  const auto ann = run(users_.profile(UserId(7)));
  ASSERT_TRUE(ann);
  EXPECT_EQ(ann->user, UserId(7));
  EXPECT_EQ(ann->name, "ann");
  EXPECT_EQ(ann->display_name, "Name");
  EXPECT_EQ(ann->created, TimeMs(5));
  EXPECT_EQ(run(users_.profile(UserId(9))).error().code, Code::not_found);
}

TEST_F(UserServiceTest, AProfileIsReadOnceUntilItChanges) {
  run(users_.profile(UserId(7))).value();
  const int reads = accounts_.reads;
  const auto again = run(users_.profile(UserId(7)));
  EXPECT_EQ(accounts_.reads, reads);
  EXPECT_EQ(again->name, "ann");
  EXPECT_EQ(again->display_name, "Name");
  EXPECT_EQ(again->about, "");
  EXPECT_EQ(again->created, TimeMs(5));
  ASSERT_TRUE(run(users_.update(UserId(7), {.name = {}, .display_name = "Ann B.", .about = {}})));
  EXPECT_EQ(run(users_.profile(UserId(7)))->display_name, "Ann B.");
  clock_.advance(Cache::kReadAtMost);
  EXPECT_EQ(run(users_.profile(UserId(7)))->display_name, "Ann B.");
  const int later = accounts_.reads;
  EXPECT_EQ(run(users_.profile(UserId(7)))->display_name, "Ann B.");
  EXPECT_EQ(accounts_.reads, later);
}

TEST_F(UserServiceTest, WhatTheCacheHasOfAnotherVersionIsNotBelieved) {
  for (const auto* odd : {"", "2\n5\nann\nName\n", "1\nx\nann\nName\n", "1\n5\nann\n"}) {
    cache_.invalidate("profile:7", [](auto) {});
    clock_.advance(Cache::kReadAtMost);
    cache_.fill("profile:7", odd);
    EXPECT_EQ(run(users_.profile(UserId(7)))->display_name, "Name") << odd;
  }
}

TEST_F(UserServiceTest, FindsByNameInAnyCase) {
  EXPECT_EQ(run(users_.find("BOB"))->user, UserId(8));
  EXPECT_EQ(run(users_.find("cat")).error().code, Code::not_found);
  EXPECT_EQ(run(users_.find("no name")).error().field, "name");
}

TEST_F(UserServiceTest, ChangesWhatIsGivenAndLeavesTheRest) {
  ASSERT_TRUE(run(users_.update(UserId(7), {.name = {}, .display_name = {}, .about = "hello"})));
  const auto renamed =
      run(users_.update(UserId(7), {.name = "Anna", .display_name = {}, .about = {}}));
  ASSERT_TRUE(renamed);
  EXPECT_EQ(renamed->name, "anna");
  EXPECT_EQ(renamed->about, "hello");
  EXPECT_EQ(renamed->display_name, "Name");
  EXPECT_EQ(run(users_.find("anna"))->user, UserId(7));
  EXPECT_EQ(run(users_.find("ann")).error().code, Code::not_found);
  EXPECT_EQ(run(users_.update(UserId(9), {})).error().code, Code::not_found);
}

TEST_F(UserServiceTest, RefusesATakenNameAndBadFields) {
  const Error taken = error_of({.name = "Bob", .display_name = {}, .about = {}});
  EXPECT_EQ(taken.code, Code::already_exists);
  EXPECT_EQ(taken.field, "name");
  EXPECT_EQ(error_of({.name = "a b", .display_name = {}, .about = {}}).field, "name");
  EXPECT_EQ(error_of({.name = {}, .display_name = std::string(65, 'x'), .about = {}}).field,
            "display_name");
  EXPECT_EQ(error_of({.name = {}, .display_name = "", .about = {}}).field, "display_name");
  EXPECT_EQ(error_of({.name = {}, .display_name = {}, .about = std::string(501, 'x')}).field,
            "about");
  EXPECT_EQ(error_of({.name = {}, .display_name = {}, .about = ""}).code, Error{}.code);
}

TEST_F(UserServiceTest, UpdatesAtOnceDoNotUndoEachOther) {
  std::vector<std::future<Result<ProfileView>>> all;
  for (std::size_t i = 0; i < 20; ++i) {
    all.push_back(
        start(users_.update(UserId(7), {.name = "anna", .display_name = {}, .about = {}}), i % 2));
    all.push_back(
        start(users_.update(UserId(7), {.name = {}, .display_name = "Anna", .about = {}}), i % 2));
    all.push_back(
        start(users_.update(UserId(7), {.name = {}, .display_name = {}, .about = "hi"}), i % 2));
  }
  for (auto& one : all) EXPECT_TRUE(one.get());
  const auto ann = run(users_.profile(UserId(7)));
  EXPECT_EQ(ann->name, "anna");
  EXPECT_EQ(ann->display_name, "Anna");
  EXPECT_EQ(ann->about, "hi");
}

// Another process changes the account between the read and the write of this one.
TEST_F(UserServiceTest, AnUpdateElsewhereMeanwhileIsNotUndone) {
  UserService elsewhere(accounts_, devices_, cache_, clock_, loops_.pool(), UserSettings{});
  accounts_.before_update = [&] {
    EXPECT_TRUE(
        start(elsewhere.update(UserId(7), {.name = "anna", .display_name = {}, .about = {}}))
            .get());
  };
  const auto mine = run(users_.update(UserId(7), {.name = {}, .display_name = {}, .about = "hi"}));
  ASSERT_TRUE(mine) << mine.error().message;
  EXPECT_EQ(mine->name, "anna");
  EXPECT_EQ(mine->about, "hi");
  EXPECT_EQ(run(elsewhere.profile(UserId(7)))->about, "hi");
  EXPECT_EQ(run(users_.find("anna"))->about, "hi");
}

TEST_F(UserServiceTest, AnUpdateThatAlwaysLosesIsToBeTriedAgain) {
  int others = 0;
  std::function<void()> another = [&] {
    const Account ann = accounts_.by_id(UserId(7)).value().value();
    Account changed = ann;
    changed.about = std::to_string(++others);
    EXPECT_EQ(accounts_.update(ann, changed), true);
    accounts_.before_update = another;
  };
  accounts_.before_update = another;
  const auto lost =
      run(users_.update(UserId(7), {.name = "anna", .display_name = {}, .about = {}}));
  accounts_.before_update = nullptr;
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Code::unavailable);
  EXPECT_GT(lost.error().retry_after_ms, 0u);
  EXPECT_EQ(run(users_.find("ann"))->about, std::to_string(others));
}

TEST_F(UserServiceTest, ListsTheDevicesThatAreSignedIn) {
  const TimeMs now = clock_.wall(), later(now.value + 1'000);
  ASSERT_TRUE(devices_.add({DeviceId(20), UserId(7), "phone", now, now, "a", "", later}));
  ASSERT_TRUE(devices_.add({DeviceId(21), UserId(7), "old", now, now, "b", "", now}));
  ASSERT_TRUE(devices_.add({DeviceId(22), UserId(8), "other", now, now, "c", "", later}));
  const auto list = run(users_.devices(UserId(7)));
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ(list->front().device, DeviceId(20));
  EXPECT_EQ(list->front().name, "phone");
  EXPECT_EQ(list->front().last_used, now);
}

TEST_F(UserServiceTest, RemembersWhoExistsButNotWhoDoesNot) {
  EXPECT_FALSE(run(users_.exists(UserId(9))).value());
  EXPECT_FALSE(run(users_.exists(UserId(0))).value());
  EXPECT_TRUE(run(users_.exists(UserId(7))).value());
  const int reads = accounts_.reads;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(run(users_.exists(UserId(7))).value());
  EXPECT_EQ(accounts_.reads, reads);
  ASSERT_TRUE(accounts_.create({UserId(9), "cat", "Cat", "", TimeMs(5)}, "hash"));
  EXPECT_TRUE(run(users_.exists(UserId(9))).value());
}

TEST(KnownUsers, IsBoundedAndNeverWrong) {
  KnownUsers known(64);
  for (std::uint64_t id = 1; id <= 1'000; ++id) {
    EXPECT_FALSE(known.contains(UserId(id)));
    known.add(UserId(id));
    EXPECT_TRUE(known.contains(UserId(id)));
  }
  int remembered = 0;
  for (std::uint64_t id = 1; id <= 1'000; ++id) remembered += known.contains(UserId(id));
  EXPECT_LE(remembered, 64);
  EXPECT_FALSE(known.contains(UserId(0)));
}

}  // namespace
}  // namespace parley::user
