// The checker on a group: four members with a device each; all is well unless a test spoils it.
#include <array>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checker/checker.h"
#include "checker/hash.h"

namespace parley::load {
namespace {

using testing::HasSubstr;

constexpr std::array<std::uint64_t, 4> kUsers{7, 9, 42, 50};
constexpr MemberIndex kMembers = kUsers.size();
constexpr std::uint64_t kBase = 1;  // the group was created by the first entry

class GroupCheckerTest : public testing::Test {
 protected:
  GroupCheckerTest() : checker(SendIds(1'770'000'000'000, 42, 0)) {
    group = checker.add_group("g:913", kUsers);
    for (MemberIndex i = 0; i < kMembers; ++i) {
      logs.push_back(checker.add_log(group, i, 1));
      checker.began_at(logs.back(), kBase);
      checker.began_unread(group, i, 0);
    }
  }

  static std::string text_of(SendIndex send) { return fmt::format("text {}", send); }

  v1::Entry entry_of(SendIndex send, std::uint64_t seq, MemberIndex sender) const {
    v1::Entry entry;
    entry.set_conversation_id("g:913");
    entry.set_seq(seq);
    entry.set_message_id(1000 + seq);
    entry.set_sender(kUsers[sender]);
    entry.set_time_ms(static_cast<std::int64_t>(5000 + seq));
    entry.set_client_message_id(checker.ids().make(send));
    entry.mutable_body()->set_text(text_of(send));
    entry.set_countable(seq - kBase);
    return entry;
  }

  /// One member sends, it is acknowledged, and all get it but `except`.
  v1::Entry say(std::uint64_t seq, MemberIndex sender, MemberIndex except = kMembers) {
    const auto number = static_cast<SendIndex>(checker.send_count());
    const SendIndex send = checker.add_send(group, sender, hash_bytes(text_of(number)), now += 10);
    checker.sent(send, now += 10);
    v1::Sent answer;
    answer.set_seq(seq);
    answer.set_message_id(1000 + seq);
    checker.acknowledged(send, logs[sender], answer, now += 10);
    const v1::Entry entry = entry_of(send, seq, sender);
    for (MemberIndex i = 0; i < kMembers; ++i)
      if (i != sender && i != except) EXPECT_TRUE(checker.received(logs[i], entry));
    for (auto& history : histories) history.push_back(entry);
    return entry;
  }

  void judge() {
    for (MemberIndex i = 0; i < kMembers; ++i) {
      for (const auto& entry : histories[i]) checker.history(group, i, entry);
      checker.history_end(group, i, histories[i].empty() ? kBase : histories[i].back().seq());
    }
    checker.finish();
  }

  std::string first(FaultKind kind) {
    for (const Fault& fault : checker.faults().kept())
      if (fault.kind == kind) return fault.text;
    return "none: " + all();
  }
  std::string all() const {
    std::string text;
    for (const Fault& fault : checker.faults().kept())
      text +=
          fmt::format("{}: {}\n", kFaultNames[static_cast<std::size_t>(fault.kind)], fault.text);
    return text;
  }
  std::uint64_t count(FaultKind kind) const { return checker.faults().count(kind); }

  Checker checker;
  ConversationIndex group = 0;
  std::vector<LogIndex> logs;
  std::array<std::vector<v1::Entry>, kMembers> histories;
  Nanos now = 0;
};

TEST_F(GroupCheckerTest, FindsNothingWhereAllIsWell) {
  say(2, 0);
  say(3, 3);
  const v1::Entry own = say(4, 1);
  EXPECT_FALSE(checker.received(logs[1], own)) << "a group's sender gets it as well";
  checker.read_confirmed(group, 2, 3);
  judge();
  const std::array<std::uint64_t, kMembers> read{2, 4, 3, 3};
  for (MemberIndex i = 0; i < kMembers; ++i) {
    v1::Conversation view;
    view.set_head(4);
    view.set_delivered(4);
    view.set_read(read[i]);
    view.set_unread(4 - read[i]);
    checker.view(group, i, view);
  }
  EXPECT_EQ(checker.faults().total(), 0U) << all();
}

TEST_F(GroupCheckerTest, FindsOneLost) {
  say(2, 0);
  say(3, 1);
  for (auto& history : histories) history.pop_back();
  judge();
  EXPECT_EQ(count(FaultKind::lost), 1U) << all();
  EXPECT_EQ(count(FaultKind::vanished), kMembers - 1) << "on the devices that got it";
}

TEST_F(GroupCheckerTest, FindsOneDoubled) {
  const v1::Entry once = say(2, 0);
  v1::Entry again = once;
  again.set_seq(3);
  again.set_message_id(1003);
  again.set_countable(2);
  for (const LogIndex log : logs) checker.received(log, again);
  for (auto& history : histories) history.push_back(again);
  judge();
  EXPECT_EQ(count(FaultKind::doubled), 1U) << all();
  EXPECT_EQ(checker.faults().total(), 1U) << all();
}

TEST_F(GroupCheckerTest, FindsTwoSwapped) {
  // The second was sent, by another member, after the first was acknowledged.
  say(3, 0);
  say(2, 1);
  for (auto& history : histories) std::swap(history[0], history[1]);
  judge();
  EXPECT_EQ(count(FaultKind::reordered), 1U) << all();
  EXPECT_EQ(checker.faults().total(), 1U) << all();
}

TEST_F(GroupCheckerTest, FindsTwoContents) {
  v1::Entry other = say(2, 0, 3);
  other.mutable_body()->set_text("another");
  checker.received(logs[3], other);
  judge();
  EXPECT_THAT(first(FaultKind::two_contents), HasSubstr("g:913 seq 2: device 1 of user 50"));
  EXPECT_EQ(checker.faults().total(), 1U) << all();
}

TEST_F(GroupCheckerTest, FindsTwoHistories) {
  say(2, 0);
  histories[2].back().mutable_body()->set_text("another");
  judge();
  EXPECT_THAT(first(FaultKind::two_contents), HasSubstr("the second to user 42"));
}

TEST_F(GroupCheckerTest, FindsAMemberWhoMissesOne) {
  say(2, 0);
  say(3, 1, 3);
  judge();
  EXPECT_THAT(first(FaultKind::missing),
              HasSubstr("g:913 seq 3: device 1 of user 50 never got it"));
  EXPECT_EQ(checker.faults().total(), 1U) << all();
}

TEST_F(GroupCheckerTest, FindsAMemberWhoseLogIsShorter) {
  say(2, 0);
  say(3, 1);
  histories[3].pop_back();
  judge();
  EXPECT_THAT(first(FaultKind::disagree), HasSubstr("user 50 up to seq 2"));
}

TEST_F(GroupCheckerTest, FindsAMemberWhoseLogLacksOneInTheMiddle) {
  say(2, 0);
  say(3, 1);
  say(4, 2);
  histories[2].erase(histories[2].begin() + 1);
  judge();
  EXPECT_THAT(first(FaultKind::not_dense), HasSubstr("user 42 reads seq 4 after seq 2"));
}

TEST_F(GroupCheckerTest, FindsAWrongUnreadCountOfOneMember) {
  say(2, 0);
  say(3, 0);
  judge();
  v1::Conversation view;
  view.set_head(3);
  view.set_delivered(3);
  view.set_unread(2);
  checker.view(group, 2, view);
  EXPECT_EQ(checker.faults().total(), 0U) << all();
  view.set_unread(1);
  checker.view(group, 3, view);
  EXPECT_THAT(first(FaultKind::unread), HasSubstr("user 50 is told unread 1, and it is 2"));
}

}  // namespace
}  // namespace parley::load
