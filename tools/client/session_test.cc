#include "client/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "client/temp_folder.h"

namespace parley::client {
namespace {
using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr char kPlace[] = "d:1:2";

struct Seen final : SessionListener {
  void on_entry(const v1::Entry& entry) override { texts.push_back(entry.body().text()); }
  void on_skipped(const std::string&, Range range) override { skipped.push_back(range); }
  void on_sent(const OutboxItem& item, const v1::Sent&) override { sent.push_back(item.text()); }
  void on_send_failed(const OutboxItem& item, const Failure& failure) override {
    failed.push_back(item.text() + " " + failure.code);
  }
  void on_receipt(const v1::Receipt& receipt) override { receipts.push_back(receipt); }
  void on_typing(const v1::TypingNotice& notice) override { typing.push_back(notice); }
  void on_presence(const v1::PresenceNotice& notice) override { presence.push_back(notice); }
  void on_backlog_end(const v1::BacklogEnd& end) override { cursor = end.cursor(); }
  void on_trouble(const Failure& failure) override { troubles.push_back(failure.code); }
  std::vector<std::string> texts, sent, failed, troubles;
  std::vector<Range> skipped;
  std::vector<v1::Receipt> receipts;
  std::vector<v1::TypingNotice> typing;
  std::vector<v1::PresenceNotice> presence;
  std::string cursor;
};

class SessionTest : public testing::Test {
 protected:
  static Time at(int ms) { return Time{} + std::chrono::hours(1) + milliseconds(ms); }
  static v1::ServerFrame entry(std::uint64_t seq, const std::string& text,
                               std::uint64_t sender = 2) {
    v1::ServerFrame frame;
    auto& made = *frame.mutable_entry();
    made.set_conversation_id(kPlace);
    made.set_seq(seq);
    made.set_sender(sender);
    made.mutable_body()->set_text(text);
    return frame;
  }
  static v1::ServerFrame error(std::uint64_t re, const std::string& code, bool retryable,
                               std::uint32_t after = 0) {
    v1::ServerFrame frame;
    frame.set_re(re);
    frame.mutable_error()->set_code(code);
    frame.mutable_error()->set_retryable(retryable);
    frame.mutable_error()->set_retry_after_ms(after);
    return frame;
  }
  static v1::ServerFrame sent(std::uint64_t re, std::uint64_t seq) {
    v1::ServerFrame frame;
    frame.set_re(re);
    frame.mutable_result()->mutable_sent()->set_conversation_id(kPlace);
    frame.mutable_result()->mutable_sent()->set_seq(seq);
    return frame;
  }
  /// Connects; answers the hello that went out.
  v1::Hello go_online(int ms) {
    session_.opened("access", at(ms));
    auto frames = session_.take_frames();
    EXPECT_EQ(frames.size(), 1u);
    EXPECT_TRUE(frames.at(0).has_hello());
    v1::ServerFrame frame;
    frame.set_re(frames.at(0).id());
    auto& welcome = *frame.mutable_welcome();
    welcome.set_resume_ticket("ticket");
    welcome.set_server_time_ms(1'000'000);
    welcome.set_ticket_expires_ms(1'600'000);
    session_.received(frame, at(ms));
    return frames.at(0).hello();
  }

  TempFolder folder_;
  Account account_ = *Account::create(folder_.path(), "ana", {});
  Outbox outbox_{account_};
  Seen seen_;
  Session session_{1, "", outbox_, seen_};
};

TEST_F(SessionTest, ResumesWithTicketAndCursor) {
  EXPECT_EQ(go_online(0).token(), "access");
  v1::ServerFrame end;
  end.mutable_backlog_end()->set_cursor("c7");
  session_.received(end, at(1));
  EXPECT_EQ(seen_.cursor, "c7");
  session_.closed();
  const auto hello = go_online(100);
  EXPECT_EQ(hello.resume_ticket(), "ticket");
  EXPECT_EQ(hello.token(), "");
  EXPECT_EQ(hello.cursor(), "c7");
  session_.closed();
  EXPECT_EQ(go_online(100 + 600'000).token(), "access") << "the ticket has expired";
  session_.closed();
  session_.forget_ticket();
  EXPECT_EQ(go_online(700'000).token(), "access");
}

TEST_F(SessionTest, AGroupIsShownFromTheEntryThatOneJoinedBy) {
  go_online(0);
  v1::ServerFrame frame;
  auto& entry = *frame.mutable_entry();
  entry.set_conversation_id("g:913");
  entry.set_seq(50);
  entry.mutable_group_change()->mutable_added()->add_user_ids(1);
  session_.received(frame, at(1));
  EXPECT_EQ(seen_.texts.size(), 1u) << "nothing before it is missing";
  session_.tick(at(1'000));
  for (const auto& sent : session_.take_frames()) EXPECT_FALSE(sent.has_history());

  v1::ServerFrame other;
  other.mutable_conversation()->set_conversation_id("g:914");
  other.mutable_conversation()->set_joined(20);
  other.mutable_conversation()->set_head(20);
  session_.received(other, at(1'001));
  session_.tick(at(2'000));
  auto frames = session_.take_frames();
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().history().after(), 19u);
}

TEST_F(SessionTest, TypingIsToldOnceInThreeSecondsAndWatchingOnEveryConnection) {
  session_.watch({7, 8});
  session_.typing(kPlace, at(0));
  go_online(10);
  auto frames = session_.take_frames();
  ASSERT_EQ(frames.size(), 1u) << "what was typed while offline is not kept";
  EXPECT_EQ(frames[0].presence().user_ids_size(), 2);
  session_.typing(kPlace, at(20));
  session_.typing(kPlace, at(1'000));
  EXPECT_EQ(session_.take_frames().size(), 1u);
  session_.typing(kPlace, at(3'100));
  EXPECT_EQ(session_.take_frames().size(), 1u);
  v1::ServerFrame frame;
  frame.mutable_typing()->set_user_id(7);
  session_.received(frame, at(3'200));
  frame.mutable_presence()->set_online(true);
  session_.received(frame, at(3'200));
  EXPECT_EQ(seen_.typing.size(), 1u);
  EXPECT_EQ(seen_.presence.size(), 1u);
}

TEST_F(SessionTest, OneUnansweredSendAConversationAndInOrder) {
  go_online(0);
  ASSERT_TRUE(session_.send(kPlace, "one", at(1)));
  ASSERT_TRUE(session_.send(kPlace, "two", at(1)));
  ASSERT_TRUE(session_.send("d:1:3", "elsewhere", at(1)));
  auto frames = session_.take_frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].send().body().text(), "one");
  EXPECT_EQ(frames[1].send().body().text(), "elsewhere");
  session_.received(sent(frames[0].id(), 1), at(2));
  frames = session_.take_frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].send().body().text(), "two");
  session_.received(sent(frames[0].id(), 2), at(3));
  EXPECT_THAT(seen_.sent, ElementsAre("one", "two"));
  EXPECT_THAT(seen_.texts, ElementsAre("one", "two")) << "the server does not repeat them to us";
  EXPECT_EQ(outbox_.items().size(), 1);
}

TEST_F(SessionTest, SendsAgainUnderTheSameKeyAfterALostConnection) {
  go_online(0);
  const auto item = session_.send(kPlace, "one", at(1));
  session_.take_frames();
  session_.closed();
  ASSERT_TRUE(session_.send(kPlace, "two", at(2))) << "also while offline";
  EXPECT_TRUE(session_.take_frames().empty());
  go_online(10);
  const auto frames = session_.take_frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].send().client_message_id(), item->client_message_id());
  EXPECT_EQ(frames[0].send().body().text(), "one");
}

TEST_F(SessionTest, ARetryableFailureWaitsAndKeepsTheOrder) {
  go_online(0);
  ASSERT_TRUE(session_.send(kPlace, "one", at(0)));
  ASSERT_TRUE(session_.send(kPlace, "two", at(0)));
  session_.received(error(session_.take_frames().at(0).id(), "unavailable", true, 3000), at(1));
  EXPECT_TRUE(session_.take_frames().empty());
  EXPECT_EQ(session_.next_tick(), at(3001));
  session_.tick(at(3000));
  EXPECT_TRUE(session_.take_frames().empty());
  session_.tick(at(3001));
  const auto frames = session_.take_frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].send().body().text(), "one");
}

TEST_F(SessionTest, WhatTheServerRefusesForGoodLeavesTheOutbox) {
  go_online(0);
  ASSERT_TRUE(session_.send(kPlace, "huge", at(0)));
  ASSERT_TRUE(session_.send(kPlace, "next", at(0)));
  session_.received(error(session_.take_frames().at(0).id(), "too_large", false), at(1));
  EXPECT_THAT(seen_.failed, ElementsAre("huge too_large"));
  EXPECT_EQ(session_.take_frames().at(0).send().body().text(), "next");
}

TEST_F(SessionTest, FetchesWhatStaysMissing) {
  session_.track(kPlace, 4, 4, Session::Acks::yes, at(0));
  go_online(0);
  session_.received(entry(6, "six"), at(100));
  session_.tick(at(399));
  EXPECT_TRUE(session_.take_frames().empty());
  EXPECT_EQ(session_.next_tick(), at(400));
  session_.tick(at(400));
  const auto frames = session_.take_frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].history().after(), 4u);
  v1::ServerFrame answer;
  answer.set_re(frames[0].id());
  *answer.mutable_result()->mutable_history()->add_entries() = entry(5, "five").entry();
  session_.received(answer, at(410));
  EXPECT_THAT(seen_.texts, ElementsAre("five", "six"));
}

TEST_F(SessionTest, AnAnnouncedGapIsFetched) {
  session_.track(kPlace, 4, 4, Session::Acks::yes, at(0));
  go_online(0);
  v1::ServerFrame gap;
  gap.mutable_gap()->set_conversation_id(kPlace);
  gap.mutable_gap()->set_from(5);
  gap.mutable_gap()->set_to(9);
  session_.received(gap, at(0));
  session_.tick(at(300));
  auto frames = session_.take_frames();
  ASSERT_EQ(frames.size(), 1u);
  session_.received(error(frames[0].id(), "not_found", false), at(301));
  EXPECT_THAT(seen_.skipped, ElementsAre(Range{5, 9}));
}

TEST_F(SessionTest, AcksAtMostOnceASecondForAllConversations) {
  go_online(0);
  session_.received(entry(1, "a"), at(10));
  auto frames = session_.take_frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].id(), 0u) << "no answer is wanted";
  EXPECT_EQ(frames[0].ack().marks(0).seq(), 1u);
  session_.received(entry(2, "b"), at(20));
  session_.received(entry(3, "c"), at(30));
  EXPECT_TRUE(session_.take_frames().empty());
  EXPECT_EQ(session_.next_tick(), at(1010));
  session_.tick(at(1010));
  frames = session_.take_frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].ack().marks(0).seq(), 3u);
  EXPECT_TRUE(session_.idle());
}

TEST_F(SessionTest, ManyAcksAreToldAFewAtATimeAndAllInTheEnd) {
  go_online(0);
  for (int i = 0; i < 700; ++i) {
    auto frame = entry(1, "a");
    frame.mutable_entry()->set_conversation_id("d:1:" + std::to_string(i + 2));
    session_.received(frame, at(10));
  }
  std::set<std::string> told;
  for (int ms = 10; !session_.idle() && ms < 5'000; ms += 1'000) {
    session_.tick(at(ms));
    for (const auto& frame : session_.take_frames()) {
      EXPECT_LE(frame.ack().marks_size(), 512);
      for (const auto& mark : frame.ack().marks()) told.insert(mark.conversation_id());
    }
  }
  EXPECT_EQ(told.size(), 700u);
}

TEST_F(SessionTest, NeverClaimsDeliveryOverWhatIsMissing) {
  session_.track(kPlace, 4, 4, Session::Acks::no, at(0));
  go_online(0);
  session_.received(entry(5, "five"), at(10));
  session_.tick(at(5000));
  EXPECT_TRUE(session_.take_frames().empty());
  EXPECT_THAT(seen_.texts, ElementsAre("five"));
}

TEST_F(SessionTest, ReadIsSaidUntilItIsAnswered) {
  go_online(0);
  session_.received(entry(1, "a"), at(0));
  session_.take_frames();
  session_.read(kPlace, 1, at(1));
  EXPECT_EQ(session_.take_frames().at(0).read().seq(), 1u);
  session_.closed();
  go_online(100);
  bool said = false;
  for (const auto& frame : session_.take_frames()) {
    if (!frame.has_read()) continue;
    said = true;
    v1::ServerFrame answer;
    answer.set_re(frame.id());
    answer.mutable_result();
    session_.received(answer, at(101));
  }
  EXPECT_TRUE(said);
  session_.closed();
  go_online(200);
  for (const auto& frame : session_.take_frames()) EXPECT_FALSE(frame.has_read());
}

TEST_F(SessionTest, ASilentServerIsNoticed) {
  go_online(0);
  session_.read(kPlace, 1, at(0));
  session_.tick(at(19'999));
  EXPECT_FALSE(session_.stalled());
  session_.tick(at(20'000));
  EXPECT_TRUE(session_.stalled());
}

TEST_F(SessionTest, MovesTheCursorWhileLive) {
  go_online(0);
  session_.tick(at(60'000));
  EXPECT_TRUE(session_.take_frames().empty()) << "nothing came: nothing to move";
  session_.received(entry(1, "a", 1), at(60'001));
  session_.tick(at(120'000));
  const auto frames = session_.take_frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].has_sync());
}

TEST_F(SessionTest, ABacklogThatFailsIsAskedForAgain) {
  session_.opened("access", at(0));
  const auto hello = session_.take_frames().at(0).id();
  v1::ServerFrame welcome;
  welcome.set_re(hello);
  welcome.mutable_welcome();
  session_.received(welcome, at(1));
  EXPECT_FALSE(session_.refusal());
  session_.received(error(hello, "unavailable", true, 2000), at(2));
  EXPECT_THAT(seen_.troubles, ElementsAre("unavailable"));
  session_.tick(at(2001));
  EXPECT_TRUE(session_.take_frames().empty());
  session_.tick(at(2002));
  EXPECT_TRUE(session_.take_frames().at(0).has_sync());
}

TEST_F(SessionTest, ARefusedHelloIsKept) {
  session_.opened("access", at(0));
  session_.received(error(session_.take_frames().at(0).id(), "token_expired", false), at(1));
  ASSERT_TRUE(session_.refusal());
  EXPECT_EQ(session_.refusal()->code, "token_expired");
  EXPECT_FALSE(session_.online());
}

TEST(Backoff, GrowsToTwentySecondsWithJitter) {
  EXPECT_EQ(backoff(0, 0), milliseconds(125));
  EXPECT_EQ(backoff(0, 1), milliseconds(250));
  EXPECT_EQ(backoff(3, 0), milliseconds(1000));
  EXPECT_EQ(backoff(50, 1), milliseconds(20'000));
}

}  // namespace
}  // namespace parley::client
