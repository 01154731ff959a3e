#include "promises.h"
#include "scene.h"

namespace parley::contract {
namespace {

void the_feed_holds_every_entry_in_commit_order_densely_from_one(Subject& s) {
  Scene scene(s);
  std::vector<EntryPtr> sent;
  for (int i = 0; i < 12; ++i) sent.push_back(scene.send(direct(kAda, UserId(50U + i % 3))));
  const auto feed = scene.feed().feed(0, 100);
  ASSERT_TRUE(feed);
  ASSERT_EQ(feed->size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ((*feed)[i].position, i + 1);
    EXPECT_EQ((*feed)[i].conversation, sent[i]->conversation);
    EXPECT_EQ((*feed)[i].seq, sent[i]->seq);
  }
}

void the_feed_is_read_in_pages_after_a_position(Subject& s) {
  Scene scene(s);
  for (int i = 0; i < 10; ++i) scene.send(direct());
  std::uint64_t after = 0, seen = 0;
  for (;;) {
    const auto page = scene.feed().feed(after, 3);
    ASSERT_TRUE(page);
    if (page->empty()) break;
    EXPECT_LE(page->size(), 3U);
    for (const auto& row : *page) EXPECT_EQ(row.position, ++seen);
    after = page->back().position;
  }
  EXPECT_EQ(seen, 10U);
  EXPECT_TRUE(scene.feed().feed(10, 5)->empty());
  EXPECT_TRUE(scene.feed().feed(500, 5)->empty());
  EXPECT_TRUE(scene.feed().feed(0, 0)->empty());
}

void an_entry_is_in_the_feed_as_soon_as_it_can_be_read(Subject& s) {
  Scene scene(s);
  for (std::uint64_t i = 1; i <= 10; ++i) {
    auto e = scene.entry(direct());
    const auto position = scene.commit({scene.append(direct(), {e})});
    ASSERT_TRUE(position);
    const auto row = scene.feed().feed(*position - 1, 1);
    ASSERT_EQ(row->size(), 1U);
    EXPECT_EQ(row->front().seq, e->seq);
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

}  // namespace

std::vector<Promise> feed_promises() {
  return {PROMISE(the_feed_holds_every_entry_in_commit_order_densely_from_one),
          PROMISE(the_feed_is_read_in_pages_after_a_position),
          PROMISE(an_entry_is_in_the_feed_as_soon_as_it_can_be_read),
          PROMISE(a_consumers_position_starts_at_zero_and_never_goes_back)};
}

}  // namespace parley::contract
