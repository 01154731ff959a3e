#include "services/notification/notification_service.h"

#include <boost/asio.hpp>
#include <condition_variable>
#include <future>
#include <gtest/gtest.h>
#include <latch>
#include <map>

namespace parley::notification {
namespace {

Push push_of(std::uint64_t seq) {
  return {UserId(7), ConversationId::direct(UserId(7), UserId(8)), Seq(seq), TimeMs(1)};
}
std::vector<Push> pushes(std::size_t count, std::uint64_t first = 1) {
  std::vector<Push> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(push_of(first + i));
  return made;
}

/// Answers as it is told, and can be held.
class Sink final : public PushSink {
 public:
  Result<void> record(const std::vector<Push>& batch) override {
    std::unique_lock lock(mutex_);
    EXPECT_FALSE(inside_) << "two writes at once";
    inside_ = true;
    ++calls_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_; });
    inside_ = false;
    if (!failures_.empty()) {
      const Code code = failures_.front();
      failures_.erase(failures_.begin());
      return fail(code, "told to");
    }
    batches_.push_back(batch);
    return {};
  }
  Result<std::vector<Push>> of(UserId) override { return fail(Code::unsupported, "not here"); }

  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  void fail_next(std::vector<Code> codes) {
    const std::lock_guard lock(mutex_);
    failures_ = std::move(codes);
  }
  bool wait_for_calls(int calls) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return calls_ >= calls; });
  }
  std::vector<std::vector<Push>> batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  int calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false, inside_ = false;
  int calls_ = 0;
  std::vector<Code> failures_;
  std::vector<std::vector<Push>> batches_;
};

class NotificationTest : public testing::Test {
 protected:
  NotificationTest() : loops_(2, 4) {
    settings_.first_pause = std::chrono::milliseconds(1);
    settings_.longest_pause = std::chrono::milliseconds(4);
    settings_.queue = 100;
    settings_.batch = 10;
  }
  void SetUp() override {
    loops_.start();
    service_ = std::make_unique<NotificationService>(sink_, loops_, settings_);
  }
  void TearDown() override {
    sink_.hold(false);
    service_->stop();
    loops_.stop();
  }

  struct Answer {
    Result<void> result;
    std::size_t loop;
  };
  std::future<Answer> notify(std::vector<Push> batch, std::size_t loop = 0) {
    std::promise<Answer> promise;
    auto future = promise.get_future();
    boost::asio::post(
        loops_.at(loop), [this, batch = std::move(batch), promise = std::move(promise)]() mutable {
          service_->notify(std::move(batch),
                           [this, promise = std::move(promise)](Result<void> result) mutable {
                             promise.set_value({std::move(result), loops_.current()});
                           });
        });
    return future;
  }

  Sink sink_;
  NotificationSettings settings_;
  Loops loops_;
  std::unique_ptr<NotificationService> service_;
};

TEST_F(NotificationTest, AnswersOnTheCallingLoopWhenItIsStored) {
  for (std::size_t loop = 0; loop < 2; ++loop) {
    const auto answer = notify(pushes(2, loop * 10 + 1), loop).get();
    EXPECT_TRUE(answer.result);
    EXPECT_EQ(answer.loop, loop);
  }
  EXPECT_EQ(sink_.batches(), (std::vector{pushes(2, 1), pushes(2, 11)}));
  EXPECT_TRUE(notify({}).get().result);
}

TEST_F(NotificationTest, WhatWaitsIsOneBatchAndOneWriteRunsAtATime) {
  sink_.hold(true);
  std::vector<std::future<Answer>> all;
  all.push_back(notify(pushes(1)));
  ASSERT_TRUE(sink_.wait_for_calls(1));
  for (std::uint64_t i = 2; i <= 25; ++i) all.push_back(notify(pushes(1, i)));
  notify({}).get();  // the loop has taken all of them
  sink_.hold(false);
  for (auto& one : all) EXPECT_TRUE(one.get().result);
  EXPECT_EQ(sink_.batches(),
            (std::vector{pushes(1, 1), pushes(10, 2), pushes(10, 12), pushes(4, 22)}));
}

TEST_F(NotificationTest, TriesAgainWhatMayBeTriedAgain) {
  sink_.fail_next({Code::storage_full, Code::busy, Code::unavailable});
  EXPECT_TRUE(notify(pushes(3)).get().result);
  EXPECT_EQ(sink_.calls(), 4);
  EXPECT_EQ(sink_.batches(), (std::vector<std::vector<Push>>{pushes(3)}));
}

TEST_F(NotificationTest, AnswersWhatMayNotBeTriedAgain) {
  sink_.fail_next({Code::damaged});
  EXPECT_EQ(notify(pushes(3)).get().result.error().code, Code::damaged);
  EXPECT_EQ(sink_.calls(), 1);
  EXPECT_TRUE(notify(pushes(3)).get().result);
}

TEST_F(NotificationTest, GivesUpInTheEnd) {
  settings_.give_up_after = std::chrono::milliseconds(8);
  service_ = std::make_unique<NotificationService>(sink_, loops_, settings_);
  sink_.fail_next(std::vector<Code>(50, Code::storage_full));
  EXPECT_EQ(notify(pushes(3)).get().result.error().code, Code::storage_full);
  EXPECT_EQ(sink_.calls(), 5);  // pauses of 1, 2, 4 and 4 ms
  sink_.fail_next({});
  EXPECT_TRUE(notify(pushes(3)).get().result);
}

TEST_F(NotificationTest, AFullQueueIsBusyAtOnce) {
  sink_.hold(true);
  auto first = notify(pushes(60));
  ASSERT_TRUE(sink_.wait_for_calls(1));
  auto second = notify(pushes(40, 61));
  const auto refused = notify(pushes(1, 101)).get();
  ASSERT_FALSE(refused.result);
  EXPECT_EQ(refused.result.error().code, Code::busy);
  EXPECT_GT(refused.result.error().retry_after_ms, 0u);
  sink_.hold(false);
  EXPECT_TRUE(first.get().result);
  EXPECT_TRUE(second.get().result);
  EXPECT_TRUE(notify(pushes(1, 101)).get().result);
}

TEST_F(NotificationTest, StoppingAnswersEverybody) {
  settings_.first_pause = settings_.longest_pause = std::chrono::hours(1);
  service_ = std::make_unique<NotificationService>(sink_, loops_, settings_);
  sink_.fail_next(std::vector<Code>(50, Code::storage_full));
  auto retrying = notify(pushes(1));
  ASSERT_TRUE(sink_.wait_for_calls(1));
  auto waiting = notify(pushes(1, 2));
  notify({}).get();
  service_->stop();
  EXPECT_EQ(retrying.get().result.error().code, Code::storage_full);
  EXPECT_EQ(waiting.get().result.error().code, Code::unavailable);
  EXPECT_EQ(notify(pushes(1, 3)).get().result.error().code, Code::unavailable);
}

}  // namespace
}  // namespace parley::notification
