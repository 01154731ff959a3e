// What people see of the promises, over real sockets: every wire, several devices, kills in
// between.
#include <chrono>
#include <csignal>
#include <gtest/gtest.h>
#include <set>

#include "documented_metrics.h"
#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {

class Delivery : public ::testing::TestWithParam<Client::Wire> {
 protected:
  static void SetUpTestSuite() {
    suite = std::make_unique<SuiteServer>(
        std::vector<std::string>{"--limits-sends_per_second", "100000"});
  }
  static void TearDownTestSuite() { suite.reset(); }
  Delivery()
      : ann(sign_up(server.port(), own_name("ann"))),
        bob(sign_up(server.port(), own_name("bob"))),
        talk(direct(ann.user_id(), bob.user_id())) {}

  std::unique_ptr<Client> connect(const v1::Tokens& who, const std::string& cursor = "") {
    auto client = std::make_unique<Client>(server.next_port(), GetParam());
    const auto welcome = client->hello(who.access_token(), cursor);
    EXPECT_EQ(welcome.user_id(), who.user_id());
    EXPECT_EQ(welcome.device_id(), who.device_id());
    return client;
  }
  static v1::ClientFrame read_frame(const std::string& conversation, std::uint64_t seq) {
    v1::ClientFrame frame;
    frame.mutable_read()->set_conversation_id(conversation);
    frame.mutable_read()->set_seq(seq);
    return frame;
  }
  static v1::ClientFrame ack_frame(const std::string& conversation, std::uint64_t seq) {
    v1::ClientFrame frame;
    auto* mark = frame.mutable_ack()->add_marks();
    mark->set_conversation_id(conversation);
    mark->set_seq(seq);
    return frame;
  }
  v1::Conversation standing(const v1::Tokens& who) {
    const auto answer =
        http(server.port(), "GET", "/v1/conversations/" + talk, "", who.access_token());
    EXPECT_EQ(answer.status, 200u) << answer.body;
    v1::Conversation out;
    // Only this field is looked at, so the test needs no JSON parser of its own.
    const auto at = answer.body.find("\"unread\":\"");
    out.set_unread(
        at == std::string::npos ? 0 : std::strtoull(answer.body.c_str() + at + 10, nullptr, 10));
    return out;
  }

  static std::unique_ptr<SuiteServer> suite;
  ServerProcess& server = suite->server;
  v1::Tokens ann, bob;
  std::string talk;
};
std::unique_ptr<SuiteServer> Delivery::suite;

TEST_P(Delivery, EveryDeviceOfBothUsersSeesTheSameLog) {
  const auto ann_tablet = sign_in(server.port(), own_name("ann")),
             bob_tablet = sign_in(server.port(), own_name("bob"));
  auto a1 = connect(ann), a2 = connect(ann_tablet), b1 = connect(bob), b2 = connect(bob_tablet),
       b3 = connect(bob);
  for (int i = 1; i <= 20; ++i) {
    auto& from = i % 2 ? a1 : b1;
    const auto answer = from->say(talk, "key" + std::to_string(i), "text " + std::to_string(i));
    ASSERT_TRUE(answer.result().has_sent()) << answer.ShortDebugString();
    EXPECT_EQ(answer.result().sent().seq(), static_cast<std::uint64_t>(i));
  }
  for (auto* device : {&a2, &b2, &b3})
    for (int i = 1; i <= 20; ++i) {
      const auto entry = (*device)->next_entry();
      EXPECT_EQ(entry.seq(), static_cast<std::uint64_t>(i));
      EXPECT_EQ(entry.body().text(), "text " + std::to_string(i));
      EXPECT_EQ(entry.sender(), i % 2 ? ann.user_id() : bob.user_id());
      EXPECT_EQ(entry.countable(), static_cast<std::uint64_t>(i));
    }
}

TEST_P(Delivery, ReceiptsSayDeliveredThenRead) {
  auto a = connect(ann), b = connect(bob);
  a->say(talk, "k1", "one");
  const auto entry = b->next_entry();
  b->send({ack_frame(talk, entry.seq())});
  auto receipt = a->next([](const v1::ServerFrame& f) { return f.has_receipt(); });
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->receipt().delivered(), 1u);
  EXPECT_EQ(receipt->receipt().read(), 0u);
  EXPECT_EQ(receipt->receipt().user_id(), bob.user_id());
  EXPECT_EQ(standing(bob).unread(), 1u);
  EXPECT_TRUE(b->request(read_frame(talk, 1)).has_result());
  receipt =
      a->next([](const v1::ServerFrame& f) { return f.has_receipt() && f.receipt().read() == 1; });
  ASSERT_TRUE(receipt);
  EXPECT_EQ(standing(bob).unread(), 0u);
}

TEST_P(Delivery, ReadingOnOneDeviceIsSeenOnTheOthers) {
  auto a = connect(ann), b1 = connect(bob), b2 = connect(sign_in(server.port(), own_name("bob")));
  a->say(talk, "k1", "one");
  a->say(talk, "k2", "two");
  b1->next_entry();
  b1->request(read_frame(talk, 2));
  auto changed = b2->next([](const v1::ServerFrame& f) {
    return f.has_conversation() && f.conversation().read() == 2;
  });
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->conversation().unread(), 0u);
}

TEST_P(Delivery, ComingBackGivesWhatWasMissedInOneRoundTrip) {
  std::string cursor;
  {
    auto b = connect(bob);
    cursor = b->cursor;
  }
  auto a = connect(ann);
  for (int i = 1; i <= 50; ++i) a->say(talk, "k" + std::to_string(i), "text");
  for (bool killed : {false, true}) {
    if (killed) {
      server.kill_hard();
      server.start();
    }
    auto b = connect(bob, cursor);
    std::set<std::uint64_t> seqs;  // some may be handed over besides
    for (const auto& frame : b->backlog)
      if (frame.has_entry()) seqs.insert(frame.entry().seq());
    ASSERT_EQ(seqs.size(), 50u) << (killed ? "after a kill" : "");
    EXPECT_EQ(*seqs.begin(), 1u);
    EXPECT_EQ(*seqs.rbegin(), 50u);
    EXPECT_EQ(b->backlog.back().backlog_end().entries(), 50u);
  }
}

TEST_P(Delivery, WhatIsTooMuchForABacklogIsSaidAsAGap) {
  const auto cursor = connect(bob)->cursor;
  auto a = connect(ann);
  for (int i = 1; i <= 230; ++i) a->say(talk, "k" + std::to_string(i), "text");
  auto b = connect(bob, cursor);
  std::set<std::uint64_t> seqs;  // the last one may come live besides
  std::uint64_t from = 0, to = 0;
  for (const auto& frame : b->backlog) {
    if (frame.has_entry()) seqs.insert(frame.entry().seq());
    if (frame.has_gap()) {
      from = frame.gap().from();
      to = frame.gap().to();
    }
  }
  EXPECT_EQ(seqs.size(), 200u);
  EXPECT_EQ(*seqs.begin(), 31u);
  EXPECT_EQ(from, 1u);
  EXPECT_EQ(to, 30u);
  v1::ClientFrame ask;
  ask.mutable_history()->set_conversation_id(talk);
  ask.mutable_history()->set_after(0);
  ask.mutable_history()->set_limit(30);
  const auto page = b->request(ask).result().history();
  ASSERT_EQ(page.entries_size(), 30);
  EXPECT_EQ(page.entries(29).seq(), 30u);
  EXPECT_EQ(page.head(), 230u);
}

TEST_P(Delivery, RetriesAcrossAKillGiveOneMessageAndTheSameAnswer) {
  std::vector<std::string> answers;
  for (int i = 0; i < 4; ++i) {
    auto a = connect(ann);
    for (int j = 0; j < 3; ++j) {
      const auto sent = a->say(talk, "the-key", "the text").result().sent();
      answers.push_back(std::to_string(sent.seq()) + " " + std::to_string(sent.message_id()) + " " +
                        std::to_string(sent.time_ms()));
    }
    EXPECT_EQ(a->say(talk, "the-key", "another text").error().code(), "conflict");
    server.kill_hard();
    server.start();
  }
  for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]);
}

TEST_P(Delivery, AResumeTicketOpensASessionUntilSignOut) {
  std::string ticket;
  {
    Client first(server.port(), GetParam());
    ticket = first.hello(ann.access_token()).resume_ticket();
  }
  Client second(server.port(), GetParam());
  EXPECT_EQ(second.hello(ticket, "", true).user_id(), ann.user_id());
  EXPECT_TRUE(second.say(talk, "k", "by a ticket").has_result());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(http(server.port(), "POST", "/v1/signout", "{}", ann.access_token()).status / 100, 2u);
  EXPECT_EQ(second.close_code(), 4502u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  Client third(server.port(), GetParam());
  third.hello(ticket, "", true);
  EXPECT_EQ(third.close_code(), GetParam() == Client::Wire::http ? 401u : 4501u);
  EXPECT_EQ(http(server.port(), "GET", "/v1/me", "", ann.access_token()).status, 401u);
}

TEST_P(Delivery, SigtermTellsClientsToComeBackAndLosesNothing) {
  auto a = connect(ann);
  a->say(talk, "k", "text");
  server.signal(SIGTERM);
  auto notice = a->next([](const v1::ServerFrame& f) { return f.has_reconnect(); });
  EXPECT_TRUE(notice);
  EXPECT_EQ(a->close_code(), 4000u);
  EXPECT_EQ(server.wait(), 0);
  server.start();
  EXPECT_EQ(connect(ann)->say(talk, "k", "text").result().sent().seq(), 1u);
}

TEST_P(Delivery, UnreadCountsSurviveAKill) {
  auto a = connect(ann);
  for (int i = 1; i <= 7; ++i) a->say(talk, "k" + std::to_string(i), "text");
  connect(bob)->request(read_frame(talk, 3));
  server.kill_hard();
  server.start();
  EXPECT_EQ(standing(bob).unread(), 4u);
  EXPECT_EQ(standing(ann).unread(), 0u);
}

TEST_P(Delivery, WhoIsNotConnectedIsPushedOnceDurably) {
  SuiteServer quiet;  // where nobody else is pushed
  const auto cat = sign_up(quiet.server.port(), "cat"), dan = sign_up(quiet.server.port(), "dan");
  Client c(quiet.server.port(), GetParam());
  c.hello(cat.access_token());
  c.say(direct(cat.user_id(), dan.user_id()), "k", "text");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (quiet.server.metrics().find("parley_push_decisions_total 1\n") == std::string::npos)
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST_P(Delivery, TheMetricsAreTheDocumentedOnes) {
  const auto documented = documented_metrics();
  auto there = families_in(server.metrics());
  for (const auto& family : documented.perhaps) there.erase(family);
  for (const auto& family : documented.always)
    EXPECT_TRUE(there.contains(family)) << "docs/metrics.md has what no process has: " << family;
  for (const auto& family : there)
    EXPECT_TRUE(documented.always.contains(family)) << "docs/metrics.md lacks " << family;
}

INSTANTIATE_TEST_SUITE_P(Wire, Delivery,
                         ::testing::Values(Client::Wire::pb, Client::Wire::json,
                                           Client::Wire::http),
                         [](const auto& wire) { return Client::name(wire.param); });

}  // namespace
}  // namespace parley::testing
