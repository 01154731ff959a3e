#include "promises.h"
#include "scene.h"

namespace parley::contract {
namespace {

using What = GroupChange::What;

Marks joined(std::uint64_t seq) { return {Seq(seq), Seq(seq), 0, Seq(seq), {}}; }
Marks left(std::uint64_t seq) { return {{}, {}, 0, {}, Seq(seq)}; }

/// Marks alone, of users of the group.
Append marks(std::vector<std::pair<std::uint64_t, Marks>> of, std::vector<UserId> inboxes = {}) {
  Append append{kGroup, {}, std::move(inboxes), false, {}};
  for (const auto& [user, marks] : of) append.marks.push_back({kGroup, UserId(user), marks});
  return append;
}

/// Everybody in the group, by pages.
std::vector<Participant> everybody(Scene& scene, std::size_t page_size) {
  std::vector<Participant> all;
  UserId after;
  for (;;) {
    const auto page = scene.store().participants(kGroup, after, page_size);
    EXPECT_TRUE(page) << (page ? "" : page.error().message);
    if (!page) return all;
    EXPECT_LE(page->size(), page_size);
    all.insert(all.end(), page->begin(), page->end());
    if (page->size() < page_size) return all;
    after = all.back().user;
  }
}

void a_change_of_a_group_comes_back_with_the_state_after_it(Subject& s) {
  Scene scene(s);
  const std::vector<EntryPtr> log{
      scene.change(kGroup, {What::created, 1, "a title", {kAda, kBob}, {}}, {2, false, false}),
      scene.change(kGroup, {What::role, 2, "", {kBob}, Role::admin}, {2, false, false}),
      scene.change(kGroup, {What::added, 3, "", {kCyd}, {}}, {501, true, false}),
      scene.change(kGroup, {What::dissolved, 4, "", {}, {}}, {501, true, true})};
  for (const auto& e : log) {
    ASSERT_TRUE(scene.commit({{kGroup, {e}, {kAda}, false, {}}}));
    EXPECT_EQ(*scene.store().head(kGroup), head_after(*e));
  }
  expect_same(scene.log(kGroup), log);
  // A direct conversation's entries, written by the same store, have none of it.
  const auto plain = scene.send(direct());
  expect_same(scene.log(direct()), {plain});
  EXPECT_EQ(scene.store().head(direct())->group, GroupState{});
}

void joined_and_left_merge_by_maximum_beside_the_other_marks(Subject& s) {
  Scene scene(s);
  ASSERT_TRUE(scene.commit({marks({{7, joined(3)}})}));
  ASSERT_TRUE(scene.commit({marks({{7, {Seq(9), Seq(8), 6}}})}));
  ASSERT_TRUE(scene.commit({marks({{7, left(10)}})}));
  ASSERT_TRUE(scene.commit({marks({{7, left(5)}})}));
  EXPECT_EQ(*scene.store().marks(kGroup, kAda), (Marks{Seq(9), Seq(8), 6, Seq(3), Seq(10)}));
  EXPECT_FALSE(scene.store().marks(kGroup, kAda)->member());
  ASSERT_TRUE(scene.commit({marks({{7, joined(12)}})}));
  EXPECT_EQ(*scene.store().marks(kGroup, kAda), (Marks{Seq(12), Seq(12), 0, Seq(12), Seq(10)}));
  EXPECT_TRUE(scene.store().marks(kGroup, kAda)->member());
}

void participants_are_those_who_ever_joined_by_rising_user(Subject& s) {
  Scene scene(s);
  EXPECT_TRUE(scene.store().participants(kGroup, UserId(0), 10)->empty());
  ASSERT_TRUE(scene.commit({marks({{300, joined(1)}, {7, joined(1)}, {255, joined(1)}})}));
  // Who has marks and never joined is none of them, nor is who is in another conversation.
  ASSERT_TRUE(scene.commit({marks({{8, {Seq(1), Seq(1), 1}}, {9, left(1)}}, {UserId(10)})}));
  const auto other = ConversationId::group(914);
  ASSERT_TRUE(scene.commit({{other, {}, {}, false, {{other, UserId(11), joined(1)}}}}));
  scene.send(direct());
  // Marks that come later, of whatever kind, are merged.
  ASSERT_TRUE(scene.commit({marks({{255, left(4)}, {7, {Seq(6), Seq(5), 4}}})}));
  ASSERT_TRUE(scene.commit({marks({{256, joined(7)}})}));
  const std::vector<Participant> expected{{UserId(7), {Seq(6), Seq(5), 4, Seq(1), {}}},
                                          {UserId(255), {Seq(1), Seq(1), 0, Seq(1), Seq(4)}},
                                          {UserId(256), joined(7)},
                                          {UserId(300), joined(1)}};
  for (const std::size_t page : {1U, 2U, 4U, 100U}) EXPECT_EQ(everybody(scene, page), expected);
  EXPECT_TRUE(scene.store().participants(kGroup, UserId(7), 0)->empty());
  EXPECT_TRUE(scene.store().participants(direct(), UserId(0), 10)->empty());
}

void thousands_of_participants_are_read_in_pages(Subject& s) {
  Scene scene(s);
  constexpr std::uint64_t kUsers = 3'000;
  std::vector<Participant> expected;
  for (std::uint64_t round = 1; round <= 4; ++round) {
    // In each round every third user is one who never joins.
    std::vector<std::pair<std::uint64_t, Marks>> users;
    for (auto user = round; user <= kUsers; user += 4)
      users.emplace_back(user, user % 3 == 0 ? Marks{Seq(round), Seq(round), 1} : joined(round));
    ASSERT_TRUE(scene.commit({marks(users)}));
    for (int i = 0; i < 4; ++i) scene.send(direct());  // some rows go to where old ones are kept
  }
  for (std::uint64_t user = 1; user <= kUsers; ++user)
    if (user % 3 != 0) expected.push_back({UserId(user), joined((user - 1) % 4 + 1)});
  for (const std::size_t page : {170U, 1'000U, 1'100U, 5'000U})
    EXPECT_TRUE(everybody(scene, page) == expected) << page;
}

void a_wide_row_is_told_whatever_the_time_and_stays_wide(Subject& s) {
  Scene scene(s);
  const auto first = scene.entry(kGroup);
  ASSERT_TRUE(scene.commit({{kGroup, {first}, {kAda, kBob}, true, {}}}));
  ASSERT_TRUE(scene.commit({{kGroup, {scene.entry(kGroup)}, {}, false, {}}}));
  scene.send(direct(kAda, kCyd));
  const TimeMs later(scene.now().value + 1);
  const auto rows = scene.store().inbox(kAda, later, {}, 10);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().conversation, kGroup);
  EXPECT_TRUE(rows->front().wide);
  EXPECT_EQ(rows->front().head, first->seq);
  EXPECT_EQ(rows->front().changed, first->time);
  for (const auto& row : *scene.store().inbox(kAda, TimeMs(0), {}, 10))
    EXPECT_EQ(row.wide, row.conversation == kGroup);
  // An append that names the row without the flag does not take it away.
  const auto third = scene.entry(kGroup);
  ASSERT_TRUE(scene.commit({{kGroup, {third}, {kAda}, false, {}}}));
  const auto renewed = scene.store().inbox(kAda, TimeMs(third->time.value + 1), {}, 10);
  ASSERT_EQ(renewed->size(), 1U);
  EXPECT_TRUE(renewed->front().wide);
  EXPECT_EQ(renewed->front().head, third->seq);
}

/// Changes, marks and wide rows in several rounds, each with an end of the store after it.
void check_that_groups_survive(Subject& s, void (Subject::*end)()) {
  Scene scene(s);
  std::vector<EntryPtr> log;
  Marks ada, bob;
  for (std::uint64_t round = 1; round <= 4; ++round) {
    log.push_back(scene.change(kGroup, {What::added, round, "", {kAda, UserId(100 + round)}, {}},
                               {static_cast<std::uint32_t>(round + 1), round > 2, false}));
    const auto seq = log.back()->seq.value;
    auto in = marks({{7, joined(seq)}, {100 + round, joined(seq)}}, {kAda});
    in.entries = {log.back()};
    in.wide = round == 2;
    ASSERT_TRUE(scene.commit({in}));
    ada.merge(joined(seq));
    for (int i = 0; i < 4; ++i) scene.send(direct());
    ASSERT_TRUE(scene.commit({marks({{42, round % 2 ? joined(seq) : left(seq)}})}));
    bob.merge(round % 2 ? joined(seq) : left(seq));

    (s.*end)();

    EXPECT_EQ(*scene.store().head(kGroup), head_after(*log.back()));
    expect_same(scene.log(kGroup), log);
    EXPECT_EQ(*scene.store().marks(kGroup, kBob), bob);
    std::vector<Participant> expected{{kAda, ada}, {kBob, bob}};
    for (std::uint64_t r = 1; r <= round; ++r)
      expected.push_back({UserId(100 + r), joined(log[r - 1]->seq.value)});
    EXPECT_EQ(everybody(scene, 3), expected);
    const auto rows = scene.store().inbox(kAda, TimeMs(scene.now().value + 1), {}, 10);
    ASSERT_TRUE(rows);
    ASSERT_EQ(rows->size(), round >= 2 ? 1U : 0U);
    if (round >= 2) {
      EXPECT_TRUE(rows->front().wide);
      EXPECT_EQ(rows->front().head, log.back()->seq);
    }
  }
}

void groups_survive_a_clean_end(Subject& s) { check_that_groups_survive(s, &Subject::reopen); }
void groups_survive_a_power_cut(Subject& s) { check_that_groups_survive(s, &Subject::cut_power); }

}  // namespace

std::vector<Promise> group_promises() {
  return {PROMISE(a_change_of_a_group_comes_back_with_the_state_after_it),
          PROMISE(joined_and_left_merge_by_maximum_beside_the_other_marks),
          PROMISE(participants_are_those_who_ever_joined_by_rising_user),
          PROMISE(thousands_of_participants_are_read_in_pages),
          PROMISE(a_wide_row_is_told_whatever_the_time_and_stays_wide),
          DURABLE_PROMISE(groups_survive_a_clean_end),
          DURABLE_PROMISE(groups_survive_a_power_cut)};
}

}  // namespace parley::contract
