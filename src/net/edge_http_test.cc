#include <gtest/gtest.h>

#include "net/testing/client.h"
#include "net/testing/server.h"

namespace parley::net {
namespace {

using namespace std::string_literals;
using testing::Client;
using testing::client_frame;
using testing::plain;
using testing::Server;
using testing::upgrade_request;

std::string request(std::string_view method, std::string_view target, std::string_view more = {}) {
  return std::string(method).append(" ").append(target) + " HTTP/1.1\r\nHost: h\r\n" +
         std::string(more) + "\r\n";
}
std::string body_of(const std::string& response) {
  return response.substr(response.find("\r\n\r\n") + 4);
}

TEST(EdgeHttp, KeepsAConnectionForManyRequests) {
  Server server;
  Client client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.write(request("POST", "/echo?i=" + std::to_string(i), "Content-Length: 4\r\n") + "body");
    const auto response = client.read_response();
    EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_NE(response.find("\r\nX-Content-Type-Options: nosniff\r\n"), std::string::npos);
    EXPECT_NE(response.find("\r\nDate: "), std::string::npos);
    EXPECT_EQ(body_of(response), "POST /echo?i=" + std::to_string(i) + " body");
  }
  EXPECT_EQ(server.requests()[0].second.remote_address, "127.0.0.1");
  EXPECT_EQ(server.opened().size(), 0U);
}

TEST(EdgeHttp, AnswersPipelinedRequestsOneAtATime) {
  Server server;
  std::size_t unanswered = 0;
  server.http = [&](ConnectionId id, const HttpRequest& asked) {
    EXPECT_EQ(++unanswered, 1U) << "one outstanding per connection";
    boost::asio::post(server.io(), [&, id, target = asked.target] {
      --unanswered;
      server.edge().respond(id, {.body = target});
    });
  };
  Client client(server.port());
  std::string all;
  for (int i = 0; i < 50; ++i) all += request("GET", "/" + std::to_string(i));
  client.write(all);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(body_of(client.read_response()), "/" + std::to_string(i));
}

TEST(EdgeHttp, UpgradesBehindAPipelinedRequest) {
  Server server(plain());
  Client client(server.port());
  client.write(request("GET", "/first") + upgrade_request() + client_frame(Opcode::text, "hello"));
  EXPECT_EQ(body_of(client.read_response()), "GET /first ");
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 101 "));
  EXPECT_EQ(client.read_frame().payload, "hello");
}

TEST(EdgeHttp, AnswersHeadWithoutABody) {
  Server server;
  Client client(server.port());
  client.write(request("HEAD", "/x") + request("GET", "/y"));
  EXPECT_NE(client.read_head().find("Content-Length: 8\r\n"), std::string::npos);
  EXPECT_EQ(body_of(client.read_response()), "GET /y ");
}

TEST(EdgeHttp, ClosesWhenTheClientWantsItSo) {
  Server server;
  Client client(server.port());
  client.write(request("GET", "/", "Connection: close\r\n"));
  EXPECT_NE(client.read_response().find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(client.at_end());
  Client old(server.port());
  old.write("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(body_of(old.read_response()), "GET / ");
  EXPECT_TRUE(old.at_end());
}

TEST(EdgeHttp, NamesWhatItRefusesAndCloses) {
  Server server({.max_http_body = 100, .max_http_header = 1000});
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"nonsense\r\n\r\n", "HTTP/1.1 400 "},
      {request("POST", "/", "Content-Length: 101\r\n"), "HTTP/1.1 413 "},
      {request("GET", "/", "X: " + std::string(1000, 'x') + "\r\n"), "HTTP/1.1 431 "},
  };
  for (const auto& [bytes, status] : bad) {
    Client client(server.port());
    client.write(bytes);
    const auto response = client.read_response();
    EXPECT_TRUE(response.starts_with(status)) << response;
    EXPECT_TRUE(body_of(response).starts_with(R"({"error":{"code":")")) << response;
    EXPECT_TRUE(client.at_end());
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST(EdgeHttp, ARefusedBodyDoesNotCostTheAnswer) {
  Server server({.max_http_body = 100});
  Client client(server.port());
  client.write(request("POST", "/", "Content-Length: 1000000\r\n"));
  // The whole body is sent nevertheless: a connection reset would destroy the answer.
  client.try_write(std::string(1'000'000, 'x'));
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 413 "));
}

TEST(EdgeHttp, LetsAClientSendItsBodyThatAsksFirst) {
  Server server;
  Client client(server.port());
  client.write(request("POST", "/", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.write("hello");
  EXPECT_EQ(body_of(client.read_response()), "POST / hello");
}

TEST(EdgeHttp, AnswersAClientThatHasSentItsLastByte) {
  Server server;
  server.http = [](ConnectionId, const HttpRequest&) {};
  Client client(server.port());
  client.write(request("GET", "/"));
  client.half_close();
  ASSERT_TRUE(server.eventually([&] { return server.requests().size() == 1; }));
  server.on_loop([&] { server.edge().respond(server.requests()[0].first, {.body = "late"}); });
  EXPECT_EQ(body_of(client.read_response()), "late");
  EXPECT_TRUE(client.at_end());
}

TEST(EdgeHttp, IgnoresAnAnswerToWhoIsGone) {
  Server server;
  server.http = [](ConnectionId, const HttpRequest&) {};
  Client client(server.port());
  client.write(request("GET", "/"));
  ASSERT_TRUE(server.eventually([&] { return server.requests().size() == 1; }));
  client.cut();
  server.on_loop([&] {
    server.edge().respond(server.requests()[0].first, {.body = std::string(1 << 20, 'x')});
    server.edge().respond(server.requests()[0].first, {.body = "twice"});
  });
  while (server.on_loop([&] { return server.edge().connections(); }) > 0) {
  }
  server.on_loop([&] { server.edge().respond(server.requests()[0].first, {.body = "stale"}); });
}

TEST(EdgeHttp, WritesALargeResponse) {
  Server server;
  const std::string large(8 << 20, 'r');
  server.http = [&](ConnectionId id, const HttpRequest&) {
    server.edge().respond(id, {.body = large});
  };
  Client client(server.port());
  client.write(request("GET", "/") + request("GET", "/"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(body_of(client.read_response()), large);
}

TEST(EdgeHttp, ARefusedUpgradeLeavesAnOrdinaryConnection) {
  Server server({.subprotocols = {"a"}});
  Client client(server.port());
  client.write(upgrade_request("b"));
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 400 "));
  client.write(upgrade_request("a"));
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 101 "));
}

}  // namespace
}  // namespace parley::net
