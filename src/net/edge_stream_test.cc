#include <gtest/gtest.h>

#include "net/testing/client.h"
#include "net/testing/server.h"

namespace parley::net {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::Server;

constexpr std::string_view kAsk = "POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";

/// Every request is answered by a stream. Time stands still but for `pass`.
class EdgeStream : public ::testing::Test {
 protected:
  EdgeStream() {
    server.http = [this](ConnectionId id, const HttpRequest&) { server.edge().stream(id); };
  }
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    const auto before = server.turns();
    ASSERT_TRUE(server.eventually([&] { return server.turns() > before + 10; }));
  }
  ConnectionId streaming() {
    EXPECT_TRUE(server.eventually([&] { return !server.requests().empty(); }));
    return server.requests().back().first;
  }
  Edge::Sent send(std::string_view payload) {
    return server.on_loop(
        [&, id = streaming()] { return server.edge().send(id, encode_event(payload)); });
  }
  void expect_closed(CloseCode code) {
    ASSERT_TRUE(server.eventually([&] { return !server.closed().empty(); }));
    EXPECT_EQ(server.closed()[0].code, code);
  }

  ManualClock clock;
  Server server{
      {.output_high_water = 64 << 10, .output_limit = 4 << 20, .close_timeout = 1s, .tick = 2ms},
      &clock};
};

TEST_F(EdgeStream, IsAnEventStreamThatLastsUntilItIsClosed) {
  Client client(server.port());
  client.write(kAsk);
  const auto head = client.read_head();
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
  EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos) << head;
  EXPECT_NE(head.find("Connection: close\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("Content-Length"), std::string::npos) << head;
  EXPECT_EQ(send(R"({"a":1})"), Edge::Sent::ok);
  const std::string event = "data: {\"a\":1}\n\n";
  EXPECT_EQ(client.read(event.size()), event);
  server.on_loop([&, id = streaming()] {
    server.edge().close(id, CloseCode::draining, "so \"it\" is");
    return 0;
  });
  EXPECT_EQ(client.read_to_end(),
            "event: close\ndata: {\"code\":4000,\"reason\":\"so \\\"it\\\" is\"}\n\n");
  client.cut();
  expect_closed(CloseCode::draining);
}

TEST_F(EdgeStream, WhatFollowsTheRequestIsIgnored) {
  Client client(server.port());
  client.write(std::string(kAsk) + "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
  client.read_head();
  EXPECT_EQ(send("x"), Edge::Sent::ok);
  EXPECT_EQ(client.read(9), "data: x\n\n");
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(EdgeStream, ACommentComesEvery25SecondsWhetherOrNotThePeerIsHeardOf) {
  Client client(server.port());
  client.write(kAsk);
  client.read_head();
  for (int i = 0; i < 4; ++i) {
    server.on_loop([&, id = streaming()] {
      server.edge().heard(id);
      return 0;
    });
    pass(25'100ms);
    EXPECT_EQ(client.read(3), ":\n\n");
  }
  EXPECT_TRUE(server.closed().empty());
}

TEST_F(EdgeStream, ClosesWith4001WhenNothingWasHeardFor60Seconds) {
  Client client(server.port());
  client.write(kAsk);
  client.read_head();
  streaming();
  for (int i = 0; i < 3; ++i) pass(19'900ms);
  EXPECT_TRUE(server.closed().empty());
  pass(500ms);
  const auto rest = client.read_to_end();
  EXPECT_NE(rest.find("event: close\ndata: {\"code\":4001,"), std::string::npos) << rest;
  client.cut();
  expect_closed(CloseCode::idle);
}

TEST_F(EdgeStream, AProcessThatWasStoppedCallsNobodySilent) {
  Client client(server.port());
  client.write(kAsk);
  client.read_head();
  streaming();
  pass(300s);
  EXPECT_EQ(client.read(3), ":\n\n");
  pass(59s);
  pass(500ms);
  EXPECT_TRUE(server.closed().empty());
}

TEST_F(EdgeStream, AReaderThatNeverReadsIsToldFullAndClosedAfter30Seconds) {
  Client client(server.port(), 4096);
  client.write(kAsk);
  const std::string big(16'000, 'x');
  auto sent = Edge::Sent::ok;
  for (int i = 0; i < 2000 && sent == Edge::Sent::ok; ++i) sent = send(big);
  ASSERT_EQ(sent, Edge::Sent::full);
  pass(29'900ms);
  EXPECT_TRUE(server.closed().empty());
  pass(200ms);
  pass(1'100ms);  // and the time that it has to read why
  expect_closed(CloseCode::slow_reader);
}

TEST_F(EdgeStream, OutputBeyondItsLimitCloses) {
  Client client(server.port(), 4096);
  client.write(kAsk);
  const std::string big(256'000, 'x');
  auto sent = Edge::Sent::ok;
  for (int i = 0; i < 100 && sent != Edge::Sent::gone; ++i) sent = send(big);
  EXPECT_EQ(sent, Edge::Sent::gone);
  pass(1'100ms);
  expect_closed(CloseCode::slow_reader);
}

TEST_F(EdgeStream, APeerThatGoesIsTold) {
  Client client(server.port());
  client.write(kAsk);
  client.read_head();
  client.cut();
  expect_closed(kAbnormal);
}

TEST_F(EdgeStream, OfAnAnsweredRequestThereIsNone) {
  server.http = nullptr;
  Client client(server.port());
  client.write(kAsk);
  client.read_response();
  EXPECT_FALSE(server.on_loop([&, id = streaming()] { return server.edge().stream(id); }));
}

}  // namespace
}  // namespace parley::net
