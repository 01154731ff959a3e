#include <gtest/gtest.h>

#include "domain/conversation_id.h"
#include "domain/cursor.h"
#include "domain/marks.h"
#include "domain/snowflake.h"
#include "domain/text.h"
#include "domain/uuid.h"

namespace parley {
namespace {

TEST(ConversationId, RoundTripsTextAndKey) {
  for (auto text : {"d:7:42", "d:7:7", "g:913", "c:7", "d:1:9223372036854775807"}) {
    auto id = ConversationId::parse(text);
    ASSERT_TRUE(id) << text;
    EXPECT_EQ(id->text(), text);
    EXPECT_EQ(ConversationId::from_key(id->key()), *id);
  }
}

TEST(ConversationId, RefusesWhatIsNotCanonical) {
  for (auto text :
       {"", "d", "d:", "d:7", "d:42:7", "d:07:42", "d:0:1", "d:7:42:", "d:7:42 ", "x:7", "g:-1",
        "g:7:8", "d:+7:42", "g:9223372036854775808", "g:99999999999999999999999", "D:7:42"})
    EXPECT_FALSE(ConversationId::parse(text)) << text;
}

TEST(ConversationId, KnowsItsTwoUsers) {
  auto id = ConversationId::direct(UserId(42), UserId(7));
  EXPECT_EQ(id.text(), "d:7:42");
  EXPECT_EQ(id.peer(UserId(7)), UserId(42));
  EXPECT_TRUE(id.has(UserId(42)));
  EXPECT_FALSE(id.has(UserId(8)));
}

TEST(Shard, IsFixedForEver) {
  // These numbers are on people's disks.
  EXPECT_EQ(hash_bytes("d:7:42"), 0x3a2a1f2b677731b8ULL);
  EXPECT_EQ(shard_of(*ConversationId::parse("d:7:42")).value, 440u);
}

TEST(Marks, OnlyGrowAndReadImpliesDelivered) {
  Marks marks;
  EXPECT_TRUE(marks.merge({Seq(3), Seq(0), 0}));
  EXPECT_TRUE(marks.merge({Seq(0), Seq(5), 4}));
  EXPECT_EQ(marks, (Marks{Seq(5), Seq(5), 4}));
  EXPECT_FALSE(marks.merge({Seq(4), Seq(2), 1}));
  EXPECT_EQ(unread(9, marks), 5u);
}

TEST(Cursor, RoundTripsAndRefusesGarbage) {
  Cursor cursor{0x1234567890abcdef, TimeMs(1'750'000'000'123)};
  EXPECT_EQ(Cursor::parse(cursor.text()), cursor);
  EXPECT_EQ(Cursor::parse(""), Cursor{});
  EXPECT_FALSE(Cursor::parse("xyz"));
  EXPECT_FALSE(Cursor::parse(std::string(32, 'g')));
  EXPECT_FALSE(Cursor::parse(std::string(32, 'f')));
}

TEST(Snowflake, RisesWhenTheClockIsSetBackAnHour) {
  Snowflake ids(5);
  TimeMs now(1'750'000'000'000);
  auto last = ids.next(now);
  for (int i = 0; i < 10'000; ++i) {
    auto id = ids.next(TimeMs(now.value - 3'600'000));
    ASSERT_GT(id, last);
    last = id;
  }
  Snowflake again(5, last);
  EXPECT_GT(again.next(TimeMs(now.value - 7'200'000)), last);
  EXPECT_GE(Snowflake::time_of(last), now);
}

TEST(Uuid, OnlyThoseOfVersion7AreInOrder) {
  const auto key = uuid_v7("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  EXPECT_EQ(key, (Uuid{0x017f22e279b07cc3, 0x98c4dc0c0c07398f}));
  EXPECT_EQ(uuid_v7("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), key) << "the same in capitals";
  EXPECT_GT(uuid_v7("017f22e2-79b1-7000-8000-000000000000"), key);
  EXPECT_GT(uuid_v7("017f22e2-79b0-7cc3-98c4-dc0c0c073990"), key);
  for (const auto* other :
       {"", "one", "017f22e2-79b0-4cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2_79b0-7cc3-98c4-dc0c0c07398f", "017f22e279b0-77cc3-98c4-dc0c0c07398f"})
    EXPECT_EQ(uuid_v7(other), std::nullopt) << other;
}

TEST(Text, ChecksUtf8) {
  EXPECT_TRUE(is_utf8("plain, \xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x98\x80"));
  for (auto bad : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                   "\xF0\x9F\x98", "\xFF"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Text, FoldsUserNames) {
  EXPECT_EQ(fold_user_name("Ann.Lee_9"), "ann.lee_9");
  for (auto bad : {"ab", "has space", "\xC3\xA9ric", "", "abcdefghijklmnopqrstuvwxyz0123456"})
    EXPECT_FALSE(fold_user_name(bad)) << bad;
}

}  // namespace
}  // namespace parley
