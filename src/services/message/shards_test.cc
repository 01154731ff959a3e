#include "services/message/testing/fixture.h"

namespace parley::message::testing {
namespace {

/// A log for each conversation: the process owns shards for a while.
class ShardsTest : public MessageServiceTest {
 protected:
  void lose(ShardId which) {
    std::promise<void> idle;
    service->lose({which}, [&] { idle.set_value(); });
    idle.get_future().get();
  }
  void gain(ShardId which) {
    std::promise<void> served;
    service->gain({{which, Generation(generation), nullptr}},
                  [&](const ShardGrant&) { served.set_value(); });
    served.get_future().get();
  }
  Result<Head> send_one(const std::string& key, const std::string& body = "body") {
    return send({message(1, kAnn, key, body)})[0].sent;
  }
  const ShardId shard = shard_of(kTalk);
};

TEST_P(ShardsTest, WhatIsNotOwnedIsRefusedForAnotherToTake) {
  ASSERT_TRUE(send_one("one"));
  lose(shard);
  const auto refused = send_one("two");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::stale_generation);
  EXPECT_EQ(mark(kBob, Seq(1), Seq(1)).error().code, Code::stale_generation);
  EXPECT_EQ(memory.head(kTalk)->seq, Seq(1));
  // Other shards are served on.
  const auto other = ConversationId::direct(kAnn, kCat);
  ASSERT_NE(shard_of(other), shard);
  EXPECT_TRUE(send({message(2, kAnn, "three", "x", other)})[0].sent);
}

TEST_P(ShardsTest, AShardThatCameBackGoesOnWhereItsLogEnds) {
  const auto first = send_one("one");
  ASSERT_TRUE(first);
  lose(shard);
  gain(shard);
  const auto again = send_one("one");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->seq, Seq(1));
  EXPECT_EQ(again->id, first->id);
  const auto second = send_one("two");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->seq, Seq(2));
  EXPECT_GT(second->id, first->id);
}

TEST_P(ShardsTest, ALeaseThatPassedOnUnnoticedAcknowledgesNothingMore) {
  ASSERT_TRUE(send_one("one"));
  memory.take_over(Generation(++generation));  // by a process that this one has not heard of
  const auto refused = send_one("two");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::stale_generation);
  EXPECT_EQ(memory.head(kTalk)->seq, Seq(1));
  // And once it owns the shard again it begins with what is stored.
  gain(shard);
  const auto second = send_one("two");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->seq, Seq(2));
}

TEST_P(ShardsTest, ManySendsAcrossHandOversAreEachThereOnceInOrder) {
  std::vector<std::string> sent;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 5; ++i) {
      const auto key = "key " + std::to_string(round) + " " + std::to_string(i);
      ASSERT_TRUE(send_one(key, key));
      sent.push_back(key);
      if (i == 2) {  // a retry, later by another owner
        ASSERT_TRUE(send_one(key, key));
      }
    }
    lose(shard);
    if (round % 2) memory.take_over(Generation(++generation));
    gain(shard);
    const auto retried = send_one(sent.back(), sent.back());
    ASSERT_TRUE(retried);
    EXPECT_EQ(retried->seq.value, sent.size());
  }
  const auto log = memory.read(kTalk, Seq(1), Seq(1'000), 1'000, false);
  ASSERT_EQ(log->size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_EQ((*log)[i]->body, sent[i]);
}

TEST_P(ShardsTest, WhoGainsAShardPushesWhatNobodyConfirmed) {
  ASSERT_TRUE(send_one("one"));
  lose(shard);  // its checks, too, are the next owner's
  stop();
  out.pushes.clear();
  hybrid.observe(TimeMs(clock.wall().value));
  start();
  clock.advance(5s);
  ASSERT_TRUE(wait_until([&] { return !out.copy(out.pushes).empty(); }));
  EXPECT_EQ(out.copy(out.pushes)[0].user, kBob);
  EXPECT_EQ(out.copy(out.pushes)[0].seq, Seq(1));
}

TEST_P(ShardsTest, TheHeadIsToldByTheOwnerOnceTheTailIsCommittedAgain) {
  const auto empty = run(service->head(kTalk));
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_EQ(empty->seq, Seq(0));
  // Who only asks makes no conversation.
  const auto strangers = ConversationId::direct(kAnn, kNobody);
  EXPECT_EQ(run(service->head(strangers))->seq, Seq(0));
  EXPECT_EQ(send({message(1, kAnn, "k", "x", strangers)})[0].sent.error().code, Code::not_found);
  const auto sent = send_one("one");
  EXPECT_EQ(*run(service->head(kTalk)), *sent);
  lose(shard);
  EXPECT_EQ(run(service->head(kTalk)).error().code, Code::stale_generation);
  memory.take_over(Generation(++generation));
  gain(shard);
  EXPECT_EQ(*run(service->head(kTalk)), *sent);
  holds = false;
  EXPECT_EQ(run(service->head(kTalk)).error().code, Code::stale_generation);
  holds = true;
}

INSTANTIATE_TEST_SUITE_P(Loops, ShardsTest, ::testing::Values(Shape{1, false}, Shape{2, false}),
                         name_of);

}  // namespace
}  // namespace parley::message::testing
