#include "services/gateway/testing/fixture.h"

namespace parley::gateway::testing {
namespace {

class TypingFrames : public GatewayTest {
 protected:
  TypingFrames() : TypingFrames(1) {}
  explicit TypingFrames(std::size_t loops) : GatewayTest(loops) {
    clock_ = &manual_clock_;
    messages_.append(direct_id(1, 2), UserId(1), "hello");
  }
  static v1::ClientFrame typing(const std::string& conversation) {
    v1::ClientFrame frame;
    frame.mutable_typing()->set_conversation_id(conversation);
    return frame;
  }
  /// Whether the next live frame is a notice; what was sent before `marker` has come by then.
  static void expect_typing(Client& client, const std::string& conversation, std::uint64_t user) {
    const auto frame = client.next();
    ASSERT_TRUE(frame && frame->has_typing()) << frame->ShortDebugString();
    EXPECT_EQ(frame->typing().conversation_id(), conversation);
    EXPECT_EQ(frame->typing().user_id(), user);
    EXPECT_EQ(frame->re(), 0);
  }
  /// All that was told before is there, and it was nothing.
  void expect_nothing(Client& client, std::uint64_t user) {
    deliver(messages_.append(direct_id(1, 2), UserId(1), "marker"), {user});
    EXPECT_TRUE(client.next()->has_entry());
  }
};
class TypingOnTwoLoops : public TypingFrames {
 protected:
  TypingOnTwoLoops() : TypingFrames(2) {}
};

TEST_F(TypingFrames, ReachesEverySessionOfThePeerAndNobodyElse) {
  start();
  for (const auto wire : {Wire::pb, Wire::json}) {
    auto alice = client(1, wire), desk = client(1, wire, 11);
    auto bob = client(2, Wire::pb), phone = client(2, Wire::json, 21), carol = client(3);
    alice->send({typing("d:1:2")});
    expect_typing(*bob, "d:1:2", 1);
    expect_typing(*phone, "d:1:2", 1);
    expect_nothing(*desk, 1);
    expect_nothing(*carol, 3);
  }
}

TEST_F(TypingOnTwoLoops, ReachesTheSessionsOfEachLoop) {
  start();
  auto alice = client(1);
  std::vector<std::unique_ptr<Client>> peers;
  for (std::uint64_t i = 0; i < 4; ++i) peers.push_back(client(2, Wire::pb, 20 + i));
  alice->send({typing("d:1:2")});
  for (auto& peer : peers) expect_typing(*peer, "d:1:2", 1);
}

TEST_F(TypingFrames, GoesOnAtMostOnceInTwoSecondsForEachSessionAndConversation) {
  messages_.append(direct_id(2, 3), UserId(3), "hello");
  messages_.add_group(5, {1, 2});
  start();
  auto alice = client(1), desk = client(1, Wire::json, 11), bob = client(2);
  for (int i = 0; i < 5; ++i) alice->send({typing("d:1:2"), typing("g:5")});
  EXPECT_TRUE(alice->request(ping(0)).has_pong()) << "dropped without a word";
  expect_typing(*bob, "d:1:2", 1);
  expect_nothing(*bob, 2);
  EXPECT_EQ(groups_.typed(), (std::vector{std::pair(UserId(1), GroupId(5))}));

  desk->send({typing("d:1:2")});
  expect_typing(*bob, "d:1:2", 1);
  manual_clock_.advance(std::chrono::milliseconds(1'999));
  alice->send({typing("d:1:2")});
  EXPECT_TRUE(alice->request(ping(0)).has_pong());
  expect_nothing(*bob, 2);
  manual_clock_.advance(std::chrono::milliseconds(1));
  alice->send({typing("d:1:2")});
  expect_typing(*bob, "d:1:2", 1);
}

TEST_F(TypingFrames, ToOneWhoNeverWroteWithTheUserIsDropped) {
  start();
  auto alice = client(1), carol = client(3);
  alice->send({typing("d:1:3"), typing("d:1:1"), typing("c:3")});
  EXPECT_TRUE(alice->request(ping(0)).has_pong()) << "and not a word of it";
  expect_nothing(*carol, 3);
  expect_nothing(*alice, 1);
}

TEST_F(TypingFrames, OfAGroupIsForTheGroupServiceToPassOn) {
  start();
  auto stranger = client(9, Wire::json);
  stranger->send({typing("g:913")});
  EXPECT_TRUE(stranger->request(ping(0)).has_pong());
  EXPECT_EQ(groups_.typed(), (std::vector{std::pair(UserId(9), GroupId(913))}));

  auto bob = client(2, Wire::json), carol = client(3);
  gateway_->typing({{ConversationId::group(913), UserId(1), {UserId(2), UserId(3)}}});
  expect_typing(*bob, "g:913", 1);
  expect_typing(*carol, "g:913", 1);
}

TEST_F(TypingFrames, WhatIsWrongWithItIsNamed) {
  start();
  for (const auto wire : {Wire::pb, Wire::json}) {
    auto alice = client(1, wire);
    for (const auto& [conversation, code] :
         {std::pair{"", "invalid_argument"}, std::pair{"d:2:1", "invalid_argument"},
          std::pair{"g:0", "invalid_argument"}, std::pair{"d:2:3", "not_found"}}) {
      const auto answer = alice->request(typing(conversation));
      EXPECT_EQ(code_of(answer), code) << conversation;
      EXPECT_EQ(answer.error().field(), "conversation_id");
    }
  }
  EXPECT_TRUE(groups_.typed().empty());
}

TEST_F(TypingFrames, NoticesOfATurnAreOne) {
  start();
  auto bob = client(2);
  const TypingNotice notice{direct_id(1, 2), UserId(1), {UserId(2)}};
  boost::asio::post(loops_.at(0), [&] {
    for (int i = 0; i < 10; ++i) gateway_->typing({notice});
  });
  expect_typing(*bob, "d:1:2", 1);
  expect_nothing(*bob, 2);
}

}  // namespace
}  // namespace parley::gateway::testing
