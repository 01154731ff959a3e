#include "adapters/conversation_store/rocksdb/group.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

const ConversationId kGroup = ConversationId::group(7);

Append of_group() {
  auto entry = std::make_shared<Entry>();
  entry->conversation = kGroup;
  entry->seq = Seq(300);
  entry->id = MessageId(77);
  entry->sender = UserId(5);
  entry->time = TimeMs(1'000);
  entry->kind = EntryKind::group_change;
  entry->group = {501, true, false};
  entry->change = std::make_shared<GroupChange>(
      GroupChange{GroupChange::What::added, 9, "", {UserId(1), UserId(500)}, Role::member});
  return {kGroup,
          {entry},
          {UserId(1), UserId(500)},
          true,
          {{kGroup, UserId(1), {Seq(300), Seq(300), 12, Seq(300), {}}},
           {kGroup, UserId(2), {{}, {}, 0, {}, Seq(300)}}}};
}

bool same(const Append& a, const Append& b) {
  return a.conversation == b.conversation && a.inboxes == b.inboxes && a.wide == b.wide &&
         std::ranges::equal(a.entries, b.entries, [](auto& x, auto& y) { return *x == *y; }) &&
         std::ranges::equal(a.marks, b.marks, [](auto& x, auto& y) {
           return x.conversation == y.conversation && x.user == y.user && x.marks == y.marks;
         });
}

/// What a payload says, if it can be read.
std::optional<std::vector<Append>> read(std::string_view payload) {
  std::vector<Append> found;
  GroupReader reader;
  reader.append = [&](Append append, TimeMs now) {
    EXPECT_EQ(now, TimeMs(1'000));
    found.push_back(std::move(append));
  };
  reader.position = [](const std::string&, std::uint64_t) {};
  if (!decode_group(payload, reader)) return std::nullopt;
  return found;
}

TEST(GroupPayload, WhatOnlyGroupsHaveComesBack) {
  auto plain = of_group();
  plain.wide = false;
  for (auto& change : plain.marks) change.marks.joined = change.marks.left = {};
  auto wide_alone = plain;
  wide_alone.wide = true;
  auto left_alone = plain;
  left_alone.marks.back().marks.left = Seq(300);
  for (const auto& append : {of_group(), plain, wide_alone, left_alone}) {
    std::string payload;
    encode_append(append, TimeMs(1'000), Generation(3), payload);
    const auto found = read(payload);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1U);
    EXPECT_TRUE(same(found->front(), append));
  }
}

// Direct conversations are the most: they keep their bytes, which are format 1's.
TEST(GroupPayload, AnAppendWithoutWhatOnlyGroupsHaveIsAsFormatOneWroteIt) {
  const auto direct = ConversationId::direct(UserId(1), UserId(2));
  const Append append{
      direct, {}, {UserId(1), UserId(300)}, false, {{direct, UserId(2), {Seq(9), Seq(8), 7}}}};
  const auto key = direct.key();
  const std::string expected = "A" + key + std::string("\xe8\x07\x00\x00\x02\x01\xac\x02\x01", 9) +
                               key + std::string("\x02\x09\x08\x07", 4);
  std::string payload;
  encode_append(append, TimeMs(1'000), Generation(3), payload);
  EXPECT_EQ(payload, expected);
  const auto found = read(expected);
  ASSERT_TRUE(found);
  EXPECT_TRUE(same(found->front(), append));
}

TEST(GroupPayload, OneThatIsCutOffIsNone) {
  std::string payload;
  encode_append(of_group(), TimeMs(1'000), Generation(3), payload);
  for (std::size_t size = 1; size < payload.size(); ++size)
    EXPECT_FALSE(read(std::string_view(payload).substr(0, size))) << size;
}

TEST(GroupPayload, AGroupChangeWithoutItsChangeIsNone) {
  auto append = of_group();
  auto entry = std::make_shared<Entry>(*append.entries.front());
  entry->change = nullptr;
  append.entries = {entry};
  std::string payload;
  encode_append(append, TimeMs(1'000), Generation(3), payload);
  EXPECT_FALSE(read(payload));
}

}  // namespace
}  // namespace parley
