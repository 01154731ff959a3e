#include "services/group/stream_feed.h"

#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>

#include "adapters/stream/memory/stream.h"

namespace parley::group {
namespace {

using namespace std::chrono_literals;
using stream::MemoryConsumer;

constexpr const char* kMe = "groups";
constexpr auto kSoon = 20s;

const auto kGroup = ConversationId::group;

EntryPtr decode(std::string_view key, std::string_view value) {
  if (value.starts_with('?')) return nullptr;
  Entry entry;
  entry.conversation = ConversationId::parse(key).value();
  entry.seq = Seq(std::stoull(std::string(value)));
  return std::make_shared<Entry>(std::move(entry));
}

struct Item {
  std::string conversation;
  std::uint64_t seq;
  auto operator<=>(const Item&) const = default;
};

class StreamFeedTest : public testing::Test {
 protected:
  StreamFeedTest() { loops_.start(); }
  ~StreamFeedTest() override { loops_.stop(); }

  /// A process's feed.
  struct Process {
    explicit Process(StreamFeedTest& test, StreamFeedSettings settings = {})
        : consumer(test.stream_, "groups", {}), feed(test.loops_, consumer, decode, settings) {}
    MemoryConsumer consumer;
    StreamFeed feed;
    std::uint64_t position = 0;
  };

  void publish(const ConversationId& id, std::string_view value) {
    ASSERT_TRUE(publisher_.publish(id.text(), value,
                                   [](const Result<StreamPlace>& place) { ASSERT_TRUE(place); }));
  }
  void publish(const ConversationId& id, std::uint64_t first, std::uint64_t last) {
    for (auto seq = first; seq <= last; ++seq) publish(id, std::to_string(seq));
  }
  template <class T>
  T run(Awaitable<T> work) {
    return boost::asio::co_spawn(loops_.at(0), std::move(work), boost::asio::use_future).get();
  }
  Result<FeedItems> read(Process& process, std::uint64_t after, std::size_t limit = 1'000,
                         std::chrono::milliseconds patience = 0ms) {
    return run(process.feed.read(after, limit, patience));
  }
  /// Reads on, as the consumer does, until it has had as many.
  std::vector<Item> read_on(Process& process, std::size_t count) {
    std::vector<Item> out;
    const auto end = std::chrono::steady_clock::now() + kSoon;
    while (out.size() < count && std::chrono::steady_clock::now() < end) {
      const auto page = read(process, process.position, 7, 10ms).value();
      for (const auto& item : page.items)
        out.push_back({item.entry->conversation.text(), item.entry->seq.value});
      EXPECT_GE(page.next, process.position);
      process.position = page.next;
    }
    EXPECT_EQ(out.size(), count);
    return out;
  }
  std::uint64_t lag(const Process& process) {
    std::uint64_t out = 0;
    for (const auto& lane : process.consumer.lag()) out += lane.records;
    return out;
  }

  Loops loops_{1, 2};
  stream::MemoryStream stream_{4};
  stream::MemoryPublisher publisher_{stream_};
};

std::vector<Item> items_of(const ConversationId& id, std::uint64_t first, std::uint64_t last) {
  std::vector<Item> out;
  for (auto seq = first; seq <= last; ++seq) out.push_back({id.text(), seq});
  return out;
}

TEST_F(StreamFeedTest, HandsOutEachGroupsEntriesInOrder) {
  for (std::uint64_t seq = 1; seq <= 20; ++seq)
    for (std::uint64_t group = 1; group <= 10; ++group) publish(kGroup(group), seq, seq);
  Process process(*this);
  EXPECT_EQ(run(process.feed.position(kMe)), 0u);
  const auto all = read_on(process, 200);
  for (std::uint64_t group = 1; group <= 10; ++group) {
    std::vector<Item> own;
    for (const auto& item : all)
      if (item.conversation == kGroup(group).text()) own.push_back(item);
    EXPECT_EQ(own, items_of(kGroup(group), 1, 20));
  }
  EXPECT_EQ(read(process, process.position)->items.size(), 0u);
}

TEST_F(StreamFeedTest, WaitsForWhatIsPublishedLater) {
  Process process(*this);
  auto page =
      boost::asio::co_spawn(loops_.at(0), process.feed.read(0, 10, kSoon), boost::asio::use_future);
  publish(kGroup(1), 1, 1);
  EXPECT_EQ(page.get()->items.size(), 1u);
}

TEST_F(StreamFeedTest, WhatWasNotPassedComesAgainAfterARestart) {
  publish(kGroup(1), 1, 10);
  {
    Process process(*this);
    EXPECT_EQ(read_on(process, 10), items_of(kGroup(1), 1, 10));
    process.feed.passed(kMe, 4);
    process.feed.passed(kMe, 3);
    EXPECT_EQ(run(process.feed.position(kMe)), 4u);
    EXPECT_EQ(lag(process), 6u);
  }
  Process process(*this);
  EXPECT_EQ(read_on(process, 6), items_of(kGroup(1), 5, 10));
  process.feed.passed(kMe, 6);
  EXPECT_EQ(lag(process), 0u);
}

TEST_F(StreamFeedTest, APageCanBeReadAgainUntilItIsPassed) {
  publish(kGroup(1), 1, 6);
  Process process(*this);
  const auto first = read(process, 0, 4).value();
  ASSERT_EQ(first.items.size(), 4u);
  EXPECT_EQ(first.next, 4u);
  const auto rest = read(process, first.next).value();
  ASSERT_EQ(rest.items.size(), 2u);
  process.feed.passed(kMe, 1);
  const auto begun = std::chrono::steady_clock::now();
  const auto again = read(process, 1, 4, kSoon).value();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kSoon) << "it waits for nothing new";
  ASSERT_EQ(again.items.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(again.items[i].position, i + 2);
    EXPECT_EQ(again.items[i].entry->seq, Seq(i + 2));
  }
  EXPECT_EQ(read(process, 0, 4)->items.front().position, 2u) << "what is passed is gone";
}

TEST_F(StreamFeedTest, DirectEntriesAndDamagedOnesArePassedOver) {
  const auto talk = ConversationId::direct(UserId(7), UserId(42));
  publish(talk, 1, 5);
  publish(kGroup(1), 1, 2);
  publish(kGroup(1), "?");
  publish(talk, 6, 9);
  publish(kGroup(1), 4, 4);
  Process process(*this);
  EXPECT_EQ(read_on(process, 3), (std::vector<Item>{{"g:1", 1}, {"g:1", 2}, {"g:1", 4}}));
  while (process.position < 13) process.position = read(process, process.position, 5)->next;
  EXPECT_EQ(lag(process), 13u) << "nothing is passed before its consumer says so";
  process.feed.passed(kMe, process.position);
  EXPECT_EQ(lag(process), 0u);
}

TEST_F(StreamFeedTest, ReadsNoFurtherThanMayBeUnpassed) {
  publish(kGroup(1), 1, 30);
  Process process(*this, {.unpassed = 10});
  EXPECT_EQ(read(process, 0)->items.size(), 10u);
  const auto none = read(process, 10, 100, 10ms).value();
  EXPECT_EQ(none.items.size(), 0u);
  EXPECT_EQ(none.next, 10u);
  auto waits = boost::asio::co_spawn(loops_.at(0), process.feed.read(10, 100, kSoon),
                                     boost::asio::use_future);
  process.feed.passed(kMe, 3);
  EXPECT_EQ(waits.get()->items.size(), 3u);
}

TEST_F(StreamFeedTest, StaysInTheGroupWhileItIsFull) {
  publish(kGroup(1), 1, 30);
  Process process(*this, {.unpassed = 10, .stay_every = 0ms});
  EXPECT_EQ(read(process, 0)->items.size(), 10u);
  EXPECT_EQ(read(process, 10)->items.size(), 1u);
}

TEST_F(StreamFeedTest, LanesThatGoToAnotherAreReadThereFromWhatWasPassed) {
  for (std::uint64_t group = 1; group <= 20; ++group) publish(kGroup(group), 1, 10);
  Process one(*this);
  auto had = read_on(one, 200);
  one.feed.passed(kMe, 100);
  std::vector<Item> passed(had.begin(), had.begin() + 100);
  {
    Process other(*this);
    std::vector<Item> others;
    // Neither's reading ends: each gives up and takes lanes in its own reads.
    for (const auto end = std::chrono::steady_clock::now() + kSoon;
         std::chrono::steady_clock::now() < end && lag(one) + lag(other) > 0;) {
      one.position = read(one, one.position)->next;
      const auto page = read(other, other.position).value();
      for (const auto& item : page.items)
        others.push_back({item.entry->conversation.text(), item.entry->seq.value});
      other.position = page.next;
      other.feed.passed(kMe, other.position);
      // Of the lanes that are no longer its own this passes nothing.
      if (!others.empty()) one.feed.passed(kMe, one.position);
    }
    EXPECT_EQ(lag(one) + lag(other), 0u);
    ASSERT_FALSE(others.empty());
    for (const auto& item : others)
      EXPECT_EQ(std::ranges::count(passed, item), 0) << item.conversation << ' ' << item.seq;
    EXPECT_LT(others.size(), 100u) << "the lanes of the other alone";
    had.insert(had.end(), others.begin(), others.end());
  }
  for (std::uint64_t group = 1; group <= 20; ++group)
    for (const auto& item : items_of(kGroup(group), 1, 10))
      EXPECT_GE(std::ranges::count(had, item), 1) << item.conversation << ' ' << item.seq;
  // All lanes come back, and each where the other was.
  publish(kGroup(1), 11, 11);
  EXPECT_EQ(read_on(one, 1), items_of(kGroup(1), 11, 11));
}

TEST_F(StreamFeedTest, ClosingEndsWhoWaitsAndRefusesOthers) {
  publish(kGroup(1), 1, 5);
  Process process(*this, {.unpassed = 5});
  EXPECT_EQ(read(process, 0)->items.size(), 5u);
  auto waits = boost::asio::co_spawn(loops_.at(0), process.feed.read(5, 100, 10min),
                                     boost::asio::use_future);
  process.feed.close();
  ASSERT_EQ(waits.wait_for(kSoon), std::future_status::ready);
  EXPECT_EQ(waits.get().error().code, Code::unavailable);
  EXPECT_EQ(read(process, 0).error().code, Code::unavailable);
}

}  // namespace
}  // namespace parley::group
