#include <atomic>
#include <mutex>
#include <thread>

#include "promises.h"
#include "scene.h"

namespace parley::contract {
namespace {

void an_answered_commit_can_be_read_at_once(Subject& s) {
  Scene scene(s);
  for (int i = 0; i < 20; ++i) {
    auto e = scene.entry(direct());
    std::promise<std::pair<std::uint64_t, std::size_t>> seen;
    scene.store().commit(scene.generation(), scene.now(), {scene.append(direct(), {e})},
                         [&](Result<std::uint64_t> answer) {
                           EXPECT_TRUE(answer);
                           auto head = scene.store().head(direct());
                           auto read = scene.store().read(direct(), e->seq, e->seq, 1, false);
                           seen.set_value({head ? head->seq.value : 0, read ? read->size() : 0});
                         });
    auto future = seen.get_future();
    ASSERT_EQ(future.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    const auto [head, count] = future.get();
    EXPECT_EQ(head, e->seq.value);
    EXPECT_EQ(count, 1U);
  }
}

void an_entry_is_there_once_as_it_was_sent(Subject& s) {
  Scene scene(s);
  std::vector<EntryPtr> sent;
  for (int i = 0; i < 20; ++i) sent.push_back(scene.send(direct(), i % 2 ? kAda : kBob));
  expect_same(scene.log(direct()), sent);
}

void answers_run_in_the_order_of_the_calls_on_one_thread_of_the_store(Subject& s) {
  Scene scene(s);
  std::mutex mutex;
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  std::promise<void> all;
  constexpr int kCalls = 200;
  for (int i = 0; i < kCalls; ++i) {
    // Every tenth is refused: an error takes its turn as well.
    const auto generation = i % 10 == 9 ? Generation(0) : scene.generation();
    auto conversation = direct(kAda, UserId(static_cast<std::uint64_t>(1000 + i)));
    scene.store().commit(generation, scene.now(),
                         {scene.append(conversation, {scene.entry(conversation)})},
                         [&, i](Result<std::uint64_t> answer) {
                           EXPECT_EQ(answer.has_value(), i % 10 != 9);
                           const std::lock_guard lock(mutex);
                           order.push_back(i);
                           threads.push_back(std::this_thread::get_id());
                           if (order.size() == kCalls) all.set_value();
                         });
  }
  auto future = all.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  const std::lock_guard lock(mutex);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  for (const auto& id : threads) {
    EXPECT_EQ(id, threads.front());
    EXPECT_NE(id, std::this_thread::get_id());
  }
}

void a_group_is_stored_whole(Subject& s) {
  Scene scene(s);
  const auto one = direct(), two = direct(kAda, kCyd);
  std::vector<EntryPtr> a{scene.entry(one), scene.entry(one, kBob)}, b{scene.entry(two)};
  ASSERT_TRUE(scene.commit({scene.append(one, a), scene.append(two, b)}));
  expect_same(scene.log(one), a);
  expect_same(scene.log(two), b);
  EXPECT_EQ(scene.store().marks(one, kBob)->read, Seq(2));
  EXPECT_EQ(scene.store().inbox(kAda, TimeMs(0), {}, 10)->size(), 2U);
  EXPECT_EQ(scene.feed().feed(0, 10, Feed::Of::all)->entries.size(), 3U);
}

void an_answer_says_the_feed_position_of_the_last_entry_stored(Subject& s) {
  Scene scene(s);
  EXPECT_EQ(scene.commit({scene.append(direct(), {scene.entry(direct()), scene.entry(direct())})}),
            2U);
  EXPECT_EQ(scene.commit({scene.append(direct(), {scene.entry(direct())})}), 3U);
  EXPECT_EQ(scene.commit({{direct(), {}, {}, false, {{direct(), kBob, {Seq(1), Seq(1), 1}}}}}), 3U);
}

void another_generation_is_refused_and_nothing_is_stored(Subject& s) {
  Scene scene(s);
  const auto first = scene.send(direct());
  const auto other = direct(kBob, kCyd);
  const auto generation = scene.generation();
  ASSERT_GE(generation, Generation(1));
  const auto answer = scene.commit(Generation(generation.value - 1), scene.now(),
                                   {scene.append(other, {scene.entry(other)})});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::stale_generation);
  EXPECT_EQ(*scene.store().head(other), Head{});
  EXPECT_TRUE(scene.log(other).empty());
  EXPECT_TRUE(scene.store().inbox(kCyd, TimeMs(0), {}, 10)->empty());
  if (scene.has_feed()) EXPECT_EQ(scene.feed().feed(0, 10, Feed::Of::all)->entries.size(), 1U);
  expect_same(scene.log(direct()), {first});
}

void a_writer_begins_at_the_head_and_only_in_its_own_generation(Subject& s) {
  Scene scene(s);
  for (int i = 0; i < 3; ++i) {
    const auto begun = scene.store().begin(direct(), scene.generation());
    ASSERT_TRUE(begun) << begun.error().message;
    // What was committed may come again as a tail, but never anything else.
    EXPECT_EQ(begun->head.seq.value + begun->tail.size(), static_cast<std::uint64_t>(i));
    const auto newest =
        begun->tail.empty() ? begun->head.newest_key : begun->tail.back()->newest_key;
    EXPECT_EQ(newest.high, static_cast<std::uint64_t>(i));
    scene.send(direct());
  }
  const auto other = scene.store().begin(direct(), Generation(scene.generation().value - 1));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::stale_generation);
}

void many_threads_may_append_and_read_at_once(Subject& s) {
  Scene scene(s);
  constexpr std::uint64_t kThreads = 4, kEach = 100;
  std::atomic<bool> stop{false};
  std::vector<std::vector<EntryPtr>> sent(kThreads);
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      Scene own(s);
      for (std::uint64_t i = 0; i < kEach; ++i) sent[t].push_back(own.send(direct(UserId(t + 1))));
    });
  std::thread reader([&] {
    while (!stop) {
      for (std::uint64_t t = 0; t < kThreads; ++t) {
        const auto conversation = direct(UserId(t + 1));
        const auto head = scene.store().head(conversation);
        ASSERT_TRUE(head);
        const auto read = scene.store().read(conversation, Seq(1), head->seq, 1000, false);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->size(), head->seq.value);
      }
    }
  });
  for (auto& thread : threads) thread.join();
  stop = true;
  reader.join();
  for (std::uint64_t t = 0; t < kThreads; ++t)
    expect_same(scene.log(direct(UserId(t + 1))), sent[t]);
  if (scene.has_feed())
    EXPECT_EQ(scene.feed().feed(0, 10'000, Feed::Of::all)->entries.size(), kThreads * kEach);
}

}  // namespace

std::vector<Promise> append_promises() {
  return {PROMISE(an_answered_commit_can_be_read_at_once),
          PROMISE(an_entry_is_there_once_as_it_was_sent),
          ONE_LOG_PROMISE(answers_run_in_the_order_of_the_calls_on_one_thread_of_the_store),
          ONE_LOG_PROMISE(a_group_is_stored_whole),
          ONE_LOG_PROMISE(an_answer_says_the_feed_position_of_the_last_entry_stored),
          PROMISE(another_generation_is_refused_and_nothing_is_stored),
          PROMISE(a_writer_begins_at_the_head_and_only_in_its_own_generation),
          PROMISE(many_threads_may_append_and_read_at_once)};
}

}  // namespace parley::contract
