#include "services/message/publishing_store.h"

#include <atomic>
#include <future>
#include <gtest/gtest.h>

#include "adapters/conversation_store/memory/memory_conversation_store.h"
#include "adapters/stream/memory/stream.h"

namespace parley::message {
namespace {

using namespace std::chrono_literals;
using Outcome = Result<std::uint64_t>;

const ConversationId kGroup = ConversationId::group(9);
const ConversationId kTalk = ConversationId::direct(UserId(7), UserId(42));
constexpr auto kSoon = 20s;
constexpr PublishingSettings kQuick{.first_pause = 1ms, .longest_pause = 5ms};

std::string encode(const Entry& entry) { return std::to_string(entry.seq.value); }

std::vector<EntryPtr> entries_of(const ConversationId& id, std::uint64_t first,
                                 std::uint64_t last) {
  std::vector<EntryPtr> out;
  for (auto seq = first; seq <= last; ++seq)
    out.push_back(std::make_shared<Entry>(
        Entry{id, Seq(seq), MessageId(seq), UserId(7), DeviceId(1), TimeMs(1'000), {}, "hi"}));
  return out;
}

/// Does with each publication as `next` says, which is given its number, from 0.
class FaultyPublisher final : public StreamPublisher {
 public:
  enum class Does { passes_on, refuses, fails, keeps };
  using Next = std::function<Does(std::uint64_t number)>;

  FaultyPublisher(StreamPublisher& inner, Next next) : inner_(inner), next_(std::move(next)) {}
  ~FaultyPublisher() override {
    for (auto& done : kept_) done(fail(Code::unavailable, "the publisher ends"));
  }
  Result<void> publish(std::string_view key, std::string_view value, Done done) override {
    switch (next_(number++)) {
      case Does::refuses:
        return fail(Code::busy, "too many wait");
      case Does::fails:
        done(fail(Code::unavailable, "lost"));
        return {};
      case Does::keeps: {
        const std::lock_guard lock(mutex_);
        kept_.push_back(std::move(done));
        return {};
      }
      case Does::passes_on:
        break;
    }
    return inner_.publish(key, value, std::move(done));
  }
  std::size_t waiting() const override { return 0; }

  std::size_t kept() {
    const std::lock_guard lock(mutex_);
    return kept_.size();
  }
  /// As if it had been published only now.
  void answer_kept() {
    std::vector<Done> kept;
    {
      const std::lock_guard lock(mutex_);
      kept.swap(kept_);
    }
    for (auto& done : kept) done(StreamPlace{});
  }

  std::atomic<std::uint64_t> number{0};

 private:
  StreamPublisher& inner_;
  const Next next_;
  std::mutex mutex_;
  std::vector<Done> kept_;
};

class PublishingStoreTest : public testing::Test {
 protected:
  using Does = FaultyPublisher::Does;

  void open(FaultyPublisher::Next next) {
    faulty_.emplace(publisher_, std::move(next));
    store_.emplace(inner_, *faulty_, encode, kQuick);
  }
  std::future<Outcome> commit(const ConversationId& id, std::vector<EntryPtr> entries,
                              Generation generation = Generation(1)) {
    std::promise<Outcome> outcome;
    auto future = outcome.get_future();
    store_->commit(
        generation, TimeMs(1'000), {Append{id, std::move(entries), {}, false, {}}},
        [outcome = std::move(outcome)](Outcome got) mutable { outcome.set_value(std::move(got)); });
    return future;
  }
  static bool succeeds(std::future<Outcome> outcome) {
    return outcome.wait_for(kSoon) == std::future_status::ready && outcome.get().has_value();
  }
  /// The values on the stream, in order.
  std::vector<std::string> published(const ConversationId& id) {
    std::vector<std::string> out;
    stream::MemoryConsumer consumer(stream_, "another" + std::to_string(++consumers_), {});
    const auto records = consumer.read(1'000, 0ms);
    for (const auto& record : records.value())
      if (record.key == id.text()) out.push_back(record.value);
    return out;
  }
  static void await(const std::function<bool()>& condition) {
    for (const auto end = std::chrono::steady_clock::now() + kSoon; !condition();) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::yield();
    }
  }

  stream::MemoryStream stream_{4};
  stream::MemoryPublisher publisher_{stream_};
  MemoryConversationStore inner_{Generation(1), false};
  std::optional<FaultyPublisher> faulty_;
  std::optional<PublishingStore> store_;
  int consumers_ = 0;
};

using Values = std::vector<std::string>;

TEST_F(PublishingStoreTest, PublishesEachConversationsEntriesInOrder) {
  open([](auto) { return Does::passes_on; });
  for (std::uint64_t seq = 1; seq < 40; seq += 3) {
    auto group = commit(kGroup, entries_of(kGroup, seq, seq + 2));
    auto talk = commit(kTalk, entries_of(kTalk, seq, seq + 2));
    ASSERT_TRUE(succeeds(std::move(group)));
    ASSERT_TRUE(succeeds(std::move(talk)));
  }
  Values all;
  for (int seq = 1; seq <= 39; ++seq) all.push_back(std::to_string(seq));
  EXPECT_EQ(published(kGroup), all);
  EXPECT_EQ(published(kTalk), all);
}

TEST_F(PublishingStoreTest, AGroupsCommitIsAnsweredWhenAllIsPublished) {
  open([](auto number) { return number == 1 ? Does::keeps : Does::passes_on; });
  auto outcome = commit(kGroup, entries_of(kGroup, 1, 3));
  await([&] { return faulty_->number == 3; });
  EXPECT_EQ(outcome.wait_for(50ms), std::future_status::timeout);
  EXPECT_EQ(inner_.read(kGroup, Seq(1), Seq(3), 9, false)->size(), 3u) << "it is stored";
  faulty_->answer_kept();
  EXPECT_TRUE(succeeds(std::move(outcome)));
}

TEST_F(PublishingStoreTest, ADirectCommitWaitsForNothing) {
  open([](auto number) {
    return number == 0 ? Does::keeps : number == 1 ? Does::refuses : Does::fails;
  });
  EXPECT_TRUE(succeeds(commit(kTalk, entries_of(kTalk, 1, 3))));
  EXPECT_EQ(faulty_->number, 3u) << "each was tried once, and before the answer";
}

TEST_F(PublishingStoreTest, WhatIsRefusedIsRepeatedAndNothingOvertakesIt) {
  open([](auto number) { return number == 1 || number == 2 ? Does::refuses : Does::passes_on; });
  EXPECT_TRUE(succeeds(commit(kGroup, entries_of(kGroup, 1, 4))));
  EXPECT_EQ(published(kGroup), (Values{"1", "2", "3", "4"}));
}

TEST_F(PublishingStoreTest, WhatFailsIsRepeatedWithAllThatFollowedIt) {
  open([](auto number) { return number == 1 ? Does::fails : Does::passes_on; });
  EXPECT_TRUE(succeeds(commit(kGroup, entries_of(kGroup, 1, 3))));
  EXPECT_EQ(published(kGroup), (Values{"1", "3", "2", "3"}));
}

TEST_F(PublishingStoreTest, WhatIsNotStoredIsNotPublished) {
  open([](auto) { return Does::passes_on; });
  const auto outcome = commit(kGroup, entries_of(kGroup, 1, 1), Generation(5)).get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::stale_generation);
  EXPECT_TRUE(succeeds(commit(kGroup, {}))) << "marks alone";
  EXPECT_EQ(faulty_->number, 0u);
}

TEST_F(PublishingStoreTest, ClosingAnswersWhatIsNotPublished) {
  std::atomic<bool> keeps = true;
  open([&](auto) { return keeps ? Does::keeps : Does::refuses; });
  auto kept = commit(kGroup, entries_of(kGroup, 1, 1));
  await([&] { return faulty_->kept() == 1; });
  keeps = false;
  const auto other = ConversationId::group(10);
  auto refused = commit(other, entries_of(other, 1, 1));
  await([&] { return faulty_->number > 3; });
  EXPECT_EQ(refused.wait_for(0ms), std::future_status::timeout);
  store_->close(0ms);
  for (auto* outcome : {&kept, &refused}) {
    ASSERT_EQ(outcome->wait_for(kSoon), std::future_status::ready);
    EXPECT_EQ(outcome->get().error().code, Code::unavailable);
  }
  const auto third = ConversationId::group(11);
  EXPECT_EQ(commit(third, entries_of(third, 1, 1)).get().error().code, Code::unavailable)
      << "tried once";
  // The tail is for who begins it next, who commits it again.
  EXPECT_EQ(inner_.begin(kGroup, Generation(1))->tail.size(), 1u);
  store_.reset();
  faulty_->answer_kept();  // the publisher may answer after the store's end
}

TEST_F(PublishingStoreTest, ClosingWithPatienceLetsThePublisherAnswer) {
  open([](auto) { return Does::keeps; });
  auto outcome = commit(kGroup, entries_of(kGroup, 1, 1));
  await([&] { return faulty_->kept() == 1; });
  store_->close(60s);
  faulty_->answer_kept();
  EXPECT_TRUE(succeeds(std::move(outcome)));
}

TEST_F(PublishingStoreTest, EndingAnswersAllThatTheInnerStoreWasGiven) {
  open([](auto number) { return number % 2 ? Does::refuses : Does::passes_on; });
  std::atomic<int> answers = 0;
  for (std::uint64_t group = 1; group <= 200; ++group) {
    const auto id = ConversationId::group(group);
    store_->commit(Generation(1), TimeMs(1'000), {Append{id, entries_of(id, 1, 2), {}, false, {}}},
                   [&answers](const Outcome&) { ++answers; });
  }
  store_.reset();
  EXPECT_EQ(answers, 200);
}

TEST_F(PublishingStoreTest, ACommitMayBeginFromWithinAnAnswer) {
  open([](auto) { return Does::passes_on; });
  std::promise<Outcome> second;
  store_->commit(Generation(1), TimeMs(1'000),
                 {Append{kGroup, entries_of(kGroup, 1, 1), {}, false, {}}}, [&](const Outcome&) {
                   store_->commit(Generation(1), TimeMs(1'000),
                                  {Append{kGroup, entries_of(kGroup, 2, 2), {}, false, {}}},
                                  [&](Outcome got) { second.set_value(std::move(got)); });
                 });
  EXPECT_TRUE(succeeds(second.get_future()));
}

}  // namespace
}  // namespace parley::message
