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

TEST_P(ShardsTest, WhatAnotherOwnerStoredMeanwhileIsFoundAgain) {
  ASSERT_TRUE(send_one(key_7(1)));
  lose(shard);
  memory.take_over(Generation(++generation));
  // By another process: the same sender, with greater keys.
  Entry second = *memory.read(kTalk, Seq(1), Seq(1), 1, false)->front();
  second.seq = Seq(2);
  second.id = MessageId(second.id.value + 1);
  second.client_message_id = key_7(20);
  second.newest_key = *uuid_v7(key_7(20));
  std::promise<bool> stored;
  memory.commit(Generation(generation), second.time,
                {Append{kTalk, {std::make_shared<Entry>(second)}, {}, false, {}}},
                [&](Result<std::uint64_t> outcome) { stored.set_value(outcome.has_value()); });
  ASSERT_TRUE(stored.get_future().get());
  memory.take_over(Generation(++generation));
  gain(shard);
  ASSERT_TRUE(send_one("one that has the conversation loaded"));
  const auto again = send_one(key_7(20));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->seq, Seq(2));
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

/// Look-ups of keys that are answered late, the last one first.
class LateStore {
 public:
  explicit LateStore(std::size_t count) : left_(count) {}
  /// Returns when all were asked for and those asked for later were answered.
  void wait() {
    std::unique_lock lock(mutex_);
    const auto place = ++asked_;
    changed_.notify_all();
    const bool all = changed_.wait_for(lock, 60s, [&] { return asked_ >= left_ + answered_; });
    in_time_ = in_time_ && all && changed_.wait_for(lock, 60s, [&] { return place == left_; });
    --left_;
    ++answered_;
    changed_.notify_all();
  }
  bool in_time() {
    const std::lock_guard lock(mutex_);
    return in_time_ && left_ == 0;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t left_, asked_ = 0, answered_ = 0;
  bool in_time_ = true;
};

TEST_P(ShardsTest, KeysAreLookedUpSideBySideAndTheOrderStays) {
  ASSERT_TRUE(send_one("zero"));
  LateStore late(8);
  const std::function<void(std::string_view)> wait = [&](std::string_view) { late.wait(); };
  full.before_find = &wait;
  std::vector<SendRequest> batch;
  for (std::uint64_t i = 1; i <= 6; ++i)
    batch.push_back(message(i, kAnn, "key " + std::to_string(i), std::to_string(i)));
  // Of other conversations too, at the same time.
  batch.push_back(message(7, kAnn, "other", "x", ConversationId::direct(kAnn, kCat)));
  batch.push_back(message(8, kBob, "another", "x", ConversationId::direct(kBob, kCat)));
  for (const auto& answer : send(std::move(batch))) EXPECT_TRUE(answer.sent) << answer.token;
  full.before_find = nullptr;
  EXPECT_TRUE(late.in_time()) << "one look-up waited for another";
  const auto log = memory.read(kTalk, Seq(2), Seq(7), 10, false);
  ASSERT_EQ(log->size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ((*log)[i]->body, std::to_string(i + 1));
}

TEST_P(ShardsTest, WhoWasLookedUpDoesNotWaitForThoseWhoComeMeanwhile) {
  ASSERT_TRUE(send_one("zero"));
  // While one key is looked up, the next message comes, for as long as nothing is answered.
  const auto before = out.copy(out.sent).size();
  const auto answered = [&] { return out.copy(out.sent).size() > before; };
  std::atomic<std::uint64_t> sent = 0;
  const auto send_another = [&] {
    const auto n = ++sent;
    on_loop([&] { service->send({message(n, kAnn, "key " + std::to_string(n), "x")}, out); });
  };
  const std::function<void(std::string_view)> more = [&](std::string_view) {
    if (!answered() && sent < 1'000) send_another();
  };
  full.before_find = &more;
  send_another();
  ASSERT_TRUE(wait_until(answered));
  EXPECT_LT(sent, 1'000u);
  ASSERT_TRUE(wait_until([&] { return out.copy(out.sent).size() == before + sent; }));
  full.before_find = nullptr;
  EXPECT_EQ(memory.head(kTalk)->seq.value, 1 + sent);
}

TEST_P(ShardsTest, WhatTheOwnerKnowsIsNotReadAgain) {
  ASSERT_TRUE(send_one("one"));
  const auto marks = full.marks_read.load();
  for (const auto* key : {"two", "three", "four"}) ASSERT_TRUE(send_one(key));
  EXPECT_EQ(full.marks_read, marks);
  EXPECT_EQ(full.finds, 4);
  // More than one commit takes: each key is looked up once, also those that wait meanwhile.
  const auto many = 3 * Settings{}.batch_entries;
  std::vector<SendRequest> batch;
  for (std::uint64_t i = 0; i < many; ++i)
    batch.push_back(message(i, kAnn, "key " + std::to_string(i), "x"));
  batch.push_back(message(many, kAnn, "key 0", "x"));  // a twin: by then it is stored
  const auto answers = send(std::move(batch));
  EXPECT_EQ(memory.head(kTalk)->seq.value, 4 + many);
  EXPECT_EQ(full.finds, 4 + static_cast<int>(many) + 1);
  const auto twin = std::ranges::find(answers, many, &SendAnswer::token);
  ASSERT_TRUE(twin->sent);
  EXPECT_EQ(twin->sent->seq, Seq(5));
}

TEST_P(ShardsTest, AnOwnerThatStopsSendsWhoAsksForWhatItHandedOverToTheNext) {
  lose(shard);
  std::promise<void> drained;
  service->close([&] { drained.set_value(); });
  drained.get_future().get();
  EXPECT_EQ(send_one("one").error().code, Code::stale_generation);
  EXPECT_EQ(mark(kBob, Seq(1), Seq(1)).error().code, Code::stale_generation);
  const auto other = ConversationId::direct(kAnn, kCat);
  EXPECT_EQ(send({message(2, kAnn, "three", "x", other)})[0].sent.error().code, Code::unavailable);
  loops->stop();
  start();  // what the fixture ends
}

INSTANTIATE_TEST_SUITE_P(Loops, ShardsTest, ::testing::Values(Shape{1, false}, Shape{2, false}),
                         name_of);

}  // namespace
}  // namespace parley::message::testing
