// The stream between two processes: order, bounds, breaks, versions.
#include <gtest/gtest.h>
#include <set>

#include "rpc/message.h"
#include "rpc/testing/fake_messages.h"
#include "rpc/testing/processes.h"

namespace parley::rpc::testing {
namespace {

/// What came back, by token.
class Answers final : public MessageListener {
 public:
  void on_sent(std::vector<SendAnswer> answers) override {
    const std::lock_guard lock(mutex_);
    threads_.insert(std::this_thread::get_id());
    for (auto& answer : answers) {
      EXPECT_FALSE(sent_.contains(answer.token)) << "answered twice: " << answer.token;
      sent_.emplace(answer.token, std::move(answer.sent));
    }
  }
  void on_marked(std::vector<MarkAnswer> answers) override {
    const std::lock_guard lock(mutex_);
    for (auto& answer : answers) marked_.emplace(answer.token, std::move(answer.done));
  }
  std::size_t sent() {
    const std::lock_guard lock(mutex_);
    return sent_.size();
  }
  Result<Head> sent(std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    const auto at = sent_.find(token);
    return at == sent_.end() ? fail(Code::internal, "no answer yet") : at->second;
  }
  std::size_t marked() {
    const std::lock_guard lock(mutex_);
    return marked_.size();
  }
  std::size_t threads() {
    const std::lock_guard lock(mutex_);
    return threads_.size();
  }

 private:
  std::mutex mutex_;
  std::map<std::uint64_t, Result<Head>> sent_;
  std::map<std::uint64_t, Result<void>> marked_;
  std::set<std::thread::id> threads_;
};

SendRequest request(std::uint64_t token, const ConversationId& conversation, std::string body,
                    std::string key = "key") {
  return {token, conversation, UserId(7), DeviceId(3), Origin(9), std::move(key), std::move(body)};
}

class LinkTest : public ::testing::Test {
 protected:
  LinkTest() : fake(serving.loops) {
    serve(serving.router, serving.loops, fake);
    serving.start();
  }
  void connect(Link::Settings settings = Asking::quick()) {
    asking.emplace(serving.address(), settings);
    messages.emplace(asking->link);
    asking->start_and_connect();
  }
  void send(std::vector<SendRequest> batch, std::size_t loop = 0) {
    on_loop(asking->loops, loop, [&] { messages->send(std::move(batch), answers); });
  }
  ~LinkTest() override { stop(); }
  void stop() {
    if (asking) asking->stop();
    serving.stop();
  }

  Serving serving;
  FakeMessages fake;
  Answers answers;
  std::optional<Asking> asking;
  std::optional<MessageClient> messages;
};

TEST_F(LinkTest, EverySendIsAnsweredOnceOnTheLoopThatAskedAndWithAllThatWasSaid) {
  connect();
  send({request(1, kTalk, std::string("a\0b", 3)), request(2, kGroup, "c", "refuse")}, 0);
  ASSERT_TRUE(eventually([&] { return answers.sent() == 2; }));
  EXPECT_EQ(answers.sent(1).value(), (Head{Seq(1), MessageId(5), TimeMs(6), 7}));
  const auto refused = answers.sent(2).error();
  EXPECT_EQ(refused.code, Code::conflict);
  EXPECT_EQ(refused.message, "other body");
  EXPECT_EQ(refused.field, "client_message_id");
  EXPECT_EQ(refused.retry_after_ms, 17u);
  EXPECT_EQ(answers.threads(), 1u);
  const auto got = fake.sends().front();
  EXPECT_EQ(got.conversation, kTalk);
  EXPECT_EQ(got.sender, UserId(7));
  EXPECT_EQ(got.device, DeviceId(3));
  EXPECT_EQ(got.origin, Origin(9));
  EXPECT_EQ(got.client_message_id, "key");
  EXPECT_EQ(got.body, std::string("a\0b", 3));
}

TEST_F(LinkTest, MarksArriveAndThoseWithATokenAreAnswered) {
  connect();
  on_loop(asking->loops, 0, [&] {
    messages->mark({{0, kTalk, UserId(7), Seq(1), Seq(), Origin(9)},
                    {5, kTalk, UserId(7), Seq(3), Seq(2), Origin(9)}},
                   answers);
  });
  ASSERT_TRUE(eventually([&] { return answers.marked() == 1 && fake.marked().size() == 2; }));
  EXPECT_EQ(fake.marked()[1].delivered, Seq(3));
  EXPECT_EQ(fake.marked()[1].read, Seq(2));
  EXPECT_EQ(fake.marked()[1].origin, Origin(9));
}

TEST_F(LinkTest, SendsOfALoopToAConversationKeepTheirOrder) {
  connect();
  constexpr int kEach = 500;
  for (int i = 0; i < kEach; ++i)
    for (std::size_t loop = 0; loop < 2; ++loop)
      send({request(static_cast<std::uint64_t>(i * 2) + loop, loop ? kTalk : kGroup,
                    std::to_string(i))},
           loop);
  ASSERT_TRUE(eventually([&] { return answers.sent() == 2 * kEach; }));
  for (const auto& conversation : {kTalk, kGroup}) {
    const auto bodies = fake.bodies(conversation);
    ASSERT_EQ(bodies.size(), static_cast<std::size_t>(kEach));
    for (int i = 0; i < kEach; ++i)
      ASSERT_EQ(bodies[static_cast<std::size_t>(i)], std::to_string(i));
  }
}

TEST_F(LinkTest, ABrokenStreamAnswersAllThatWasUnderWayAndRecoversByItself) {
  connect();
  fake.hold();
  for (std::uint64_t i = 1; i <= 100; ++i) send({request(i, kTalk, "x")});
  ASSERT_TRUE(eventually([&] { return fake.bodies(kTalk).size() == 100; }));
  serving.stop();
  ASSERT_TRUE(eventually([&] { return answers.sent() == 100; }));
  for (std::uint64_t i = 1; i <= 100; ++i) {
    ASSERT_FALSE(answers.sent(i));
    EXPECT_TRUE(describe(answers.sent(i).error().code).retryable);
    EXPECT_GT(answers.sent(i).error().retry_after_ms, 0u);
  }
  ASSERT_TRUE(eventually([&] { return asking->link.missing().has_value(); }));
  send({request(101, kTalk, "while it is down")});
  ASSERT_TRUE(eventually([&] { return answers.sent() == 101; }));
  EXPECT_EQ(answers.sent(101).error().code, Code::unavailable);

  fake.release();  // what comes back late finds nobody
  serving.start();
  ASSERT_TRUE(eventually([&] { return !asking->link.missing(); }));
  send({request(102, kTalk, "again")});
  ASSERT_TRUE(eventually([&] { return answers.sent() == 102; }));
  EXPECT_TRUE(answers.sent(102));
}

TEST_F(LinkTest, BeyondTheBoundSendsAreRefusedAtOnceAndTakenAgainWhenThereIsRoom) {
  connect();
  const auto bound = Link::Settings{}.unanswered;
  EXPECT_EQ(bound, 8'192u);
  fake.hold();
  std::vector<SendRequest> batch;
  for (std::uint64_t i = 1; i <= bound; ++i) batch.push_back(request(i, kTalk, "x"));
  send(std::move(batch));
  send({request(bound + 1, kTalk, "one too many")});
  ASSERT_TRUE(eventually([&] { return answers.sent() == 1; }));
  EXPECT_EQ(answers.sent(bound + 1).error().code, Code::unavailable);
  EXPECT_GT(answers.sent(bound + 1).error().retry_after_ms, 0u);
  ASSERT_TRUE(eventually([&] { return fake.bodies(kTalk).size() == bound; }));
  fake.release();
  ASSERT_TRUE(eventually([&] { return answers.sent() == bound + 1; }));
  send({request(bound + 2, kTalk, "there is room again")});
  ASSERT_TRUE(eventually([&] { return answers.sent() == bound + 2; }));
  EXPECT_TRUE(answers.sent(bound + 2));
}

/// Nothing but requests sets a frame on its way.
Link::Settings together(std::size_t several, std::chrono::microseconds together) {
  auto settings = Asking::quick();
  settings.silent_after = settings.broken_after = std::chrono::hours(1);
  settings.several = several;
  settings.together = together;
  return settings;
}

TEST_F(LinkTest, ALoneRequestGoesAtOnceAndWhileSeveralAreUnansweredTheyTravelTogether) {
  const auto settings = together(2, std::chrono::hours(1));
  connect(settings);
  fake.hold();
  send({request(1, kTalk, "alone")});
  ASSERT_TRUE(eventually([&] { return fake.kept() == 1; }));
  send({request(2, kTalk, "waits")});
  ASSERT_TRUE(await(asking->loops, messages->head(kTalk)));
  EXPECT_EQ(fake.sends().size(), 1u);
  send({request(3, kTalk, std::string(settings.full, 'x'))});
  ASSERT_TRUE(eventually([&] { return fake.kept() == 2; })) << "a full frame does not wait";
  EXPECT_EQ(fake.sends().size(), 3u);
  fake.release();
  ASSERT_TRUE(eventually([&] { return answers.sent() == 3; }));
}

TEST_F(LinkTest, WhatWaitedForMoreGoesByItself) {
  connect(together(1, std::chrono::milliseconds(20)));
  fake.hold();
  for (std::uint64_t i = 1; i <= 10; ++i) send({request(i, kTalk, "x")});
  ASSERT_TRUE(eventually([&] { return fake.sends().size() == 10; }));
  fake.release();
  ASSERT_TRUE(eventually([&] { return answers.sent() == 10; }));
}

TEST_F(LinkTest, APeerThatIsSilentIsUnavailableAtOnceUntilItSpeaksAgain) {
  auto settings = Asking::quick();
  settings.tick = std::chrono::milliseconds(20);
  settings.silent_after = std::chrono::milliseconds(200);
  connect(settings);
  std::promise<void> wake;
  const auto woken = wake.get_future().share();
  for (std::size_t loop = 0; loop < 2; ++loop)
    boost::asio::post(serving.loops.at(loop), [woken] { woken.wait(); });
  std::uint64_t token = 0;
  // Those that were sent before the silence was noticed wait for their answers.
  ASSERT_TRUE(eventually([&] {
    send({request(++token, kTalk, "x")});
    return answers.sent() != 0;
  }));
  send({request(++token, kTalk, "x")});
  ASSERT_TRUE(eventually([&] { return answers.sent(token).error().code != Code::internal; }));
  EXPECT_EQ(answers.sent(token).error().code, Code::unavailable);
  EXPECT_GT(answers.sent(token).error().retry_after_ms, 0u);
  EXPECT_FALSE(asking->link.missing()) << "it is there, and slow";
  wake.set_value();
  ASSERT_TRUE(eventually([&] {
    send({request(++token, kTalk, "x")});
    return answers.sent(token - 1).has_value();
  }));
  ASSERT_TRUE(eventually([&] { return answers.sent() == token; }));
  EXPECT_TRUE(answers.sent(1)) << "what it had taken is answered";
}

TEST(Version, APeerOfAnotherVersionIsRefusedAndItsCallersAreToldAtOnce) {
  Serving serving(kVersion + 1);
  FakeMessages fake(serving.loops);
  serve(serving.router, serving.loops, fake);
  serving.start();
  Asking asking(serving.address());
  MessageClient messages(asking.link);
  Answers answers;
  asking.start();
  ASSERT_TRUE(eventually([&] {
    const auto missing = asking.link.missing();
    return missing && missing->why.find("speaks version") != std::string::npos;
  }));
  on_loop(asking.loops, 0, [&] { messages.send({request(1, kTalk, "x")}, answers); });
  ASSERT_TRUE(eventually([&] { return answers.sent() == 1; }));
  EXPECT_EQ(answers.sent(1).error().code, Code::unavailable);
  EXPECT_GT(answers.sent(1).error().retry_after_ms, 0u);
  const auto called = await(asking.loops, messages.view(UserId(7), kTalk));
  ASSERT_FALSE(called);
  EXPECT_EQ(called.error().code, Code::unavailable);
  EXPECT_GT(called.error().retry_after_ms, 0u);
  EXPECT_NE(called.error().message.find("speaks version"), std::string::npos);
  EXPECT_TRUE(fake.sends().empty());
  asking.stop();
  serving.stop();
}

TEST(Down, WhoHearsThatAPeerHasComeDoesNotWaitForThePause) {
  Serving serving;
  FakeMessages fake(serving.loops);
  serve(serving.router, serving.loops, fake);
  serving.start();
  serving.stop();
  auto settings = Asking::quick();
  settings.first_pause = settings.longest_pause = std::chrono::hours(1);
  Asking asking(serving.address(), settings);
  asking.start();
  ASSERT_TRUE(eventually([&] {
    const auto missing = asking.link.missing();
    return missing && missing->why != "not connected yet";
  }));
  serving.start();
  // Again for as long as the first attempt is not over.
  EXPECT_TRUE(eventually([&] {
    asking.link.hurry();
    return !asking.link.missing();
  }));
  asking.stop();
  serving.stop();
}

TEST(Down, APeerThatIsNotThereIsUnavailableAtOnceAndFoundWhenItComes) {
  Serving serving;
  FakeMessages fake(serving.loops);
  serve(serving.router, serving.loops, fake);
  serving.start();
  serving.stop();  // its address is known, and nobody listens there
  Asking asking(serving.address());
  MessageClient messages(asking.link);
  Answers answers;
  asking.start();
  on_loop(asking.loops, 0, [&] { messages.send({request(1, kTalk, "x")}, answers); });
  ASSERT_TRUE(eventually([&] { return answers.sent() == 1; }));
  EXPECT_EQ(answers.sent(1).error().code, Code::unavailable);
  const auto called = await(asking.loops, messages.view(UserId(7), kTalk));
  ASSERT_FALSE(called);
  EXPECT_TRUE(describe(called.error().code).retryable);
  serving.start();
  ASSERT_TRUE(eventually([&] { return !asking.link.missing(); }));
  EXPECT_TRUE(await(asking.loops, messages.view(UserId(7), kTalk)));
  asking.stop();
  serving.stop();
}

}  // namespace
}  // namespace parley::rpc::testing
