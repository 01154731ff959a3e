#include "domain/text.h"
#include "ports/quick_reads.h"
#include "promises.h"
#include "scene.h"

namespace parley::contract {
namespace {

std::vector<std::uint64_t> seqs(Scene& scene, Seq from, Seq to, std::size_t limit, bool newest) {
  auto read = scene.store().read(direct(), from, to, limit, newest);
  EXPECT_TRUE(read);
  std::vector<std::uint64_t> out;
  for (const auto& e : *read) out.push_back(e->seq.value);
  return out;
}

using Seqs = std::vector<std::uint64_t>;

void a_page_holds_the_first_or_the_newest_of_a_range_by_rising_seq(Subject& s) {
  Scene scene(s);
  for (int i = 0; i < 10; ++i) scene.send(direct());
  EXPECT_EQ(seqs(scene, Seq(1), Seq(10), 3, false), (Seqs{1, 2, 3}));
  EXPECT_EQ(seqs(scene, Seq(1), Seq(10), 3, true), (Seqs{8, 9, 10}));
  EXPECT_EQ(seqs(scene, Seq(4), Seq(6), 10, false), (Seqs{4, 5, 6}));
  EXPECT_EQ(seqs(scene, Seq(4), Seq(6), 10, true), (Seqs{4, 5, 6}));
  EXPECT_EQ(seqs(scene, Seq(4), Seq(8), 2, true), (Seqs{7, 8}));
  EXPECT_EQ(seqs(scene, Seq(0), Seq(2), 10, false), (Seqs{1, 2}));
  EXPECT_EQ(seqs(scene, Seq(9), Seq(~0ULL), 10, false), (Seqs{9, 10}));
}

void an_empty_range_is_an_empty_page(Subject& s) {
  Scene scene(s);
  EXPECT_EQ(seqs(scene, Seq(1), Seq(10), 3, true), Seqs{});
  scene.send(direct());
  EXPECT_EQ(seqs(scene, Seq(2), Seq(10), 3, false), Seqs{});
  EXPECT_EQ(seqs(scene, Seq(5), Seq(2), 3, true), Seqs{});
  EXPECT_EQ(seqs(scene, Seq(1), Seq(10), 0, true), Seqs{});
  EXPECT_EQ(seqs(scene, Seq(1), Seq(0), 3, false), Seqs{});
}

void the_head_is_the_last_entry_and_zero_without_one(Subject& s) {
  Scene scene(s);
  EXPECT_EQ(*scene.store().head(direct()), Head{});
  for (int i = 0; i < 5; ++i) {
    const auto e = scene.send(direct());
    EXPECT_EQ(*scene.store().head(direct()), head_after(*e));
  }
  EXPECT_EQ(*scene.store().head(direct(kAda, kCyd)), Head{});
}

void an_acknowledged_send_is_found_by_its_key(Subject& s) {
  Scene scene(s);
  std::vector<EntryPtr> sent;
  for (int i = 0; i < 10; ++i) sent.push_back(scene.send(direct()));
  for (const auto& e : sent) {
    const auto found = scene.store().find(direct(), e->sender, e->client_message_id);
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->seq, e->seq);
    EXPECT_EQ((*found)->id, e->id);
    EXPECT_EQ((*found)->time, e->time);
    EXPECT_EQ((*found)->body_hash, hash_bytes(e->body));
  }
}

void a_key_belongs_to_one_conversation_and_one_sender(Subject& s) {
  Scene scene(s);
  const auto e = scene.send(direct(), kAda);
  const auto finds = [&](const ConversationId& conversation, UserId sender, std::string_view key) {
    const auto found = scene.store().find(conversation, sender, key);
    EXPECT_TRUE(found);
    return found->has_value();
  };
  EXPECT_TRUE(finds(direct(), kAda, e->client_message_id));
  EXPECT_FALSE(finds(direct(), kBob, e->client_message_id));
  EXPECT_FALSE(finds(direct(kAda, kCyd), kAda, e->client_message_id));
  EXPECT_FALSE(finds(direct(), kAda, e->client_message_id + "x"));
  EXPECT_FALSE(finds(direct(), kAda, ""));
}

void an_entry_without_a_key_leaves_no_row(Subject& s) {
  Scene scene(s);
  const auto e = scene.entry(direct(), kAda, "no key", "");
  ASSERT_TRUE(scene.commit({scene.append(direct(), {e})}));
  expect_same(scene.log(direct()), {e});
  EXPECT_EQ(*scene.store().find(direct(), kAda, ""), std::nullopt);
}

void seek_is_the_first_entry_at_or_after_a_time(Subject& s) {
  Scene scene(s);
  EXPECT_EQ(scene.store().seek(direct(), TimeMs(0)), Seq(1));
  std::vector<EntryPtr> sent;
  for (int i = 0; i < 9; ++i) sent.push_back(scene.send(direct()));
  for (const auto& e : sent) {
    EXPECT_EQ(scene.store().seek(direct(), e->time), e->seq);
    EXPECT_EQ(scene.store().seek(direct(), TimeMs(e->time.value - 1)), e->seq);
    EXPECT_EQ(scene.store().seek(direct(), TimeMs(e->time.value + 1)), Seq(e->seq.value + 1));
  }
  EXPECT_EQ(scene.store().seek(direct(), TimeMs(0)), Seq(1));
}

void bytes_of_any_kind_come_back_as_they_were(Subject& s) {
  Scene scene(s);
  std::string all(256, '\0');
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
  std::vector<EntryPtr> sent{
      scene.entry(direct(), kAda, all, "0190a3c2-7f00-7000-8000-000000000001"),
      scene.entry(direct(), kAda, "", "k"),
      scene.entry(direct(), kBob, std::string(64 * 1024, 'x'), "k")};
  ASSERT_TRUE(scene.commit({scene.append(direct(), sent)}));
  expect_same(scene.log(direct()), sent);
}

/// What a read gives under QuickReads: what it gives without, or `busy`.
template <class F>
void expect_same_or_busy(std::size_t bytes, F read) {
  const auto slow = read();
  ASSERT_TRUE(slow);
  const auto quick = [&] {
    const QuickReads quickly(bytes);
    return read();
  }();
  if (quick)
    EXPECT_EQ(quick->size(), slow->size());
  else
    EXPECT_EQ(quick.error().code, Code::busy);
}

void a_quick_read_is_whole_or_busy(Subject& s) {
  Scene scene(s);
  for (std::uint64_t peer = 100; peer < 140; ++peer) scene.send(direct(kAda, UserId(peer)));
  for (int i = 0; i < 40; ++i) scene.send(direct());
  for (const std::size_t bytes : {0U, 100U, 1'000U, 1'000'000U}) {
    expect_same_or_busy(bytes,
                        [&] { return scene.store().read(direct(), Seq(1), Seq(40), 50, false); });
    expect_same_or_busy(bytes,
                        [&] { return scene.store().inbox(kAda, TimeMs(0), std::nullopt, 100); });
  }
}

}  // namespace

std::vector<Promise> read_promises() {
  return {PROMISE(a_page_holds_the_first_or_the_newest_of_a_range_by_rising_seq),
          PROMISE(an_empty_range_is_an_empty_page),
          PROMISE(the_head_is_the_last_entry_and_zero_without_one),
          PROMISE(an_acknowledged_send_is_found_by_its_key),
          PROMISE(a_key_belongs_to_one_conversation_and_one_sender),
          PROMISE(an_entry_without_a_key_leaves_no_row),
          PROMISE(seek_is_the_first_entry_at_or_after_a_time),
          PROMISE(bytes_of_any_kind_come_back_as_they_were),
          PROMISE(a_quick_read_is_whole_or_busy)};
}

}  // namespace parley::contract
