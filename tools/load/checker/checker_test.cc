#include "checker/checker.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checker/hash.h"

namespace parley::load {
namespace {

using testing::HasSubstr;

/// Two people, one conversation, two devices each; user 7 (side 0) sends, all is well unless a test
/// spoils it.
class CheckerTest : public testing::Test {
 protected:
  CheckerTest() : checker(SendIds(1'770'000'000'000, 42, 0)) {
    conversation = checker.add_conversation(7, 42);
    for (const MemberIndex side : {0U, 1U})
      for (const std::uint64_t device : {1U, 2U})
        logs.push_back(checker.add_log(conversation, side, device));
    for (const LogIndex log : logs) checker.began_at(log, 0);
  }

  static std::string text_of(SendIndex send) { return fmt::format("text {}", send); }

  v1::Entry entry_of(SendIndex send, std::uint64_t seq, MemberIndex side = 0) const {
    v1::Entry entry;
    entry.set_conversation_id("d:7:42");
    entry.set_seq(seq);
    entry.set_message_id(1000 + seq);
    entry.set_sender(side == 0 ? 7 : 42);
    entry.set_time_ms(static_cast<std::int64_t>(5000 + seq));
    entry.set_client_message_id(checker.ids().make(send));
    entry.mutable_body()->set_text(text_of(send));
    entry.set_countable(seq);
    return entry;
  }

  void acknowledge(SendIndex send, std::uint64_t seq, LogIndex log = 0) {
    v1::Sent answer;
    answer.set_seq(seq);
    answer.set_message_id(1000 + seq);
    checker.acknowledged(send, log, answer, now += 10);
  }

  /// Sends one message, lets it be stored, acknowledged and received by every device.
  SendIndex say(std::uint64_t seq, MemberIndex side = 0) {
    const SendIndex send = checker.add_send(
        conversation, side, hash_bytes(text_of(static_cast<SendIndex>(checker.send_count()))),
        now += 10);
    checker.sent(send, now += 10);
    const LogIndex sender = logs[side == 0 ? 0 : 2];
    acknowledge(send, seq, sender);
    const v1::Entry entry = entry_of(send, seq, side);
    for (const LogIndex log : logs)
      if (log != sender) EXPECT_TRUE(checker.received(log, entry));
    stored.push_back(entry);
    return send;
  }

  void judge() {
    for (const MemberIndex side : {0U, 1U}) {
      for (const auto& entry : side == 0 || stored_by_second.empty() ? stored : stored_by_second)
        checker.history(conversation, side, entry);
      checker.history_end(conversation, side, stored.empty() ? 0 : stored.back().seq());
    }
    checker.finish();
  }

  void view(MemberIndex side, std::uint64_t read, std::uint64_t unread) {
    v1::Conversation view;
    view.set_head(stored.back().seq());
    view.set_delivered(stored.back().seq());
    view.set_read(read);
    view.set_unread(unread);
    checker.view(conversation, side, view);
  }

  std::string only(FaultKind kind) {
    const Faults& faults = checker.faults();
    EXPECT_GT(faults.count(kind), 0U);
    EXPECT_EQ(faults.count(kind), faults.total()) << all();
    return faults.kept().empty() ? "" : faults.kept().front().text;
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

  Checker checker;
  ConversationIndex conversation = 0;
  std::vector<LogIndex> logs;
  std::vector<v1::Entry> stored;
  std::vector<v1::Entry> stored_by_second;
  Nanos now = 0;
};

TEST_F(CheckerTest, FindsNothingWhereAllIsWell) {
  say(1);
  say(2, 1);
  say(3);
  EXPECT_FALSE(checker.received(logs[1], stored[0])) << "twice on the wire is allowed";
  checker.read_confirmed(conversation, 1, 3);
  judge();
  view(0, 3, 0);
  view(1, 3, 0);
  EXPECT_EQ(checker.faults().total(), 0U) << all();
}

TEST_F(CheckerTest, FindsOneLost) {
  say(1);
  const SendIndex lost = say(2);
  stored.pop_back();
  judge();
  EXPECT_EQ(checker.faults().count(FaultKind::lost), 1U);
  EXPECT_THAT(first(FaultKind::lost), HasSubstr(checker.ids().make(lost)));
  EXPECT_EQ(checker.faults().count(FaultKind::vanished), 3U) << "on the devices that got it";
}

TEST_F(CheckerTest, FindsOneLostFromTheMiddle) {
  for (int seq = 1; seq <= 3; ++seq) say(seq);
  stored.erase(stored.begin() + 1);
  judge();
  EXPECT_THAT(first(FaultKind::lost), HasSubstr("seq 2, message_id 1002"));
  EXPECT_THAT(first(FaultKind::not_dense), HasSubstr("seq 3 after seq 1"));
}

TEST_F(CheckerTest, FindsOneDoubledInTheHistory) {
  const SendIndex doubled = say(1);
  v1::Entry again = entry_of(doubled, 2);
  for (const LogIndex log : logs) checker.received(log, again);
  stored.push_back(again);
  judge();
  EXPECT_THAT(only(FaultKind::doubled), HasSubstr(checker.ids().make(doubled)));
}

TEST_F(CheckerTest, FindsARetryAnsweredOtherwise) {
  const SendIndex retried = say(1);
  acknowledge(retried, 2);
  judge();
  EXPECT_THAT(only(FaultKind::doubled), HasSubstr("answered again with seq 2"));
}

TEST_F(CheckerTest, FindsTwoSwapped) {
  // The second was sent after the first was acknowledged, and yet stands before it.
  const SendIndex early = say(2);
  stored.clear();
  const SendIndex late = say(1);
  stored.push_back(entry_of(early, 2));
  judge();
  EXPECT_THAT(only(FaultKind::reordered), HasSubstr(checker.ids().make(late)));
  EXPECT_THAT(only(FaultKind::reordered), HasSubstr(checker.ids().make(early)));
}

TEST_F(CheckerTest, AllowsAnyOrderOfSendsInFlightTogether) {
  const SendIndex first_send = checker.add_send(conversation, 0, hash_bytes(text_of(0)), 1);
  const SendIndex second_send = checker.add_send(conversation, 1, hash_bytes(text_of(1)), 1);
  checker.sent(first_send, 2);
  checker.sent(second_send, 2);
  now = 10;
  acknowledge(first_send, 2, logs[0]);
  acknowledge(second_send, 1, logs[2]);
  stored = {entry_of(second_send, 1, 1), entry_of(first_send, 2)};
  for (const LogIndex log : logs)
    for (const auto& entry : stored) checker.received(log, entry);
  judge();
  EXPECT_EQ(checker.faults().total(), 0U) << all();
}

TEST_F(CheckerTest, FindsTwoContentsUnderOneSeq) {
  say(1);
  v1::Entry other = stored[0];
  other.mutable_body()->set_text("another");
  checker.received(logs[1], other);
  judge();
  EXPECT_THAT(only(FaultKind::two_contents), HasSubstr("d:7:42 seq 1"));
}

TEST_F(CheckerTest, FindsALiveEntryThatDiffersFromTheHistory) {
  say(1);
  stored[0].set_time_ms(1);
  judge();
  EXPECT_THAT(only(FaultKind::two_contents),
              HasSubstr("device 2 of user 7 received another content"));
}

TEST_F(CheckerTest, FindsAnAlteredText) {
  say(1);
  const SendIndex altered = checker.add_send(conversation, 0, hash_bytes("what was said"), now);
  checker.sent(altered, now);
  acknowledge(altered, 2, logs[0]);
  stored.push_back(entry_of(altered, 2));
  for (const LogIndex log : logs) checker.received(log, stored.back());
  judge();
  EXPECT_THAT(only(FaultKind::altered), HasSubstr("another text than was sent"));
}

TEST_F(CheckerTest, FindsMembersWhoSeeDifferentLogs) {
  say(1);
  say(2);
  stored_by_second = {stored[0]};
  judge();
  EXPECT_THAT(first(FaultKind::disagree), HasSubstr("d:7:42"));
}

TEST_F(CheckerTest, FindsAnEntryThatNobodySent) {
  say(1);
  v1::Entry entry = entry_of(0, 2);
  entry.set_client_message_id("0190b8a0-0000-7000-8000-000000000000");
  for (const LogIndex log : logs) checker.received(log, entry);
  stored.push_back(entry);
  judge();
  EXPECT_THAT(only(FaultKind::foreign), HasSubstr("0190b8a0-0000-7000-8000-000000000000"));
}

TEST_F(CheckerTest, FindsADeviceThatNeverGotAnEntry) {
  const SendIndex send = checker.add_send(conversation, 0, hash_bytes(text_of(0)), 1);
  checker.sent(send, 2);
  acknowledge(send, 1, logs[0]);
  stored.push_back(entry_of(send, 1));
  for (const LogIndex log : {logs[1], logs[2]}) checker.received(log, stored[0]);
  judge();
  EXPECT_THAT(only(FaultKind::missing),
              HasSubstr("d:7:42 seq 1: device 2 of user 42 never got it"));
  EXPECT_EQ(checker.faults().total(), 1U);
}

TEST_F(CheckerTest, FindsARefusedSendThatIsStored) {
  const SendIndex send = checker.add_send(conversation, 0, hash_bytes(text_of(0)), 1);
  checker.sent(send, 2);
  checker.refused(send);
  stored.push_back(entry_of(send, 1));
  for (const LogIndex log : logs) checker.received(log, stored[0]);
  judge();
  EXPECT_THAT(only(FaultKind::altered), HasSubstr("was refused"));
}

TEST_F(CheckerTest, AllowsAnUnacknowledgedSendToBeStoredOrNot) {
  for (int i = 0; i < 2; ++i) {
    const SendIndex send = checker.add_send(conversation, 0, hash_bytes(text_of(i)), 1);
    checker.sent(send, 2);
  }
  stored.push_back(entry_of(1, 1));
  for (const LogIndex log : logs) checker.received(log, stored[0]);
  judge();
  EXPECT_EQ(checker.faults().total(), 0U) << all();
}

TEST_F(CheckerTest, CountsWhatAnInterruptionCaughtAndWhatOfItWasStored) {
  for (int i = 0; i < 3; ++i) {
    const SendIndex send = checker.add_send(conversation, 0, hash_bytes(text_of(i)), 1);
    checker.sent(send, 2);
  }
  checker.interrupted(5001, {0, 1, 2});
  for (SendIndex send = 0; send < 3; ++send) {
    stored.push_back(entry_of(send, send + 1));  // at 5001, 5002, 5003 ms
    for (const LogIndex log : logs) checker.received(log, stored.back());
  }
  judge();
  EXPECT_EQ(checker.faults().total(), 0U) << all();
  ASSERT_EQ(checker.interruptions().size(), 1U);
  EXPECT_EQ(checker.interruptions()[0].unanswered, 3U);
  EXPECT_EQ(checker.interruptions()[0].stored, 1U);
}

TEST_F(CheckerTest, FindsAWrongUnreadCount) {
  for (int seq = 1; seq <= 5; ++seq) say(seq);
  checker.read_confirmed(conversation, 1, 2);
  judge();
  view(1, 2, 3);
  EXPECT_EQ(checker.faults().total(), 0U) << all();
  view(1, 2, 4);
  EXPECT_THAT(only(FaultKind::unread), HasSubstr("user 42 is told unread 4, and it is 3"));
}

TEST_F(CheckerTest, FindsALostReadMark) {
  for (int seq = 1; seq <= 5; ++seq) say(seq);
  checker.read_confirmed(conversation, 1, 4);
  judge();
  view(1, 2, 3);
  EXPECT_THAT(only(FaultKind::unread), HasSubstr("read 2, and it is 4"));
}

TEST_F(CheckerTest, CountsUnreadFromBeforeTheRun) {
  Checker later(SendIds(1, 1, 1));
  const auto index = later.add_conversation(7, 42);
  const LogIndex log = later.add_log(index, 1, 1);
  later.began_at(log, 10);
  later.began_unread(index, 1, 6);
  const SendIndex send = later.add_send(index, 0, hash_bytes("text 0"), 1);
  later.sent(send, 2);
  v1::Entry entry = entry_of(send, 11);
  entry.set_client_message_id(later.ids().make(send));
  later.received(log, entry);
  later.history(index, 1, entry);
  later.history_end(index, 1, 11);
  later.finish();
  v1::Conversation view;
  view.set_head(11);
  view.set_delivered(11);
  view.set_unread(7);
  later.view(index, 1, view);
  EXPECT_EQ(later.faults().total(), 0U);
  view.set_unread(1);
  later.view(index, 1, view);
  EXPECT_EQ(later.faults().count(FaultKind::unread), 1U);
}

TEST_F(CheckerTest, KnowsWhatADeviceHolds) {
  for (int seq = 1; seq <= 3; ++seq) {
    const SendIndex send = checker.add_send(conversation, 0, 0, 1);
    checker.sent(send, 2);
    if (seq != 2) checker.received(logs[3], entry_of(send, seq));
  }
  EXPECT_EQ(checker.held_up_to(logs[3]), 1U);
  EXPECT_EQ(checker.highest(logs[3]), 3U);
  checker.received(logs[3], entry_of(1, 2));
  EXPECT_EQ(checker.held_up_to(logs[3]), 3U);
}

TEST(SendIds, LeadBackToTheirSendAndToNoOther) {
  const SendIds ids(1'770'000'000'123, 0x123456789abcU, 3);
  const SendIds other(1'770'000'000'123, 0x123456789abcU, 4);
  for (const SendIndex index : {0U, 1U, 0xdeadbeefU, 0xffffffffU}) {
    const std::string id = ids.make(index);
    EXPECT_EQ(id.size(), 36U);
    EXPECT_EQ(id[14], '7');
    EXPECT_THAT(std::string("89ab"), HasSubstr(std::string(1, id[19])));
    EXPECT_EQ(ids.find(id), index);
    EXPECT_EQ(other.find(id), std::nullopt);
  }
  EXPECT_EQ(ids.find(""), std::nullopt);
  EXPECT_EQ(ids.find(ids.make(1).replace(30, 1, "x")), std::nullopt);
}

}  // namespace
}  // namespace parley::load
