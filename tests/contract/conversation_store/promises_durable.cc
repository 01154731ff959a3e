#include "promises.h"
#include "scene.h"

namespace parley::contract {
namespace {

/// Some commits of every kind, then an end of the store, then all of it must be there.
void check_that_all_survives(Subject& s, void (Subject::*end)()) {
  Scene scene(s);
  const auto two = direct(kAda, kCyd);
  std::vector<EntryPtr> one_log, two_log;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 7; ++i) one_log.push_back(scene.send(direct(), i % 2 ? kAda : kBob));
    two_log.push_back(scene.send(two, kCyd));
    const Marks read{one_log.back()->seq, one_log.back()->seq, one_log.back()->countable};
    scene.pass(10);
    ASSERT_TRUE(scene.commit({{direct(), {}, {kAda}, false, {{direct(), kBob, read}}}}));
    const auto changed = scene.now();

    (s.*end)();

    expect_same(scene.log(direct()), one_log);
    expect_same(scene.log(two), two_log);
    EXPECT_EQ(scene.store().head(direct())->seq, one_log.back()->seq);
    EXPECT_EQ(*scene.store().marks(direct(), kBob), read);
    const auto inbox = scene.store().inbox(kAda, TimeMs(0), {}, 10);
    ASSERT_TRUE(inbox);
    ASSERT_EQ(inbox->size(), 2U);
    EXPECT_EQ((*inbox)[0].changed, changed);
    EXPECT_EQ((*inbox)[0].head, one_log.back()->seq);
    EXPECT_EQ((*inbox)[1].head, two_log.back()->seq);
    for (const auto& e : one_log)
      EXPECT_TRUE(scene.store().find(direct(), e->sender, e->client_message_id)->has_value());
    if (!scene.has_feed()) continue;
    const auto feed = scene.feed().feed(0, 1000, Feed::Of::all);
    ASSERT_EQ(feed->entries.size(), one_log.size() + two_log.size());
    for (std::size_t i = 0; i < feed->entries.size(); ++i)
      EXPECT_EQ(feed->entries[i].position, i + 1);
    EXPECT_GE(scene.store().info().last_issued, two_log.back()->id.value);
  }
}

void what_was_answered_survives_a_clean_end(Subject& s) {
  check_that_all_survives(s, &Subject::reopen);
}

void what_was_answered_survives_a_power_cut(Subject& s) {
  check_that_all_survives(s, &Subject::cut_power);
}

void the_generation_rises_at_each_opening_and_the_epoch_stays(Subject& s) {
  const auto first = s.store().info();
  EXPECT_NE(first.epoch, 0U);
  EXPECT_EQ(first.last_issued, 0U);
  s.reopen();
  const auto second = s.store().info();
  s.cut_power();
  const auto third = s.store().info();
  EXPECT_GT(second.generation, first.generation);
  EXPECT_GT(third.generation, second.generation);
  EXPECT_EQ(second.epoch, first.epoch);
  EXPECT_EQ(third.epoch, first.epoch);
}

void the_generation_of_an_earlier_opening_is_refused(Subject& s) {
  Scene scene(s);
  scene.send(direct());
  const auto before = scene.generation();
  s.reopen();
  const auto answer =
      scene.commit(before, scene.now(), {scene.append(direct(), {scene.entry(direct())})});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::stale_generation);
  EXPECT_EQ(scene.log(direct()).size(), 1U);
}

void a_consumers_position_is_stored_with_the_next_commit(Subject& s) {
  Scene scene(s);
  scene.send(direct());
  scene.feed().set_position("push", 1);
  scene.send(direct());
  s.cut_power();
  EXPECT_EQ(scene.feed().position("push"), 1U);
  scene.feed().set_position("push", 2);
  s.reopen();
  EXPECT_EQ(scene.feed().position("push"), 2U);
}

void numbering_goes_on_after_each_opening(Subject& s) {
  Scene scene(s);
  for (std::uint64_t round = 1; round <= 5; ++round) {
    const auto position = scene.commit({scene.append(direct(), {scene.entry(direct())})});
    EXPECT_EQ(position, round);
    round % 2 ? s.reopen() : s.cut_power();
  }
  EXPECT_EQ(scene.log(direct()).size(), 5U);
}

}  // namespace

std::vector<Promise> durable_promises() {
  return {DURABLE_PROMISE(what_was_answered_survives_a_clean_end),
          DURABLE_PROMISE(what_was_answered_survives_a_power_cut),
          DURABLE_ONE_LOG_PROMISE(the_generation_rises_at_each_opening_and_the_epoch_stays),
          DURABLE_PROMISE(the_generation_of_an_earlier_opening_is_refused),
          DURABLE_ONE_LOG_PROMISE(a_consumers_position_is_stored_with_the_next_commit),
          DURABLE_ONE_LOG_PROMISE(numbering_goes_on_after_each_opening)};
}

std::vector<Promise> all_promises() {
  std::vector<Promise> all;
  for (const auto& part : {append_promises(), read_promises(), mark_promises(), group_promises(),
                           feed_promises(), durable_promises()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace parley::contract
