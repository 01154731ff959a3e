#include "services/auth/follower.h"

#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>
#include <latch>
#include <semaphore>

namespace parley::auth {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class FollowerTest : public testing::Test {
 protected:
  ~FollowerTest() override { pool_.join(); }

  boost::asio::thread_pool pool_{1};
  std::counting_semaphore<> looks_{0};
};

TEST_F(FollowerTest, LooksAtOnceAndAgain) {
  Follower follower(pool_, milliseconds(1), [&]() -> Result<void> {
    looks_.release();
    return {};
  });
  follower.start();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(looks_.try_acquire_for(seconds(10)));
  follower.stop();
}

TEST_F(FollowerTest, GoesOnAfterFailures) {
  int count = 0;
  Follower follower(pool_, milliseconds(1), [&]() -> Result<void> {
    looks_.release();
    if (++count % 3 != 0) return fail(Code::unavailable, "the database cannot be reached");
    return {};
  });
  follower.start();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(looks_.try_acquire_for(seconds(10)));
  follower.stop();
}

TEST_F(FollowerTest, TakesNoThreadOfThePoolInAPauseWhichStopEnds) {
  Follower follower(pool_, hours(1), [&]() -> Result<void> {
    looks_.release();
    return {};
  });
  follower.start();
  ASSERT_TRUE(looks_.try_acquire_for(seconds(10)));
  std::promise<void> others;
  boost::asio::post(pool_, [&] { others.set_value(); });
  EXPECT_EQ(others.get_future().wait_for(seconds(10)), std::future_status::ready);
  follower.stop();
}

TEST_F(FollowerTest, StopWaitsForALook) {
  std::latch finish(1);
  Follower follower(pool_, hours(1), [&]() -> Result<void> {
    looks_.release();
    finish.wait();
    return {};
  });
  follower.start();
  ASSERT_TRUE(looks_.try_acquire_for(seconds(10)));
  auto stopped = std::async(std::launch::async, [&] { follower.stop(); });
  EXPECT_EQ(stopped.wait_for(milliseconds(50)), std::future_status::timeout);
  finish.count_down();
  EXPECT_EQ(stopped.wait_for(seconds(10)), std::future_status::ready);
}

}  // namespace
}  // namespace parley::auth
