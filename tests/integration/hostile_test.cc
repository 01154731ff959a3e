// What a client gets that is broken, greedy or up to no good; and that nobody else notices.
#include <gtest/gtest.h>

#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {

class Hostile : public ::testing::TestWithParam<Client::Wire> {
 protected:
  static void SetUpTestSuite() { suite = std::make_unique<SuiteServer>(); }
  static void TearDownTestSuite() { suite.reset(); }
  Hostile()
      : ann(sign_up(server.port(), own_name("ann"))),
        bob(sign_up(server.port(), own_name("bob"))),
        talk(direct(ann.user_id(), bob.user_id())),
        client(server.port(), GetParam()) {
    client.hello(ann.access_token());
  }
  v1::Error say(const std::string& conversation, const std::string& key, const std::string& text) {
    const auto answer = client.say(conversation, key, text);
    EXPECT_TRUE(answer.has_error()) << answer.ShortDebugString();
    return answer.error();
  }
  void others_are_served() {
    Client other(server.port(), GetParam());
    other.hello(bob.access_token());
    EXPECT_TRUE(other.say(talk, "witness", "still here").has_result());
  }

  static std::unique_ptr<SuiteServer> suite;
  ServerProcess& server = suite->server;
  v1::Tokens ann, bob;
  std::string talk;
  Client client;
};
std::unique_ptr<SuiteServer> Hostile::suite;

/// What is the same on every wire; `Hostile` is about those of a WebSocket.
class HostileFrames : public Hostile {};

TEST_P(HostileFrames, EachBadRequestHasItsNamedErrorAndTheConnectionStays) {
  EXPECT_EQ(say("d:1", "k", "x").code(), "invalid_argument");
  EXPECT_EQ(say("d:1", "k", "x").field(), "conversation_id");
  EXPECT_EQ(say(talk, "", "x").field(), "client_message_id");
  EXPECT_EQ(say(talk, std::string(65, 'k'), "x").field(), "client_message_id");
  EXPECT_EQ(say(talk, "k", "").field(), "body.text");
  EXPECT_EQ(say(talk, "k", std::string(16 * 1024 + 1, 'x')).code(), "too_large");
  const auto stranger = say(direct(bob.user_id(), bob.user_id()), "k", "x");
  const auto nobody = say(direct(ann.user_id(), 12345), "k", "x");
  EXPECT_EQ(stranger.code(), "not_found");
  EXPECT_EQ(stranger.SerializeAsString(), nobody.SerializeAsString()) << "the two look alike";
  v1::ClientFrame frame;
  frame.mutable_edit();
  EXPECT_EQ(client.request(frame).error().code(), "unsupported");
  frame.mutable_history()->set_conversation_id(talk);
  frame.mutable_history()->set_limit(10'000);
  EXPECT_EQ(client.request(frame).error().field(), "limit");
  frame.mutable_history()->set_limit(10);
  EXPECT_EQ(client.request(frame).error().code(), "not_found");
  frame.mutable_sync()->set_cursor("garbage");
  EXPECT_EQ(client.request(frame).error().field(), "cursor");
  EXPECT_TRUE(client.say(talk, "k", std::string(16 * 1024, 'x')).has_result());
  others_are_served();
}

TEST_P(Hostile, AMessageAbove64KiBClosesWith1009) {
  client.send_raw(GetParam() == Client::Wire::pb, std::string(64 * 1024 + 1, ' '));
  EXPECT_EQ(client.close_code(), 1009u);
  others_are_served();
}

TEST_P(Hostile, WhatIsNoFrameClosesWith4500) {
  client.send_raw(GetParam() == Client::Wire::pb, "\x0a\x05junk");
  EXPECT_EQ(client.close_code(), 4500u);
  others_are_served();
}

TEST_P(Hostile, TheWrongDataTypeClosesWith1003) {
  client.send_raw(GetParam() != Client::Wire::pb, "{}");
  EXPECT_EQ(client.close_code(), 1003u);
  others_are_served();
}

TEST_P(Hostile, AnythingBeforeHelloCloses) {
  Client other(server.port(), GetParam());
  v1::ClientFrame frame;
  frame.set_id(1);
  frame.mutable_ping();
  other.send({frame});
  EXPECT_EQ(other.close_code(), 4503u);
  Client forged(server.port(), GetParam());
  forged.hello(ann.access_token().substr(0, ann.access_token().size() - 4) + "AAAA");
  EXPECT_EQ(forged.close_code(), 4501u);
  others_are_served();
}

TEST_P(HostileFrames, AFloodIsRateLimitedWithATimeToComeBack) {
  std::vector<v1::ClientFrame> flood(100);
  int limited = 0, sent = 0;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < flood.size(); ++i) {
      flood[i].set_id(1'000 + i);
      flood[i].mutable_send()->set_conversation_id(talk);
      flood[i].mutable_send()->set_client_message_id("flood" + std::to_string(round) + "-" +
                                                     std::to_string(i));
      flood[i].mutable_send()->mutable_body()->set_text("x");
    }
    client.send(flood);
    for (std::size_t i = 0; i < flood.size(); ++i) {
      auto answer = client.next([](const v1::ServerFrame& f) { return f.re() >= 1'000; });
      ASSERT_TRUE(answer);
      if (answer->has_result()) ++sent;
      if (!answer->has_error()) continue;
      ++limited;
      EXPECT_EQ(answer->error().code(), "rate_limited");
      EXPECT_TRUE(answer->error().retryable());
      EXPECT_GT(answer->error().retry_after_ms(), 0u);
    }
  }
  EXPECT_GT(limited, 0);
  EXPECT_GT(sent, 0);
  others_are_served();
}

TEST_P(HostileFrames, NobodySeesAConversationOfOthers) {
  client.say(talk, "k", "private");
  const auto eve = sign_up(server.port(), own_name("eve"));
  Client spy(server.port(), GetParam());
  spy.hello(eve.access_token());
  v1::ClientFrame frame;
  frame.mutable_history()->set_conversation_id(talk);
  EXPECT_EQ(spy.request(frame).error().code(), "not_found");
  frame.mutable_read()->set_conversation_id(talk);
  frame.mutable_read()->set_seq(1);
  EXPECT_EQ(spy.request(frame).error().code(), "not_found");
  EXPECT_EQ(spy.say(talk, "k", "x").error().code(), "not_found");
  const auto page =
      http(server.port(), "GET", "/v1/conversations/" + talk + "/messages", "", eve.access_token());
  EXPECT_EQ(page.status, 404u) << page.body;
  EXPECT_EQ(http(server.port(), "GET", "/v1/conversations/" + talk, "", eve.access_token()).status,
            404u);
}

INSTANTIATE_TEST_SUITE_P(Wire, Hostile, ::testing::Values(Client::Wire::pb, Client::Wire::json),
                         [](const auto& wire) { return Client::name(wire.param); });
INSTANTIATE_TEST_SUITE_P(Wire, HostileFrames,
                         ::testing::Values(Client::Wire::pb, Client::Wire::json,
                                           Client::Wire::http),
                         [](const auto& wire) { return Client::name(wire.param); });

}  // namespace
}  // namespace parley::testing
