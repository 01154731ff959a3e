// Every call of MessageApi gives through a connection what it gives without.
#include "rpc/message.h"

#include <gtest/gtest.h>

#include "rpc/testing/fake_messages.h"
#include "rpc/testing/processes.h"

namespace parley::rpc::testing {
namespace {

class MessageCalls : public ::testing::Test {
 protected:
  MessageCalls() : fake(serving.loops) {
    serve(serving.router, serving.loops, fake);
    serving.start();
    asking.emplace(serving.address());
    messages.emplace(asking->link);
    asking->start_and_connect();
  }
  ~MessageCalls() override {
    asking->stop();
    serving.stop();
  }
  template <class T>
  T get(Awaitable<Result<T>> call) {
    auto result = await(asking->loops, std::move(call));
    if (!result) ADD_FAILURE() << result.error().message;
    return result ? *std::move(result) : T{};
  }
  static void expect_view(const ConversationView& got, UserId asker) {
    const auto want = FakeMessages::view_of(asker);
    EXPECT_EQ(got.conversation, want.conversation);
    EXPECT_EQ(got.head, want.head);
    EXPECT_EQ(got.own, want.own);
    EXPECT_EQ(got.others, want.others);
    EXPECT_EQ(got.joined, want.joined);
    EXPECT_EQ(got.left, want.left);
    EXPECT_EQ(got.members, want.members);
    EXPECT_EQ(got.changed, want.changed);
  }

  Serving serving;
  FakeMessages fake;
  std::optional<Asking> asking;
  std::optional<MessageClient> messages;
};

TEST_F(MessageCalls, EntriesArriveWhole) {
  const auto entries = get(messages->entries(UserId(7), kTalk, Seq(3), Seq(9), 2));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(*entries[0], *entry(3));
  EXPECT_EQ(*entries[1], *entry(4));
}

TEST_F(MessageCalls, HistoryWithGroupChangesArrivesWhole) {
  const auto page =
      get(messages->history(UserId(7), kTalk, {HistoryQuery::From::around_time, 5, 3}));
  ASSERT_EQ(page.entries.size(), 2u);
  EXPECT_EQ(*page.entries[0], *entry(5));
  EXPECT_EQ(*page.entries[1], *change_entry());
  EXPECT_EQ(page.head, (Head{Seq(9), MessageId(8), TimeMs(7), 6, change_entry()->group}));
  EXPECT_TRUE(page.more_before);
  EXPECT_TRUE(page.more_after);
}

TEST_F(MessageCalls, ErrorsArriveWhole) {
  const auto refused = await(asking->loops, messages->history(UserId(7), kGroup, {}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::not_found);
  EXPECT_EQ(refused.error().message, "no such group");
  EXPECT_EQ(refused.error().field, "conversation_id");
}

TEST_F(MessageCalls, ChangesViewsAndConversations) {
  const auto changes = get(messages->changes(UserId(42), {5, TimeMs(6)}));
  ASSERT_EQ(changes.changes.size(), 1u);
  expect_view(changes.changes[0].view, UserId(42));
  EXPECT_EQ(changes.changes[0].from, Seq(4));
  EXPECT_EQ(changes.cursor, (Cursor{6, TimeMs(6)}));
  expect_view(get(messages->view(UserId(42), kTalk)), UserId(42));
  EXPECT_EQ(get(messages->head(kTalk)), FakeMessages::view_of(UserId(42)).head);
  EXPECT_TRUE(get(messages->conversations(UserId(42), {}, 3)).empty());
  const auto page = get(messages->conversations(UserId(42), kTalk, 3));
  ASSERT_EQ(page.size(), 3u);
  expect_view(page[2], UserId(42));
}

TEST_F(MessageCalls, WhatTheGroupServiceAsks) {
  const GroupChange change{GroupChange::What::added, 4, "", {UserId(1), UserId(2)}, Role::member};
  EXPECT_EQ(get(messages->append(GroupId(913), UserId(7), change)),
            (Head{Seq(4), MessageId(913), TimeMs(1), 0, GroupState{.members = 2}}));
  const auto marks = get(messages->marks(kGroup, {UserId(8), UserId(9)}));
  ASSERT_EQ(marks.size(), 2u);
  EXPECT_EQ(marks[1], (Marks{Seq(9), Seq(2), 3, Seq(4), Seq(5)}));
  const auto receipts = get(messages->receipts(UserId(7), kGroup, Seq(6)));
  EXPECT_EQ(receipts.members, 3u);
  EXPECT_EQ(receipts.delivered, 2u);
  EXPECT_EQ(receipts.read, 1u);
  ASSERT_EQ(receipts.each.size(), 1u);
  EXPECT_EQ(receipts.each[0].second, (Marks{Seq(6), Seq(2), 3}));
  EXPECT_EQ(get(messages->visible(UserId(7), {UserId(1), UserId(2)})),
            std::vector<UserId>{UserId(1)});
}

}  // namespace
}  // namespace parley::rpc::testing
