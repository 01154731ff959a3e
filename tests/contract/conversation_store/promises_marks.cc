#include "promises.h"
#include "scene.h"

namespace parley::contract {
namespace {

Append mark(UserId user, Marks marks, std::vector<UserId> inboxes = {}) {
  return {direct(), {}, std::move(inboxes), false, {{direct(), user, marks}}};
}

void marks_start_at_zero_and_only_grow(Subject& s) {
  Scene scene(s);
  for (int i = 0; i < 5; ++i) scene.send(direct(), kAda);
  EXPECT_EQ(*scene.store().marks(direct(), kBob), Marks{});
  ASSERT_TRUE(scene.commit({mark(kBob, {Seq(4), Seq(3), 3})}));
  ASSERT_TRUE(scene.commit({mark(kBob, {Seq(2), Seq(2), 2})}));
  EXPECT_EQ(*scene.store().marks(direct(), kBob), (Marks{Seq(4), Seq(3), 3}));
  ASSERT_TRUE(scene.commit({mark(kBob, {Seq(5), Seq(1), 1})}));
  EXPECT_EQ(*scene.store().marks(direct(), kBob), (Marks{Seq(5), Seq(3), 3}));
  EXPECT_EQ(*scene.store().marks(direct(), kAda), (Marks{Seq(5), Seq(5), 5}));
  EXPECT_EQ(*scene.store().marks(direct(kAda, kCyd), kAda), Marks{});
}

void read_implies_delivered(Subject& s) {
  Scene scene(s);
  scene.send(direct(), kAda);
  ASSERT_TRUE(scene.commit({mark(kBob, {Seq(0), Seq(1), 1})}));
  EXPECT_EQ(*scene.store().marks(direct(), kBob), (Marks{Seq(1), Seq(1), 1}));
}

void an_inbox_row_tells_time_and_seq_of_the_last_entry(Subject& s) {
  Scene scene(s);
  for (int i = 0; i < 3; ++i) {
    const auto e = scene.send(direct());
    for (const auto user : {kAda, kBob}) {
      const auto rows = scene.store().inbox(user, TimeMs(0), {}, 10);
      ASSERT_TRUE(rows);
      ASSERT_EQ(rows->size(), 1U);
      EXPECT_EQ(rows->front().conversation, direct());
      EXPECT_EQ(rows->front().changed, e->time);
      EXPECT_EQ(rows->front().head, e->seq);
    }
  }
  EXPECT_TRUE(scene.store().inbox(kCyd, TimeMs(0), {}, 10)->empty());
}

void a_mark_alone_changes_the_inbox_rows_named(Subject& s) {
  Scene scene(s);
  const auto e = scene.send(direct());
  scene.pass(1000);
  ASSERT_TRUE(scene.commit({mark(kBob, {Seq(1), Seq(1), 1}, {kAda})}));
  const auto ada = scene.store().inbox(kAda, TimeMs(0), {}, 10);
  ASSERT_EQ(ada->size(), 1U);
  EXPECT_EQ(ada->front().changed, scene.now());
  EXPECT_EQ(ada->front().head, Seq(1));
  const auto bob = scene.store().inbox(kBob, TimeMs(0), {}, 10);
  ASSERT_EQ(bob->size(), 1U);
  EXPECT_EQ(bob->front().changed, e->time);
}

void an_inbox_is_paged_in_the_order_of_keys(Subject& s) {
  Scene scene(s);
  std::vector<ConversationId> expected;
  for (std::uint64_t peer : {300U, 8U, 70'000U, 9U, 255U, 256U}) {
    const auto conversation = direct(kAda, UserId(peer));
    scene.send(conversation);
    expected.push_back(conversation);
  }
  std::ranges::sort(expected, {}, [](const auto& c) { return c.key(); });
  std::vector<ConversationId> got;
  std::optional<ConversationId> after;
  for (;;) {
    const auto page = scene.store().inbox(kAda, TimeMs(0), after, 2);
    ASSERT_TRUE(page);
    if (page->empty()) break;
    EXPECT_LE(page->size(), 2U);
    for (const auto& row : *page) got.push_back(row.conversation);
    after = got.back();
    ASSERT_LE(got.size(), expected.size());
  }
  EXPECT_EQ(got, expected);
}

void an_inbox_since_a_time_holds_what_changed_at_or_after_it(Subject& s) {
  Scene scene(s);
  std::vector<EntryPtr> sent;
  for (std::uint64_t peer = 100; peer < 110; ++peer)
    sent.push_back(scene.send(direct(kAda, UserId(peer))));
  const auto count = [&](TimeMs since) {
    return scene.store().inbox(kAda, since, {}, 100)->size();
  };
  EXPECT_EQ(count(sent[0]->time), 10U);
  EXPECT_EQ(count(sent[6]->time), 4U);
  EXPECT_EQ(count(TimeMs(sent[6]->time.value + 1)), 3U);
  EXPECT_EQ(count(TimeMs(sent[9]->time.value + 1)), 0U);
  // Rows that are too old do not count towards the limit.
  EXPECT_EQ(scene.store().inbox(kAda, sent[8]->time, {}, 2)->size(), 2U);
}

void a_row_outlasts_a_commit_that_does_not_name_it(Subject& s) {
  Scene scene(s);
  const auto first = scene.send(direct());
  const auto second = scene.entry(direct());
  ASSERT_TRUE(scene.commit({{direct(), {second}, {kAda}, false, {}}}));
  EXPECT_EQ(scene.store().inbox(kAda, TimeMs(0), {}, 1)->front().head, Seq(2));
  EXPECT_EQ(scene.store().inbox(kBob, TimeMs(0), {}, 1)->front().head, first->seq);
}

}  // namespace

std::vector<Promise> mark_promises() {
  return {PROMISE(marks_start_at_zero_and_only_grow),
          PROMISE(read_implies_delivered),
          PROMISE(an_inbox_row_tells_time_and_seq_of_the_last_entry),
          PROMISE(a_mark_alone_changes_the_inbox_rows_named),
          PROMISE(an_inbox_is_paged_in_the_order_of_keys),
          PROMISE(an_inbox_since_a_time_holds_what_changed_at_or_after_it),
          PROMISE(a_row_outlasts_a_commit_that_does_not_name_it)};
}

}  // namespace parley::contract
