#include "services/gateway/testing/fixture.h"

namespace parley::gateway::testing {
namespace {

class Frames : public GatewayTest {};

TEST_F(Frames, ASendIsAcknowledgedWithWhatTheMessageServiceStored) {
  start();
  for (const auto wire : {Wire::pb, Wire::json}) {
    auto alice = client(1, wire);
    const auto answer = alice->say("d:1:2", wire == Wire::pb ? "a" : "b", "grüß dich");
    ASSERT_TRUE(answer.result().has_sent()) << answer.ShortDebugString();
    EXPECT_EQ(answer.result().sent().conversation_id(), "d:1:2");
    EXPECT_EQ(answer.result().sent().time_ms(), 5'000);
    EXPECT_NE(answer.result().sent().message_id(), 0);
  }
  const auto sent = messages_.sent();
  ASSERT_EQ(sent.size(), 2);
  EXPECT_EQ(sent[0].body, sent[1].body) << "one body, whichever wire it came by";
  EXPECT_EQ(sent[0].sender, UserId(1));
  EXPECT_EQ(sent[0].device, DeviceId(10));
  EXPECT_NE(sent[0].origin, Origin(0));
}

TEST_F(Frames, SendsOfAMessageAreOneBatchInTheirOrder) {
  start();
  auto alice = client(1);
  std::vector<v1::ClientFrame> frames;
  for (std::uint64_t i = 0; i < 50; ++i)
    frames.push_back(send(100 + i, "d:1:2", std::to_string(i)));
  alice->send(frames);
  for (std::uint64_t i = 0; i < 50; ++i) {
    const auto answer = alice->next();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->re(), 100 + i);
    EXPECT_EQ(answer->result().sent().seq(), i + 1);
  }
}

TEST_F(Frames, WhatIsWrongWithASendIsNamedAndTheConnectionStays) {
  start();
  struct Fault {
    std::string conversation, key, text, code, field;
  };
  const std::string long_text(16 * 1024 + 1, 'x');
  for (const auto wire : {Wire::pb, Wire::json}) {
    auto alice = client(1, wire);
    for (const auto& [conversation, key, text, code, field] :
         {Fault{"", "k", "x", "invalid_argument", "conversation_id"},
          Fault{"d:2:1", "k", "x", "invalid_argument", "conversation_id"},
          Fault{"d:2:3", "k", "x", "not_found", "conversation_id"},
          Fault{"d:1:2", "", "x", "invalid_argument", "client_message_id"},
          Fault{"d:1:2", std::string(65, 'k'), "x", "invalid_argument", "client_message_id"},
          Fault{"d:1:2", "k", "", "invalid_argument", "body.text"},
          Fault{"d:1:2", "k", long_text, "too_large", "body.text"}}) {
      const auto answer = alice->say(conversation, key, text);
      EXPECT_EQ(code_of(answer), code) << conversation;
      EXPECT_EQ(answer.error().field(), field);
      EXPECT_FALSE(answer.error().retryable());
    }
    EXPECT_TRUE(alice->say("d:1:2", "k", std::string(16 * 1024, 'x')).result().has_sent());
  }
  EXPECT_EQ(messages_.asked_sends(), 2) << "nothing at fault came through";
}

TEST_F(Frames, AnErrorOfTheMessageServiceIsTheAnswer) {
  start();
  auto alice = client(1);
  messages_.fail_sends(Error{Code::storage_full, "no space left", "", 700});
  const auto answer = alice->say("d:1:2", "k", "x");
  EXPECT_EQ(code_of(answer), "storage_full");
  EXPECT_TRUE(answer.error().retryable());
  EXPECT_EQ(answer.error().retry_after_ms(), 700);
}

TEST_F(Frames, ARequestWithoutAnIdGetsNoResult) {
  start();
  auto alice = client(1);
  alice->send({send(0, "d:1:2", "x"), ping(100)});
  EXPECT_EQ(alice->next()->re(), 100);
  EXPECT_EQ(messages_.asked_sends(), 1);
}

TEST_F(Frames, UnknownAndReservedOperationsAreUnsupported) {
  start();
  auto alice = client(1, Wire::json);
  std::uint64_t id = 200;
  for (const std::string op : {"fly", "edit", "delete", "react"}) {
    alice->send_raw(false, "{\"id\":\"" + std::to_string(++id) + "\",\"" + op + "\":{}}");
    const auto answer = alice->next();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->re(), id);
    EXPECT_EQ(code_of(*answer), "unsupported") << op;
  }
}

TEST_F(Frames, AMalformedFrameSparesTheConnectionAndAMalformedMessageDoesNot) {
  start();
  auto alice = client(1, Wire::json);
  alice->send_raw(false, R"({"id":"7","send":{"conversation_id":5}})");
  const auto answer = alice->next();
  EXPECT_EQ(answer->re(), 7);
  EXPECT_EQ(code_of(*answer), "malformed");
  EXPECT_EQ(answer->error().field(), "conversation_id");
  alice->send_raw(false, "{\"id\":");
  EXPECT_EQ(code_of(*alice->next()), "malformed");
  EXPECT_EQ(alice->close_code(), 4500);

  auto bob = client(2);
  bob->send_raw(true, "garbage");
  const auto refusal = bob->next();
  EXPECT_EQ(code_of(*refusal), "malformed");
  EXPECT_NE(refusal->error().message().find("at byte"), std::string::npos);
  EXPECT_EQ(bob->close_code(), 4500);
}

TEST_F(Frames, TheWrongKindOfMessageCloses) {
  start();
  auto alice = client(1, Wire::pb), bob = client(2, Wire::json);
  alice->send_raw(false, "{}");
  EXPECT_EQ(alice->close_code(), 1003);
  bob->send_raw(true, "{}");
  EXPECT_EQ(bob->close_code(), 1003);
}

TEST_F(Frames, AMessageAboveTheLimitsIsRefused) {
  start();
  auto alice = client(1), bob = client(2);
  std::vector<v1::ClientFrame> many(129, ping(100));
  alice->send(many);
  EXPECT_EQ(code_of(*alice->next()), "too_large");
  EXPECT_TRUE(alice->request(ping(0)).has_pong());
  bob->send_raw(true, std::string(64 * 1024 + 1, 'x'));
  EXPECT_EQ(bob->close_code(), 1009);
}

TEST_F(Frames, RatesAreLimitedWithATimeToComeAgain) {
  clock_ = &manual_clock_;
  settings_.limits.sends_per_second = 2;
  settings_.limits.requests_per_second = 3;
  start();
  auto alice = client(1);
  std::vector<v1::ClientFrame> frames;
  for (std::uint64_t i = 0; i < 6; ++i) frames.push_back(send(100 + i, "d:1:2", "x"));
  for (std::uint64_t i = 0; i < 8; ++i) frames.push_back(ping(200 + i));
  alice->send(frames);
  std::map<std::string, int> counts;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto answer = alice->next();
    ASSERT_TRUE(answer);
    const std::string kind = answer->re() < 200 ? "send " : "ping ";
    if (answer->has_error()) {
      EXPECT_TRUE(answer->error().retryable());
      EXPECT_GT(answer->error().retry_after_ms(), 0);
    }
    ++counts[kind + (answer->has_error() ? answer->error().code() : "ok")];
  }
  EXPECT_EQ(
      counts,
      (std::map<std::string, int>{
          {"send ok", 4}, {"send rate_limited", 2}, {"ping ok", 6}, {"ping rate_limited", 2}}));
  manual_clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(alice->say("d:1:2", "later", "x").result().has_sent());
}

TEST_F(Frames, BeyondTheUnansweredRequestsTheSocketIsNotRead) {
  settings_.limits.unanswered_requests = 4;
  start();
  auto alice = client(1);
  messages_.hold_answers();
  for (std::uint64_t i = 0; i < 20; ++i) alice->send({send(100 + i, "d:1:2", "x")});
  alice->send({ping(200)});
  eventually([&] { return messages_.asked_sends() == 4; });
  auto bob = client(2);  // others are served meanwhile
  EXPECT_TRUE(bob->request(ping(0)).has_pong());
  EXPECT_EQ(messages_.asked_sends(), 4);
  messages_.release_answers();
  std::set<std::uint64_t> answered;
  for (std::size_t i = 0; i < 21; ++i) answered.insert(alice->next()->re());
  EXPECT_EQ(answered.size(), 21) << "all are answered once";
  EXPECT_EQ(messages_.asked_sends(), 20);
}

TEST_F(Frames, AcksAndReadsBecomeMarks) {
  start();
  auto alice = client(1);
  v1::ClientFrame ack;
  for (const auto& [id, seq] : {std::pair{"d:1:2", 5}, std::pair{"d:1:3", 7}}) {
    auto& mark = *ack.mutable_ack()->add_marks();
    mark.set_conversation_id(id);
    mark.set_seq(static_cast<std::uint64_t>(seq));
  }
  v1::ClientFrame read;
  read.mutable_read()->set_conversation_id("d:1:2");
  read.mutable_read()->set_seq(4);
  alice->send({ack});
  EXPECT_TRUE(alice->request(read).has_result());
  EXPECT_EQ(messages_.marks(direct_id(1, 2), UserId(1)).delivered, Seq(5));
  EXPECT_EQ(messages_.marks(direct_id(1, 2), UserId(1)).read, Seq(4));
  EXPECT_EQ(messages_.marks(direct_id(1, 3), UserId(1)).delivered, Seq(7));
}

TEST_F(Frames, AMarkAtFaultIsNamedAndTheOthersCount) {
  start();
  auto alice = client(1);
  v1::ClientFrame ack;
  for (const auto* id : {"d:1:2", "d:2:3", "d:1:4"}) {
    auto& mark = *ack.mutable_ack()->add_marks();
    mark.set_conversation_id(id);
    mark.set_seq(1);
  }
  const auto answer = alice->request(ack);
  EXPECT_EQ(code_of(answer), "not_found");
  EXPECT_EQ(answer.error().field(), "marks[1].conversation_id");
  EXPECT_EQ(messages_.marks(direct_id(1, 4), UserId(1)).delivered, Seq(1));
  ack.mutable_ack()->clear_marks();
  for (int i = 0; i < 1025; ++i) ack.mutable_ack()->add_marks();
  EXPECT_EQ(code_of(alice->request(ack)), "too_large");
}

TEST_F(Frames, AGroupIsForItsMembersAndLooksLikeNoneToOthers) {
  messages_.add_group(913, {1, 2});
  start();
  for (const auto wire : {Wire::pb, Wire::json}) {
    auto alice = client(1, wire), eve = client(3, wire);
    EXPECT_TRUE(alice->say("g:913", "k", "x").result().has_sent());
    v1::ClientFrame ask;
    for (const std::string group : {"g:913", "g:914"}) {
      const auto refused = eve->say(group, "k", "x");
      EXPECT_EQ(code_of(refused), "not_found");
      EXPECT_EQ(refused.error().field(), "conversation_id");
      ask.mutable_history()->set_conversation_id(group);
      EXPECT_EQ(code_of(eve->request(ask)), "not_found");
    }
    ask.mutable_history()->set_conversation_id("g:913");
    EXPECT_EQ(alice->request(ask).result().history().conversation_id(), "g:913");
    for (const std::string wrong : {"g:0", "g:01", "g:", "g:1:2", "g:18446744073709551616"})
      EXPECT_EQ(code_of(alice->say(wrong, "k", "x")), "invalid_argument") << wrong;
  }
}

TEST_F(Frames, HistoryComesInPages) {
  start();
  for (int i = 1; i <= 120; ++i) messages_.append(direct_id(1, 2), UserId(2), std::to_string(i));
  for (const auto wire : {Wire::pb, Wire::json}) {
    auto alice = client(1, wire, 0, Cursor{FakeMessages::kEpoch, TimeMs(9'000)}.text());
    v1::ClientFrame ask;
    ask.mutable_history()->set_conversation_id("d:1:2");
    const auto newest = alice->request(ask).result().history();
    ASSERT_EQ(newest.entries_size(), 50);
    EXPECT_EQ(newest.entries(49).body().text(), "120");
    EXPECT_EQ(newest.head(), 120);
    EXPECT_TRUE(newest.more_before());
    EXPECT_FALSE(newest.more_after());
    ask.mutable_history()->set_before(newest.entries(0).seq());
    ask.mutable_history()->set_limit(200);
    const auto older = alice->request(ask).result().history();
    ASSERT_EQ(older.entries_size(), 70);
    EXPECT_FALSE(older.more_before());
    ask.mutable_history()->set_limit(201);
    EXPECT_EQ(alice->request(ask).error().field(), "limit");
    ask.mutable_history()->set_before_time(-1);
    EXPECT_EQ(alice->request(ask).error().field(), "before_time");
    ask.mutable_history()->set_limit(1);
    ask.mutable_history()->set_before(1);
    ask.mutable_history()->set_conversation_id("d:1:9");
    EXPECT_EQ(code_of(alice->request(ask)), "not_found");
    ask.mutable_history()->set_conversation_id("d:2:3");
    EXPECT_EQ(code_of(alice->request(ask)), "not_found");
  }
}

TEST_F(Frames, ManyLargePagesAskedForAtOnceAllArrive) {
  start();
  const std::string text(16 * 1024, '\x01');  // six bytes each in JSON
  for (int i = 1; i <= 200; ++i) messages_.append(direct_id(1, 2), UserId(2), text);
  auto alice = client(1, Wire::json, 0, Cursor{FakeMessages::kEpoch, TimeMs(9'000)}.text());
  std::vector<v1::ClientFrame> frames(20);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i].set_id(100 + i);
    frames[i].mutable_history()->set_conversation_id("d:1:2");
    frames[i].mutable_history()->set_limit(200);
  }
  alice->send(frames);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto answer = alice->next();
    ASSERT_TRUE(answer) << "closed after " << i;
    EXPECT_EQ(answer->re(), 100 + i);
    EXPECT_GT(answer->result().history().entries_size(), 0);
    EXPECT_TRUE(answer->result().history().more_before());
  }
}

}  // namespace
}  // namespace parley::gateway::testing
