#include <atomic>
#include <thread>

#include "promises.h"
#include "scene.h"

namespace parley::contract {
namespace {

void the_feed_holds_every_entry_in_commit_order_densely_from_one(Subject& s) {
  Scene scene(s);
  std::vector<EntryPtr> sent;
  for (int i = 0; i < 12; ++i) sent.push_back(scene.send(direct(kAda, UserId(50U + i % 3))));
  const auto feed = scene.feed().feed(0, 100, Feed::Of::all);
  ASSERT_TRUE(feed);
  ASSERT_EQ(feed->entries.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(feed->entries[i].position, i + 1);
    EXPECT_EQ(feed->entries[i].conversation, sent[i]->conversation);
    EXPECT_EQ(feed->entries[i].seq, sent[i]->seq);
  }
}

void the_feed_is_read_in_pages_after_a_position(Subject& s) {
  Scene scene(s);
  for (int i = 0; i < 10; ++i) scene.send(direct());
  std::uint64_t after = 0, seen = 0;
  for (;;) {
    const auto page = scene.feed().feed(after, 3, Feed::Of::all);
    ASSERT_TRUE(page);
    if (page->entries.empty()) break;
    EXPECT_LE(page->entries.size(), 3U);
    for (const auto& row : page->entries) EXPECT_EQ(row.position, ++seen);
    after = page->next;
  }
  EXPECT_EQ(seen, 10U);
  EXPECT_TRUE(scene.feed().feed(10, 5, Feed::Of::all)->entries.empty());
  EXPECT_TRUE(scene.feed().feed(500, 5, Feed::Of::all)->entries.empty());
  EXPECT_TRUE(scene.feed().feed(0, 0, Feed::Of::all)->entries.empty());
}

void an_entry_is_in_the_feed_as_soon_as_it_can_be_read(Subject& s) {
  Scene scene(s);
  for (std::uint64_t i = 1; i <= 10; ++i) {
    auto e = scene.entry(direct());
    const auto position = scene.commit({scene.append(direct(), {e})});
    ASSERT_TRUE(position);
    const auto row = scene.feed().feed(*position - 1, 1, Feed::Of::all);
    ASSERT_EQ(row->entries.size(), 1U);
    EXPECT_EQ(row->entries.front().seq, e->seq);
  }
}

void a_consumers_position_starts_at_zero_and_never_goes_back(Subject& s) {
  Scene scene(s);
  EXPECT_EQ(scene.feed().position("push"), 0U);
  scene.feed().set_position("push", 5);
  scene.feed().set_position("push", 3);
  EXPECT_EQ(scene.feed().position("push"), 5U);
  EXPECT_EQ(scene.feed().position("search"), 0U);
}

std::vector<std::uint64_t> positions(const Result<FeedPage>& page) {
  EXPECT_TRUE(page) << (page ? "" : page.error().message);
  std::vector<std::uint64_t> out;
  if (page)
    for (const auto& row : page->entries) out.push_back(row.position);
  return out;
}
std::vector<std::uint64_t> from_to(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> out;
  for (; from <= to; ++from) out.push_back(from);
  return out;
}

void the_feed_of_groups_passes_over_direct_entries(Subject& s) {
  Scene scene(s);
  std::vector<std::uint64_t> expected;
  for (std::uint64_t position = 1; position <= 22; ++position) {
    const bool of_group = position % 3 == 0;
    if (of_group) expected.push_back(position);
    const auto conversation = of_group ? kGroup : direct();
    ASSERT_TRUE(scene.commit({{conversation, {scene.entry(conversation)}, {kAda}, false, {}}}));
  }
  const auto all = scene.feed().feed(0, 100, Feed::Of::groups);
  EXPECT_EQ(positions(all), expected);
  EXPECT_EQ(all->next, 22U);
  std::uint64_t seq = 0;
  for (const auto& row : all->entries) {
    EXPECT_EQ(row.conversation, kGroup);
    EXPECT_EQ(row.seq, Seq(++seq));
  }
  std::vector<std::uint64_t> paged;
  for (std::uint64_t after = 0;;) {
    const auto page = scene.feed().feed(after, 2, Feed::Of::groups);
    const auto more = positions(page);
    ASSERT_LE(more.size(), 2U);
    paged.insert(paged.end(), more.begin(), more.end());
    ASSERT_GE(page->next, after);
    after = page->next;
    if (more.size() < 2) break;
  }
  EXPECT_EQ(paged, expected);
  EXPECT_EQ(scene.feed().feed(21, 10, Feed::Of::groups)->next, 22U);
}

void what_was_trimmed_is_passed_over_and_the_rest_stays(Subject& s) {
  Scene scene(s);
  for (int i = 0; i < 12; ++i) scene.send(direct());
  scene.feed().trim(5);
  EXPECT_EQ(positions(scene.feed().feed(0, 100, Feed::Of::all)), from_to(6, 12));
  scene.feed().trim(3);
  EXPECT_EQ(positions(scene.feed().feed(2, 3, Feed::Of::all)), from_to(6, 8));
  EXPECT_EQ(positions(scene.feed().feed(9, 100, Feed::Of::all)), from_to(10, 12));
  for (int i = 0; i < 8; ++i) scene.send(direct());
  EXPECT_EQ(positions(scene.feed().feed(0, 100, Feed::Of::all)), from_to(6, 20));
  scene.feed().trim(500);  // what does not exist yet cannot be trimmed
  const auto none = scene.feed().feed(0, 100, Feed::Of::all);
  EXPECT_EQ(positions(none), std::vector<std::uint64_t>{});
  EXPECT_EQ(none->next, 20U);
  scene.send(direct());
  EXPECT_EQ(positions(scene.feed().feed(0, 100, Feed::Of::all)), from_to(21, 21));
}

void a_reader_meets_no_damage_while_rows_are_trimmed(Subject& s) {
  Scene scene(s);
  constexpr std::uint64_t kSends = 150;
  std::atomic<bool> stop{false};
  std::thread consumer([&] {
    for (std::uint64_t after = 0, seen = 0; seen < kSends;) {
      const auto page = scene.feed().feed(after, 4, Feed::Of::all);
      ASSERT_TRUE(page) << page.error().message;
      for (const auto& row : page->entries) ASSERT_EQ(row.position, ++seen);
      after = page->next;
      scene.feed().trim(after);
      if (stop && page->entries.empty()) break;
    }
  });
  std::thread late([&] {  // always from the start
    while (!stop) {
      const auto page = scene.feed().feed(0, 1000, Feed::Of::all);
      ASSERT_TRUE(page) << page.error().message;
      const auto got = positions(page);
      if (!got.empty()) ASSERT_EQ(got, from_to(got.front(), page->next));
    }
  });
  for (std::uint64_t i = 0; i < kSends; ++i) scene.send(direct());
  stop = true;
  consumer.join();
  late.join();
}

// What was trimmed may be there again, if the store ended before it was gone for good.
void what_was_not_trimmed_survives_and_what_was_is_no_damage(Subject& s) {
  Scene scene(s);
  std::uint64_t sent = 0;
  for (std::uint64_t round = 0; round < 6; ++round) {
    for (int i = 0; i < 7; ++i, ++sent) scene.send(direct());
    const auto trimmed = sent - round;
    scene.feed().trim(trimmed);
    for (int i = 0; i < 2; ++i, ++sent) scene.send(direct());
    round % 2 == 0 ? s.reopen() : s.cut_power();
    const auto got = positions(scene.feed().feed(0, 1000, Feed::Of::all));
    ASSERT_FALSE(got.empty());
    EXPECT_LE(got.front(), trimmed + 1);
    EXPECT_EQ(got, from_to(got.front(), sent));
    EXPECT_EQ(positions(scene.feed().feed(trimmed, 1000, Feed::Of::all)),
              from_to(trimmed + 1, sent));
  }
}

}  // namespace

std::vector<Promise> feed_promises() {
  return {ONE_LOG_PROMISE(the_feed_holds_every_entry_in_commit_order_densely_from_one),
          ONE_LOG_PROMISE(the_feed_is_read_in_pages_after_a_position),
          ONE_LOG_PROMISE(an_entry_is_in_the_feed_as_soon_as_it_can_be_read),
          ONE_LOG_PROMISE(the_feed_of_groups_passes_over_direct_entries),
          ONE_LOG_PROMISE(what_was_trimmed_is_passed_over_and_the_rest_stays),
          ONE_LOG_PROMISE(a_reader_meets_no_damage_while_rows_are_trimmed),
          DURABLE_ONE_LOG_PROMISE(what_was_not_trimmed_survives_and_what_was_is_no_damage),
          ONE_LOG_PROMISE(a_consumers_position_starts_at_zero_and_never_goes_back)};
}

}  // namespace parley::contract
