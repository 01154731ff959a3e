#include <gtest/gtest.h>

#include "net/testing/client.h"
#include "net/testing/server.h"

namespace parley::net {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::Client;
using testing::client_frame;
using testing::Frame;
using testing::Server;
using testing::upgrade_request;

/// Time stands still but for `pass`; the edge looks at it every 2 ms.
class EdgeDeadlines : public ::testing::Test {
 protected:
  static EdgeConfig config() {
    return {.output_limit = 64 << 20, .tick = 2ms, .allow_no_subprotocol = true};
  }

  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    ticks();
  }
  /// The edge has looked at the clock at least once. (A tick is two turns; sockets have some of
  /// their own.)
  void ticks() {
    const auto before = server.turns();
    ASSERT_TRUE(server.eventually([&] { return server.turns() > before + 10; }));
  }
  ConnectionId opened() {
    EXPECT_TRUE(server.eventually([&] { return !server.opened().empty(); }));
    return server.opened().back();
  }
  void expect_closed(CloseCode code) {
    ASSERT_TRUE(server.eventually([&] { return !server.closed().empty(); }));
    EXPECT_EQ(server.closed()[0].code, code);
  }
  void wait_for_connections(std::size_t count) {
    while (server.on_loop([&] { return server.edge().connections(); }) != count) {
    }
  }

  ManualClock clock;
  Server server{config(), &clock};
};

TEST_F(EdgeDeadlines, CutsAConnectionThatSendsNothing) {
  Client client(server.port());
  wait_for_connections(1);
  pass(9'900ms);
  EXPECT_EQ(server.on_loop([&] { return server.edge().connections(); }), 1U);
  pass(200ms);
  EXPECT_TRUE(client.at_end());
}

TEST_F(EdgeDeadlines, AnswersHalfARequestWith408) {
  Client client(server.port());
  client.write("GET / HTTP/1.1\r\nHost:");
  wait_for_connections(1);
  ticks();
  pass(5s);
  client.write(" h\r\n");  // dripping on does not help
  ticks();
  pass(5'100ms);
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(client.at_end());
}

TEST_F(EdgeDeadlines, ClosesAKeptConnectionAfterAMinute) {
  Client client(server.port());
  client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  client.read_response();
  ticks();
  pass(59'900ms);
  client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  client.read_response();
  ticks();
  pass(59'900ms);
  EXPECT_EQ(server.on_loop([&] { return server.edge().connections(); }), 1U);
  pass(200ms);
  EXPECT_TRUE(client.at_end());
}

TEST_F(EdgeDeadlines, ARequestMayTakeItsOwnerLong) {
  server.http = [](ConnectionId, const HttpRequest&) {};
  Client client(server.port());
  client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(server.eventually([&] { return server.requests().size() == 1; }));
  pass(600s);
  server.on_loop([&] { server.edge().respond(server.requests()[0].first, {.body = "done"}); });
  EXPECT_TRUE(client.read_response().ends_with("done"));
}

TEST_F(EdgeDeadlines, WantsAHello) {
  server.open = [](ConnectionId) {};
  Client client(server.port());
  client.upgrade();
  opened();
  pass(5s);
  client.write(client_frame(Opcode::text, "not a hello"));
  client.read_frame();
  pass(5'100ms);
  EXPECT_EQ(client.read_frame().close_code(), 4003);
  EXPECT_TRUE(client.at_end());
  client.cut();
  expect_closed(CloseCode::hello_timeout);
}

TEST_F(EdgeDeadlines, PingsTheSilentAndClosesTheDead) {
  Client client(server.port());
  client.upgrade();
  opened();
  pass(25'100ms);
  EXPECT_EQ(client.read_frame().opcode, Opcode::ping);
  ticks();
  pass(34'900ms);
  EXPECT_EQ(server.on_loop([&] { return server.edge().connections(); }), 1U);
  pass(200ms);
  EXPECT_EQ(client.read_frame().close_code(), 4001);
  EXPECT_TRUE(client.at_end());
  client.cut();
  expect_closed(CloseCode::idle);
}

TEST_F(EdgeDeadlines, AnyTrafficKeepsAConnection) {
  Client client(server.port());
  client.upgrade();
  opened();
  for (int i = 0; i < 5; ++i) {
    pass(25'100ms);
    EXPECT_EQ(client.read_frame().opcode, Opcode::ping);
    client.write(client_frame(Opcode::pong, ""));
    ticks();
    pass(20s);
    client.write(client_frame(Opcode::text, "x"));  // and no ping before this
    EXPECT_EQ(client.read_frame().opcode, Opcode::text);
  }
}

TEST_F(EdgeDeadlines, AStoppedProcessPingsBeforeItCallsAnybodyDead) {
  Client client(server.port());
  client.upgrade();
  opened();
  pass(3600s);
  EXPECT_EQ(client.read_frame().opcode, Opcode::ping);
  client.write(client_frame(Opcode::pong, "") + client_frame(Opcode::text, "alive"));
  EXPECT_EQ(client.read_frame().payload, "alive");
}

TEST_F(EdgeDeadlines, HalfAFrameThenSilenceIsIdle) {
  Client client(server.port());
  client.upgrade();
  opened();
  client.write(client_frame(Opcode::text, "unfinished").substr(0, 9));
  ticks();
  pass(25'100ms);
  EXPECT_EQ(client.read_frame().opcode, Opcode::ping);
  ticks();
  pass(35'100ms);
  EXPECT_EQ(client.read_frame().close_code(), 4001);
}

TEST_F(EdgeDeadlines, ClosesWhoDoesNotReadFor30Seconds) {
  Client client(server.port(), 4096);
  client.upgrade();
  const auto id = opened();
  const auto frame = encode_message(true, std::string(8 << 20, 'x'));
  server.on_loop([&] { EXPECT_EQ(server.edge().send(id, frame), Edge::Sent::full); });
  ticks();
  pass(29'900ms);
  EXPECT_TRUE(server.closed().empty());
  pass(200ms);
  // Still it gets `close_timeout` to learn why.
  EXPECT_EQ(client.read_frame().payload.size(), 8U << 20);
  EXPECT_EQ(client.read_frame().close_code(), 4008);
  client.cut();
  expect_closed(CloseCode::slow_reader);
}

TEST_F(EdgeDeadlines, DoesNotWaitLongForTheAnswerToAClose) {
  Client client(server.port());
  client.upgrade();
  const auto id = opened();
  server.on_loop([&] { server.edge().close(id, CloseCode::draining, "going"); });
  EXPECT_EQ(client.read_frame().close_code(), 4000);
  ticks();
  pass(4'900ms);
  EXPECT_TRUE(server.closed().empty());
  pass(200ms);
  EXPECT_TRUE(client.at_end());
  expect_closed(CloseCode::draining);
}

TEST_F(EdgeDeadlines, ShutdownEndsInSpiteOfADeafClient) {
  Client client(server.port());
  client.upgrade();
  opened();
  Client half(server.port());
  half.write("GET / HT");
  wait_for_connections(2);
  std::promise<void> done;
  server.on_loop([&] {
    server.edge().shutdown(CloseCode::draining, "the server stops", [&] { done.set_value(); });
  });
  pass(5'100ms);
  EXPECT_EQ(done.get_future().wait_for(30s), std::future_status::ready);
  expect_closed(CloseCode::draining);
}

}  // namespace
}  // namespace parley::net
