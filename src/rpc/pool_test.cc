// Several processes of one service: whom calls go to while these come and go.
#include "rpc/pool.h"

#include <gtest/gtest.h>
#include <set>

#include "rpc/testing/processes.h"
#include "rpc/user.h"

namespace parley::rpc::testing {
namespace {

/// Counts what it is asked.
class CountingUsers final : public UserApi {
 public:
  Awaitable<Result<ProfileView>> profile(UserId) override { co_return fail(Code::not_found, "no"); }
  Awaitable<Result<ProfileView>> update(UserId user, ProfileChange) override {
    ++asked;
    co_return ProfileView{user, {}, {}, {}, {}};
  }
  Awaitable<Result<ProfileView>> find(std::string) override { co_return fail(Code::internal, ""); }
  Awaitable<Result<std::vector<DeviceView>>> devices(UserId) override {
    co_return std::vector<DeviceView>{};
  }
  Awaitable<Result<bool>> exists(UserId) override {
    ++asked;
    co_return true;
  }
  std::atomic<std::size_t> asked{0};
};

struct UserProcess : Serving {
  UserProcess() {
    serve(router, users);
    start();
  }
  ~UserProcess() { stop(); }
  CountingUsers users;
};

class PoolTest : public ::testing::Test {
 protected:
  ~PoolTest() override {
    end_reads();
    asking.stop();
  }
  /// Some that read, one after the other, until the end.
  void begin_reads() {
    for (std::size_t i = 0; i < 8; ++i)
      readers.push_back(boost::asio::co_spawn(asking.loops.at(i % asking.loops.size()), read(),
                                              boost::asio::use_future));
  }
  void end_reads() {
    ending = true;
    for (auto& reader : std::exchange(readers, {})) reader.get();
  }
  Awaitable<void> read() {
    const auto executor = co_await boost::asio::this_coro::executor;
    while (!ending) {
      ++(co_await users.exists(UserId(1)) ? done : failed);
      // What is refused at once must not keep the loop.
      co_await boost::asio::post(executor, boost::asio::use_awaitable);
    }
  }
  /// So many reads more were answered, `process` among those who did.
  bool reads_reach(const UserProcess& process, std::size_t more = 50) {
    const auto all = done + more, its = process.users.asked + more / 10;
    return eventually([&] { return done >= all && process.users.asked >= its; });
  }
  bool all_there(std::size_t count) {
    return eventually([&] {
      std::set<std::string> seen;
      for (std::size_t i = 0; i < count; ++i)
        if (const auto next = asking.pool.next()) seen.insert((*next)->address());
      return seen.size() == count;
    });
  }

  UserProcess a, b, c;
  Asking asking{a.address()};
  UserClient users{asking.pool};
  std::atomic<bool> ending{false};
  std::atomic<std::size_t> done{0}, failed{0};
  std::vector<std::future<void>> readers;
};

TEST_F(PoolTest, CallsAreSpreadEvenly) {
  asking.start_pool({a.address(), b.address()});
  ASSERT_TRUE(all_there(2));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(await(asking.loops, users.exists(UserId(1))));
    ASSERT_TRUE(await(asking.loops, users.update(UserId(1), {})));
    ASSERT_TRUE(await(asking.loops, users.update(UserId(1), {})));
  }
  EXPECT_EQ(a.users.asked, 30u);
  EXPECT_EQ(b.users.asked, 30u);
}

TEST_F(PoolTest, WhileOneOfSeveralStopsAndComesBackNoReadFails) {
  asking.start_pool({a.address(), b.address()});
  ASSERT_TRUE(all_there(2));
  begin_reads();
  ASSERT_TRUE(reads_reach(a));
  a.stop();
  ASSERT_TRUE(reads_reach(b));
  EXPECT_FALSE(asking.pool.missing());
  a.start();
  ASSERT_TRUE(reads_reach(a));
  end_reads();
  EXPECT_EQ(failed, 0u);
}

TEST_F(PoolTest, WithoutAnyOfThemCallsAreUnavailableAtOnceAndTheReasonsAreTold) {
  asking.start_pool({a.address(), b.address()});
  a.stop();
  b.stop();
  ASSERT_TRUE(eventually([&] {
    const auto missing = asking.pool.missing();
    return missing && missing->why.contains(a.address()) && missing->why.contains(b.address());
  }));
  const auto refused = await(asking.loops, users.exists(UserId(1)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_GT(refused.error().retry_after_ms, 0u);
  for (const auto* process : {&a, &b})
    EXPECT_TRUE(refused.error().message.contains(process->address())) << refused.error().message;
  EXPECT_EQ(await(asking.loops, users.update(UserId(1), {})).error().code, Code::unavailable);
  b.start();
  ASSERT_TRUE(eventually([&] { return !asking.pool.missing(); }));
  EXPECT_TRUE(await(asking.loops, users.exists(UserId(1))));
}

TEST_F(PoolTest, WhoJoinsIsAskedAndWhoLeavesIsNotAndNoCallUnderWayFails) {
  EXPECT_EQ(asking.pool.missing()->why, "none is listed");
  asking.start_pool({a.address(), b.address()});
  ASSERT_TRUE(all_there(2));
  begin_reads();
  ASSERT_TRUE(reads_reach(a));
  asking.pool.set({b.address(), c.address()});
  ASSERT_TRUE(reads_reach(c));
  ASSERT_TRUE(reads_reach(b));
  end_reads();
  EXPECT_EQ(failed, 0u);
  const auto former = a.users.asked.load();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(await(asking.loops, users.exists(UserId(1))));
  EXPECT_EQ(a.users.asked, former);
  EXPECT_EQ(asking.pool.addresses().size(), 2u);
}

TEST_F(PoolTest, WhileTheListChangesAllTheTimeNothingFails) {
  asking.start_pool({a.address(), b.address()});
  ASSERT_TRUE(all_there(2));
  begin_reads();
  for (int i = 0; i < 50; ++i) {
    // One that is there stays.
    asking.pool.set({b.address(), i % 2 ? a.address() : c.address()});
    const auto before = done.load();
    ASSERT_TRUE(eventually([&] { return done > before + 10; }));
  }
  end_reads();
  EXPECT_EQ(failed, 0u);
}

TEST(SilentPool, WhoIsSilentIsNotAskedUntilItSpeaksAgain) {
  UserProcess a, b;
  auto settings = Asking::quick();
  settings.tick = std::chrono::milliseconds(20);
  settings.silent_after = std::chrono::milliseconds(200);
  Asking asking(a.address(), settings);
  asking.start_pool({a.address(), b.address()});
  const auto asks_a = [&] {
    for (int i = 0; i < 2; ++i)
      if (const auto next = asking.pool.next(); next && (*next)->address() == a.address())
        return true;
    return false;
  };
  ASSERT_TRUE(eventually(asks_a));
  std::promise<void> wake;
  const auto woken = wake.get_future().share();
  for (std::size_t loop = 0; loop < 2; ++loop)
    boost::asio::post(a.loops.at(loop), [woken] { woken.wait(); });
  ASSERT_TRUE(eventually([&] { return !asks_a(); }));
  EXPECT_FALSE(asking.pool.missing());
  wake.set_value();
  EXPECT_TRUE(eventually(asks_a));
  asking.stop();
}

TEST_F(PoolTest, AfterItsEndEveryCallIsRefused) {
  asking.start_pool({a.address()});
  asking.pool.stop();
  asking.pool.set({b.address()});
  EXPECT_EQ(await(asking.loops, users.exists(UserId(1))).error().code, Code::unavailable);
}

}  // namespace
}  // namespace parley::rpc::testing
