// What keeps a log right although Cassandra cannot refuse a writer that lost its lease
// (docs/ownership.md): several processes on one keyspace, some of which do not know yet.
#include <atomic>

#include "base/check.h"
#include "cassandra.h"
#include "scene.h"

namespace parley::contract {
namespace {

/// A process: what it believes of its lease is the test's to say.
class Process final : public Subject {
 public:
  explicit Process(std::uint64_t generation, std::uint64_t bucket_entries = 4)
      : generation_(generation) {
    CassandraConversationStoreSettings settings;
    settings.bucket_entries = bucket_entries;
    settings.holds = [this](ShardId, Generation of) {
      if (of.value != generation_ || looks_left_ == 0) return false;
      if (looks_left_ > 0) --looks_left_;
      return true;
    };
    settings.ask_owner = [](const ConversationId&) { return Head(); };
    auto opened = CassandraConversationStore::open(Cassandra::instance().keyspace().open(),
                                                   std::move(settings));
    PARLEY_CHECK(opened, opened.error().message);
    store_ = std::move(*opened);
  }
  ConversationStore& store() override { return *store_; }
  CassandraConversationStore& whole() { return *store_; }
  Feed* feed() override { return nullptr; }
  Generation generation() override { return Generation(generation_); }

  /// The lease is found to hold so many times more, and then no more.
  void lose_after(int looks) { looks_left_ = looks; }
  /// It was renewed after all: nobody had taken the shard.
  void renew() { looks_left_ = -1; }

  Begun begin(const ConversationId& id = direct()) {
    auto begun = store_->begin(id, generation());
    EXPECT_TRUE(begun) << (begun ? "" : begun.error().message);
    return begun ? std::move(*begun) : Begun();
  }

 private:
  const std::uint64_t generation_;
  std::atomic<int> looks_left_ = -1;
  std::unique_ptr<CassandraConversationStore> store_;
};

std::vector<std::uint64_t> seqs(const std::vector<EntryPtr>& entries) {
  std::vector<std::uint64_t> out;
  for (const auto& entry : entries) out.push_back(entry->seq.value);
  return out;
}
using Seqs = std::vector<std::uint64_t>;

class Ownership : public ::testing::Test {
 protected:
  Ownership() { Cassandra::instance().empty(); }
};

TEST_F(Ownership, WhatWasStoredUnderALeaseThatEndedMeanwhileIsNotAcknowledged) {
  Process one(1), two(2);
  Scene scene(one);
  const auto first = scene.send(direct());
  one.lose_after(1);  // looked at before the write, and found gone after it
  const auto second = scene.entry(direct());
  const auto answer = scene.commit({scene.append(direct(), {second})});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::stale_generation);
  // It may be there or not: it is, and the next owner keeps it.
  const auto begun = two.begin();
  EXPECT_EQ(begun.head.seq, Seq(1));
  ASSERT_EQ(seqs(begun.tail), Seqs{2});
  EXPECT_EQ(*begun.tail[0], *second);
}

TEST_F(Ownership, AGenerationThatLeftAWriteUncertainIsOverAlsoIfItsLeaseIsRenewed) {
  Process one(1);
  Scene scene(one);
  scene.send(direct());
  one.lose_after(1);
  EXPECT_EQ(scene.commit({scene.append(direct(), {scene.entry(direct())})}).error().code,
            Code::stale_generation);
  one.renew();
  EXPECT_EQ(one.store().begin(direct(), Generation(1)).error().code, Code::stale_generation);
  // Of that shard alone: nothing of another was left uncertain.
  auto other = direct(kAda, kCyd);
  ASSERT_NE(shard_of(other), shard_of(direct()));
  scene.send(other);
}

TEST_F(Ownership, ALogWhoseLastBatchesAreLongIsBegunFromOneRead) {
  Process one(1, 1'000), two(2, 1'000);
  Scene scene(one);
  std::vector<EntryPtr> sent;
  for (int batch = 0; batch < 3; ++batch) {
    std::vector<EntryPtr> entries;
    for (int i = 0; i < 256; ++i) sent.push_back(entries.emplace_back(scene.entry(direct())));
    ASSERT_TRUE(scene.commit({scene.append(direct(), entries)}));
  }
  const auto begun = two.begin();
  EXPECT_EQ(begun.head.seq, Seq(512));
  EXPECT_EQ(begun.tail.size(), 256U);
  expect_same(begun.tail, {sent.begin() + 512, sent.end()});
}

TEST_F(Ownership, NothingIsWrittenOnceTheLeaseIsGone) {
  Process one(1);
  Scene scene(one);
  one.lose_after(0);
  EXPECT_EQ(scene.commit({scene.append(direct(), {scene.entry(direct())})}).error().code,
            Code::stale_generation);
  EXPECT_EQ(one.store().begin(direct(), Generation(1)).error().code, Code::stale_generation);
  EXPECT_TRUE(Process(2).begin().tail.empty());
}

TEST_F(Ownership, ALeaseThatEndsWhileTheEndIsReadBeginsNothing) {
  Process one(1);
  Scene scene(one);
  scene.send(direct());
  one.lose_after(1);
  EXPECT_EQ(one.store().begin(direct(), Generation(1)).error().code, Code::stale_generation);
}

TEST_F(Ownership, ATailIsCommittedAgainUnderTheNewGeneration) {
  Process one(1), two(2), three(3);
  Scene scene(one);
  scene.send(direct());
  const auto second = scene.send(direct());
  const auto begun = two.begin();
  ASSERT_EQ(seqs(begun.tail), Seqs{2});
  Scene next(two);
  ASSERT_TRUE(next.commit({next.append(direct(), begun.tail)}));
  // The generation of the last row has risen: who comes with an older one is refused.
  EXPECT_EQ(one.store().begin(direct(), Generation(1)).error().code, Code::stale_generation);
  EXPECT_EQ(*three.begin().tail[0], *second);
}

TEST_F(Ownership, ALateWriteOfAnOlderGenerationChangesNothing) {
  Process one(1), two(2);
  Scene scene(one), next(two);
  const auto lost = scene.entry(direct(), kAda, "lost", "key of one");
  const auto kept = next.entry(direct(), kBob, "kept", "key of two");
  ASSERT_TRUE(next.commit({next.append(direct(), {kept})}));
  // It still believes itself the owner, and numbered this before.
  ASSERT_TRUE(scene.commit({scene.append(direct(), {lost})}));
  expect_same(next.log(direct()), {kept});
  // Its key came to be stored, but the log has another message at that seq.
  EXPECT_EQ(*two.store().find(direct(), kAda, "key of one"), std::nullopt);
  EXPECT_EQ((*two.store().find(direct(), kBob, "key of two"))->seq, Seq(1));
}

TEST_F(Ownership, WhatAnOlderGenerationWroteBehindTheEndIsNoPartOfTheLog) {
  Process one(1), two(2), three(3);
  Scene scene(one), next(two);
  const std::vector<EntryPtr> late{scene.entry(direct()), scene.entry(direct()),
                                   scene.entry(direct())};
  const auto kept = next.entry(direct());
  ASSERT_TRUE(next.commit({next.append(direct(), {kept})}));
  ASSERT_TRUE(scene.commit({scene.append(direct(), late)}));
  const auto begun = three.begin();
  EXPECT_EQ(begun.head.seq, Seq(0));
  ASSERT_EQ(seqs(begun.tail), Seqs{1});
  EXPECT_EQ(*begun.tail[0], *kept);
  Scene last(three);
  ASSERT_TRUE(last.commit({last.append(direct(), begun.tail)}));
  last.entry(direct());  // seq 1, which is there
  const auto second = last.entry(direct(), kCyd, "second", "second");
  ASSERT_TRUE(last.commit({last.append(direct(), {second})}));
  EXPECT_EQ(*(*three.store().read(direct(), Seq(2), Seq(2), 1, false))[0], *second);
  EXPECT_EQ(seqs(three.begin().tail), Seqs{2}) << "seq 3 is of the first generation still";
}

TEST_F(Ownership, WhoForgotBeginsAgainInTheSameGeneration) {
  Process one(1);
  Scene scene(one);
  for (std::uint64_t i = 1; i <= 12; ++i) {  // over three partitions
    const auto sent = scene.send(direct());
    const auto begun = one.begin();
    EXPECT_EQ(begun.head.seq.value, i - 1);
    ASSERT_EQ(seqs(begun.tail), Seqs{i});
    EXPECT_EQ(*begun.tail[0], *sent);
    ASSERT_TRUE(scene.commit({scene.append(direct(), begun.tail)}));
  }
  EXPECT_EQ(scene.log(direct()).size(), 12U);
}

TEST_F(Ownership, AnAppendOverPartitionsIsWholeAndItsTailIsWhatFollowsTheLastHead) {
  Process one(1), two(2);
  Scene scene(one);
  std::vector<EntryPtr> sent;
  for (int i = 0; i < 11; ++i) sent.push_back(scene.entry(direct()));
  ASSERT_TRUE(scene.commit({scene.append(direct(), sent)}));
  expect_same(scene.log(direct()), sent);
  const auto begun = two.begin();
  EXPECT_EQ(begun.head.seq, Seq(8));  // a partition is begun when the one before is committed
  EXPECT_EQ(seqs(begun.tail), (Seqs{9, 10, 11}));
  for (const auto& entry : sent)
    EXPECT_TRUE(two.store().find(direct(), entry->sender, entry->client_message_id)->has_value());
}

TEST_F(Ownership, AStoreOfOtherPartitionsIsRefused) {
  Process one(1, 4);
  CassandraConversationStoreSettings settings;
  settings.bucket_entries = 5;
  const auto other = CassandraConversationStore::open(Cassandra::instance().keyspace().open(),
                                                      std::move(settings));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::unsupported);
  EXPECT_NE(other.error().message.find("bucket_entries = 4, this program has 5"),
            std::string::npos);
}

TEST_F(Ownership, WhatShardsGotSinceATimeIsFoundByTheirNextOwner) {
  Process one(1), two(2);
  auto& duties = two.whole();
  const auto shard = shard_of(direct());
  std::vector<ShardId> all;  // more than are asked for in one statement
  for (std::uint32_t i = 0; i < kShards; ++i) all.emplace_back(i);
  const auto said = duties.settled(all);
  ASSERT_TRUE(said);
  EXPECT_EQ(*said, std::vector<TimeMs>(kShards));
  const auto now = TimeMs(std::chrono::duration_cast<std::chrono::milliseconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count());
  Scene scene(one);
  scene.pass(now.value - scene.now().value);
  scene.send(direct());
  scene.send(direct());
  std::vector<ShardTime> since;
  for (const auto each : all) since.push_back({each, now});
  const auto found = duties.touched(since);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, std::vector{direct()});
  since.erase(since.begin() + shard.value);
  EXPECT_TRUE(duties.touched(since)->empty());
  // Of the others, those of ten minutes ago; of this one, none yet to come.
  for (auto& each : since) each.time = TimeMs(now.value - 600'000);
  since.push_back({shard, TimeMs(now.value + 86'400'000)});
  EXPECT_TRUE(duties.touched(since)->empty());
  const ShardId other((shard.value + 1) % kShards);
  ASSERT_TRUE(duties.set_settled(std::vector{shard, other}, now));
  ASSERT_TRUE(one.whole().set_settled(std::vector{shard}, TimeMs(now.value - 1)));
  const auto three = std::vector{other, ShardId((shard.value + 2) % kShards), shard};
  EXPECT_EQ(duties.settled(three), (std::vector{now, TimeMs(0), now}));
}

}  // namespace
}  // namespace parley::contract
