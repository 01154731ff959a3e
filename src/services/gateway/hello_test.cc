#include "services/gateway/testing/fixture.h"

namespace parley::gateway::testing {
namespace {

class Hello : public GatewayTest {
 protected:
  explicit Hello(std::size_t loops = 1) : GatewayTest(loops) {}

  void expect_two_connections_at_most();
};
class HelloOnTwoLoops : public Hello {
 protected:
  HelloOnTwoLoops() : Hello(2) {}
};

v1::ClientFrame hello_with(const std::string& token) {
  v1::ClientFrame frame;
  frame.set_id(100);
  frame.mutable_hello()->set_token(token);
  return frame;
}

TEST_F(Hello, IsAnsweredByWelcomeAndAnEmptyBacklogOnBothSubprotocols) {
  start();
  for (const auto wire : {Wire::pb, Wire::json}) {
    Client client(port_, wire);
    const auto welcome = client.hello(token(1));
    EXPECT_EQ(welcome.user_id(), 1);
    EXPECT_EQ(welcome.device_id(), 10);
    EXPECT_NE(welcome.session_id(), 0);
    EXPECT_EQ(welcome.limits().frame_bytes(), 64 * 1024);
    EXPECT_EQ(welcome.limits().unanswered_requests(), 256);
    EXPECT_EQ(welcome.limits().watched_users(), 500);
    EXPECT_EQ((std::vector<std::string>(welcome.features().begin(), welcome.features().end())),
              (std::vector<std::string>{"resume_ticket", "history_by_time", "groups", "typing",
                                        "presence"}));
    EXPECT_EQ(welcome.ping_after_ms(), 25'000);
    EXPECT_EQ(welcome.idle_close_ms(), 60'000);
    EXPECT_EQ(welcome.ticket_expires_ms(), kFarMs);
    ASSERT_EQ(client.backlog.size(), 1);
    EXPECT_EQ(client.cursor, (Cursor{FakeMessages::kEpoch, TimeMs(9'000)}.text()));
  }
}

TEST_F(Hello, TakesAResumeTicketUntilTheDeviceIsSignedOut) {
  start();
  std::string ticket;
  {
    Client first(port_, Wire::pb);
    ticket = first.hello(token(1)).resume_ticket();
  }
  Client second(port_, Wire::pb);
  EXPECT_EQ(second.hello(ticket, "", true).user_id(), 1);
  EXPECT_EQ(metric("parley_gateway_resumes_total"), 1);
  auth_.revoke(DeviceId(10));
  Client third(port_, Wire::pb);
  EXPECT_EQ(third.hello(ticket, "", true).user_id(), 0);
  EXPECT_EQ(third.close_code(), 4501);
}

TEST_F(Hello, FallsBackToTheTokenWhereTheTicketIsOld) {
  start();
  Client client(port_, Wire::pb);
  auto frame = hello_with(token(1));
  frame.mutable_hello()->set_resume_ticket("old");
  client.send({frame});
  const auto answer = client.next();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->welcome().user_id(), 1);
}

TEST_F(Hello, ABadTokenIsNamedAndClosesForGood) {
  start();
  Client client(port_, Wire::json);
  client.send({hello_with("nonsense")});
  const auto answer = client.next();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->re(), 100);
  EXPECT_EQ(code_of(*answer), "unauthenticated");
  EXPECT_EQ(client.close_code(), 4501);
}

TEST_F(Hello, AnExpiredTokenClosesSoThatTheClientComesBack) {
  start();
  Client client(port_, Wire::pb);
  client.send({hello_with(FakeAuth::token(1, 10, 0))});
  EXPECT_EQ(code_of(*client.next()), "token_expired");
  EXPECT_EQ(client.close_code(), 4002);
}

TEST_F(Hello, AnyOtherFirstFrameCloses) {
  start();
  Client client(port_, Wire::pb);
  client.send({ping(100)});
  EXPECT_EQ(code_of(*client.next()), "unauthenticated");
  EXPECT_EQ(client.close_code(), 4503);
}

TEST_F(Hello, DoesNotComeInTimeSoTheConnectionIsClosed) {
  settings_.edge.hello_timeout = std::chrono::milliseconds(50);
  start();
  Client client(port_, Wire::pb);
  EXPECT_EQ(client.close_code(), 4003);
}

TEST_F(Hello, AWrongCursorMayBeCorrected) {
  start();
  Client client(port_, Wire::pb);
  auto frame = hello_with(token(1));
  frame.mutable_hello()->set_cursor("yesterday");
  client.send({frame});
  const auto answer = client.next();
  EXPECT_EQ(code_of(*answer), "invalid_argument");
  EXPECT_EQ(answer->error().field(), "cursor");
  EXPECT_EQ(client.hello(token(1)).user_id(), 1);
}

TEST_F(Hello, FramesBehindItInTheSameMessageAreServed) {
  start();
  Client client(port_, Wire::pb);
  client.send({hello_with(token(1)), ping(101)});
  EXPECT_TRUE(client.next()->has_welcome());
  EXPECT_TRUE(client.next([](const auto& frame) { return frame.re() == 101; })->has_pong());
}

TEST_F(Hello, ASecondOneIsAnError) {
  start();
  auto connected = client(1);
  EXPECT_EQ(code_of(connected->request(hello_with(token(1)))), "invalid_argument");
  EXPECT_TRUE(connected->request(ping(0)).has_pong());
}

void Hello::expect_two_connections_at_most() {
  settings_.limits.connections_per_device = 2;
  start();
  auto first = client(1);
  {
    auto second = client(1);
    Client third(port_, Wire::pb);
    third.send({hello_with(token(1))});
    EXPECT_EQ(third.close_code(), 4504);
    auto other_device = client(1, Wire::pb, 11);
  }
  eventually([&] { return metric("parley_gateway_sessions") == 1; });
  auto again = client(1);
}

TEST_F(Hello, ADeviceHoldsOnlySoManyConnections) { expect_two_connections_at_most(); }
TEST_F(HelloOnTwoLoops, ADeviceHoldsOnlySoManyConnections) { expect_two_connections_at_most(); }

TEST_F(Hello, PresenceIsToldForTheFirstAndTheLastSession) {
  start();
  using Told = std::vector<std::pair<UserId, bool>>;
  {
    auto first = client(1);
    auto second = client(1, Wire::json, 11);
    EXPECT_EQ(sessions_.told(), (Told{{UserId(1), true}}));
  }
  eventually([&] { return sessions_.told() == Told{{UserId(1), true}, {UserId(1), false}}; });
}

TEST_F(Hello, ATokenThatExpiresCloses) {
  start();
  const auto soon = system_clock_.wall().value + 3'600'000;
  Client client(port_, Wire::pb), refreshed(port_, Wire::pb);
  client.hello(FakeAuth::token(1, 10, soon));
  refreshed.hello(FakeAuth::token(2, 20, soon));
  v1::ClientFrame fresh;
  fresh.mutable_token()->set_token(token(2));
  EXPECT_TRUE(refreshed.request(fresh).has_result());
  system_clock_.shift(std::chrono::hours(2));
  EXPECT_EQ(client.close_code(), 4002);
  EXPECT_TRUE(refreshed.request(ping(0)).has_pong());
}

TEST_F(Hello, ATokenOfAnotherUserOrDeviceDoesNotReplaceOnesOwn) {
  start();
  auto connected = client(1);
  for (const auto& other : {token(2), token(1, 11)}) {
    v1::ClientFrame frame;
    frame.mutable_token()->set_token(other);
    const auto answer = connected->request(frame);
    EXPECT_EQ(code_of(answer), "invalid_argument");
    EXPECT_EQ(answer.error().field(), "token");
  }
}

TEST_F(Hello, SigningOutADeviceClosesItsConnectionsAndNoOthers) {
  start();
  auto gone = client(1), gone_too = client(1);
  auto other_device = client(1, Wire::pb, 11), other_user = client(2);
  gateway_->sign_out(UserId(1), DeviceId(10));
  EXPECT_EQ(gone->close_code(), 4502);
  EXPECT_EQ(gone_too->close_code(), 4502);
  EXPECT_TRUE(other_device->request(ping(0)).has_pong());
  gateway_->sign_out(UserId(1), DeviceId(0));
  EXPECT_EQ(other_device->close_code(), 4502);
  EXPECT_TRUE(other_user->request(ping(0)).has_pong());
}

}  // namespace
}  // namespace parley::gateway::testing
