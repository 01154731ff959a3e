#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include "net/testing/client.h"
#include "services/gateway/testing/fixture.h"

namespace parley::gateway::testing {
namespace {

class Rest : public GatewayTest {
 protected:
  parley::testing::Http call(const std::string& method, const std::string& target,
                             const std::string& body = "", std::uint64_t user = 1) {
    return parley::testing::http(port_, method, target, body, user ? token(user) : "");
  }
  template <class T>
  T ok(const parley::testing::Http& answer, unsigned status = 200) {
    EXPECT_EQ(answer.status, status) << answer.body;
    T out;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(answer.body, &out).ok()) << answer.body;
    return out;
  }
  /// `STATUS code field`.
  std::string fault(const parley::testing::Http& answer) {
    const auto error = ok<v1::ErrorAnswer>(answer, answer.status).error();
    EXPECT_FALSE(error.message().empty());
    return std::to_string(answer.status) + " " + error.code() + " " + error.field();
  }
  /// The whole response, head and body.
  std::string raw(const std::string& request) {
    net::testing::Client client(port_);
    client.write(request);
    return client.read_response();
  }
};

TEST_F(Rest, AccountsWayIn) {
  start();
  const auto up = call("POST", "/v1/signup", R"({"name":"new","password":"12345678"})", 0);
  EXPECT_EQ(ok<v1::Tokens>(up, 201).user_id(), 9);
  EXPECT_NE(up.body.find(R"("user_id":"9")"), std::string::npos) << up.body;
  EXPECT_EQ(fault(call("POST", "/v1/signup", R"({"name":"taken"})", 0)), "409 already_exists name");
  const auto in =
      ok<v1::Tokens>(call("POST", "/v1/signin", R"({"name":"a","password":"right"})", 0));
  EXPECT_EQ(in.access_token(), token(1));
  EXPECT_EQ(fault(call("POST", "/v1/signin", R"({"name":"a","password":"wrong"})", 0)),
            "401 wrong_credentials ");
  EXPECT_EQ(ok<v1::Tokens>(call("POST", "/v1/refresh", R"({"refresh_token":"refresh-1"})", 0))
                .device_id(),
            10);
  EXPECT_EQ(fault(call("POST", "/v1/refresh", "{}", 0)), "400 invalid_argument refresh_token");
}

TEST_F(Rest, DevicesAndSigningOut) {
  start();
  const auto devices = ok<v1::Devices>(call("GET", "/v1/devices"));
  ASSERT_EQ(devices.devices_size(), 2);
  EXPECT_TRUE(devices.devices(0).current());
  EXPECT_FALSE(devices.devices(1).current());
  EXPECT_EQ(fault(call("DELETE", "/v1/devices/20")), "404 not_found device_id") << "another user's";
  EXPECT_EQ(call("DELETE", "/v1/devices/11").status, 200);
  EXPECT_EQ(auth_.signed_out(), (std::vector{DeviceId(11)}));
  EXPECT_EQ(call("POST", "/v1/signout", "").status, 200);
  EXPECT_EQ(fault(call("GET", "/v1/me")), "401 unauthenticated token");
  EXPECT_EQ(call("POST", "/v1/signout", R"({"all_devices":true})", 2).status, 200);
  EXPECT_EQ(auth_.signed_out().size(), 4);
}

TEST_F(Rest, Profiles) {
  start();
  EXPECT_EQ(ok<v1::Profile>(call("GET", "/v1/me")).name(), "user1");
  EXPECT_EQ(ok<v1::Profile>(call("PATCH", "/v1/me", R"({"about":"ä"})")).about(), "ä");
  EXPECT_EQ(ok<v1::Profile>(call("GET", "/v1/users/2")).name(), "user2");
  EXPECT_EQ(fault(call("GET", "/v1/users/99")), "404 not_found user_id");
  EXPECT_EQ(fault(call("GET", "/v1/users/me")), "400 invalid_argument user_id");
  EXPECT_EQ(ok<v1::Users>(call("GET", "/v1/users?name=user3")).users(0).user_id(), 3);
  EXPECT_EQ(ok<v1::Users>(call("GET", "/v1/users?name=nobody")).users_size(), 0);
  EXPECT_EQ(fault(call("GET", "/v1/users")), "400 invalid_argument name");
}

TEST_F(Rest, MessagesWithoutAStream) {
  start();
  const std::string body =
      R"({"conversation_id":"d:1:2","client_message_id":"k","body":{"text":"hi"}})";
  const auto sent = ok<v1::Sent>(call("POST", "/v1/messages", body));
  EXPECT_EQ(sent.seq(), 1);
  EXPECT_EQ(sent.conversation_id(), "d:1:2");
  EXPECT_EQ(fault(call("POST", "/v1/messages", body, 3)), "404 not_found conversation_id");
  EXPECT_EQ(fault(call("POST", "/v1/messages", R"({"conversation_id":7})")),
            "400 malformed conversation_id");
  EXPECT_EQ(fault(call("POST", "/v1/messages", "{")), "400 malformed ");

  const auto news = ok<v1::GetMsgAnswer>(call("GET", "/v1/messages", "", 2));
  ASSERT_EQ(news.entries_size(), 1);
  EXPECT_EQ(news.entries(0).body().text(), "hi");
  EXPECT_EQ(news.conversations(0).head(), 1);
  const auto later =
      ok<v1::GetMsgAnswer>(call("GET", "/v1/messages?cursor=" + news.cursor(), "", 2));
  EXPECT_EQ(later.entries_size(), 0);
  EXPECT_EQ(fault(call("GET", "/v1/messages?cursor=x")), "400 invalid_argument cursor");

  EXPECT_EQ(call("POST", "/v1/conversations/d:1:2/read", R"({"seq":"1"})", 2).status, 200);
  EXPECT_EQ(messages_.marks(direct_id(1, 2), UserId(2)).read, Seq(1));
  EXPECT_EQ(fault(call("POST", "/v1/conversations/d:1:2/read", "{}", 2)),
            "400 invalid_argument seq");
}

TEST_F(Rest, AnAnswerOfMessagesIsBoundedAndSaysWhatItLeavesOut) {
  settings_.edge.output_limit = 64 * 1024;
  start();
  for (int i = 0; i < 150; ++i)
    messages_.append(direct_id(1, 2), UserId(2), std::string(1000, 'x'));
  const auto news = ok<v1::GetMsgAnswer>(call("GET", "/v1/messages"));
  const auto given = static_cast<std::uint64_t>(news.entries_size());
  EXPECT_GT(given, 0);
  ASSERT_EQ(news.gaps_size(), 1);
  EXPECT_EQ(news.gaps(0).from(), given + 1);
  EXPECT_EQ(news.gaps(0).to(), 150);
}

TEST_F(Rest, Conversations) {
  start();
  for (std::uint64_t peer = 2; peer <= 6; ++peer)
    messages_.append(direct_id(1, peer), UserId(1), "x");
  const auto first = ok<v1::Conversations>(call("GET", "/v1/conversations?limit=2"));
  ASSERT_EQ(first.conversations_size(), 2);
  EXPECT_EQ(first.next(), "d:1:3");
  const auto rest = ok<v1::Conversations>(call("GET", "/v1/conversations?after=" + first.next()));
  EXPECT_EQ(rest.conversations_size(), 3);
  EXPECT_EQ(rest.next(), "");
  EXPECT_EQ(ok<v1::Conversation>(call("GET", "/v1/conversations/d:1:2")).head(), 1);
  EXPECT_EQ(ok<v1::Conversation>(call("GET", "/v1/conversations/d%3A1%3A2")).head(), 1);
  EXPECT_EQ(fault(call("GET", "/v1/conversations/d:2:3")), "404 not_found conversation_id");
  EXPECT_EQ(fault(call("GET", "/v1/conversations/x")), "400 invalid_argument conversation_id");
  EXPECT_EQ(fault(call("GET", "/v1/conversations?limit=101")), "400 invalid_argument limit");
  EXPECT_EQ(fault(call("GET", "/v1/conversations?after=x")), "400 invalid_argument after");
}

TEST_F(Rest, History) {
  start();
  for (int i = 1; i <= 60; ++i) messages_.append(direct_id(1, 2), UserId(2), std::to_string(i));
  const std::string path = "/v1/conversations/d:1:2/messages";
  const auto newest = ok<v1::History>(call("GET", path));
  ASSERT_EQ(newest.entries_size(), 50);
  EXPECT_TRUE(newest.more_before());
  const auto after = ok<v1::History>(call("GET", path + "?after=10&limit=5"));
  ASSERT_EQ(after.entries_size(), 5);
  EXPECT_EQ(after.entries(0).seq(), 11);
  EXPECT_EQ(fault(call("GET", path + "?after=1&before=2")), "400 invalid_argument after");
  EXPECT_EQ(fault(call("GET", path + "?limit=201")), "400 invalid_argument limit");
  EXPECT_EQ(fault(call("GET", path + "?after=x")), "400 invalid_argument after");
  EXPECT_EQ(fault(call("GET", "/v1/conversations/d:1:9/messages")),
            "404 not_found conversation_id");
}

TEST_F(Rest, WhatIsNotThereIsNamed) {
  start();
  EXPECT_EQ(fault(call("GET", "/v2/me")), "404 not_found ");
  EXPECT_EQ(fault(call("GET", "/v1/users/1/2")), "404 not_found ");
  EXPECT_EQ(fault(call("GET", "/%zz")), "400 malformed ");
  const auto refused = raw("PUT /v1/me HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 405 ")) << refused;
  EXPECT_NE(refused.find("Allow: GET, PATCH\r\n"), std::string::npos) << refused;
  EXPECT_NE(refused.find("\"unsupported\""), std::string::npos) << refused;
}

TEST_F(Rest, WithoutATokenNothingIsTold) {
  start();
  for (const auto* path :
       {"/v1/me", "/v1/users/1", "/v1/devices", "/v1/messages", "/v1/conversations",
        "/v1/conversations/d:1:2", "/v1/conversations/d:1:2/messages"})
    EXPECT_EQ(fault(call("GET", path, "", 0)), "401 unauthenticated ");
  EXPECT_EQ(fault(parley::testing::http(
                port_, "GET", "/v1/me?access_token=" + std::string("1%2010%209"), "", "")),
            "401 unauthenticated ")
      << "a token in the address counts for nothing";
  EXPECT_EQ(fault(parley::testing::http(port_, "GET", "/v1/me", "", FakeAuth::token(1, 10, 0))),
            "401 token_expired token");
  const auto refused = raw("GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(refused.find("WWW-Authenticate: Bearer\r\n"), std::string::npos) << refused;
}

TEST_F(Rest, StrangersAreLimitedByAddress) {
  clock_ = &manual_clock_;
  settings_.unauthenticated_per_second = 2;
  start();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(call("GET", "/v1/codes", "", 0).status, 200);
  const auto refused = raw("GET /v1/codes HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 429 ")) << refused;
  EXPECT_NE(refused.find("Retry-After: 1\r\n"), std::string::npos) << refused;
  EXPECT_EQ(fault(call("GET", "/v1/me", "", 0)), "429 rate_limited ") << "guessing tokens too";
  EXPECT_EQ(call("GET", "/v1/me").status, 200) << "who is signed in is not a stranger";
  manual_clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(call("GET", "/v1/codes", "", 0).status, 200);
}

TEST_F(Rest, ADeviceIsLimitedAcrossItsConnections) {
  clock_ = &manual_clock_;
  settings_.limits.requests_per_second = 2;
  start();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(call("GET", "/v1/me").status, 200);
  EXPECT_EQ(fault(call("GET", "/v1/me")), "429 rate_limited ");
  EXPECT_EQ(call("GET", "/v1/me", "", 2).status, 200);
}

TEST_F(Rest, WhereToConnectIsAskedOfDiscovery) {
  start();
  discovery_.answer_with(
      {{{"wss://one.example.org/v1/ws", "eu"}, {"wss://two.example.org/v1/ws", ""}}});
  const auto connect = ok<v1::ConnectAnswer>(call(
      "GET", "/v1/connect?latitude=-33.87&longitude=1.5e2&limit=10&last=wss%3A%2F%2Fold%2Fv1%2Fws",
      "", 0));
  EXPECT_EQ(connect.gateways_size(), 2);
  EXPECT_EQ(connect.gateways(0).url(), "wss://one.example.org/v1/ws");
  EXPECT_EQ(connect.gateways(0).zone(), "eu");
  EXPECT_EQ(connect.gateways(1).url(), "wss://two.example.org/v1/ws");
  EXPECT_EQ(connect.ttl_seconds(), 30u);
  EXPECT_EQ(discovery_.asked(), (FakeDiscovery::Asked{Coordinates{-33.87, 150}, "", "127.0.0.1",
                                                      "wss://old/v1/ws", 10}));
  EXPECT_EQ(call("GET", "/v1/connect?zone=eu&limit=0", "", 0).status, 200);
  EXPECT_EQ(discovery_.asked(), (FakeDiscovery::Asked{{}, "eu", "127.0.0.1", "", 3}));

  discovery_.answer_with(fail_for(Code::unavailable, "no gateway has room", 3'000));
  const auto none = call("GET", "/v1/connect", "", 0);
  EXPECT_EQ(fault(none), "503 unavailable ");
  EXPECT_EQ(ok<v1::ErrorAnswer>(none, 503).error().retry_after_ms(), 3'000u);
  discovery_.answer_with(fail(Code::invalid_argument, "there is no such zone", "zone"));
  EXPECT_EQ(fault(call("GET", "/v1/connect?zone=moon", "", 0)), "400 invalid_argument zone");
}

TEST_F(Rest, APlaceThatThereIsNotIsNamedByItsField) {
  settings_.unauthenticated_per_second = 1'000;
  start();
  const std::pair<const char*, const char*> bad[] = {{"latitude=90.1&longitude=0", "latitude"},
                                                     {"latitude=-91&longitude=0", "latitude"},
                                                     {"latitude=0&longitude=180.5", "longitude"},
                                                     {"latitude=0&longitude=-200", "longitude"},
                                                     {"latitude=nan&longitude=0", "latitude"},
                                                     {"latitude=0&longitude=inf", "longitude"},
                                                     {"latitude=north&longitude=0", "latitude"},
                                                     {"latitude=&longitude=0", "latitude"},
                                                     {"latitude=1", "longitude"},
                                                     {"longitude=1", "latitude"},
                                                     {"latitude=1&longitude=1&zone=eu", "zone"},
                                                     {"limit=11", "limit"},
                                                     {"limit=-1", "limit"},
                                                     {"limit=many", "limit"}};
  for (const auto& [query, field] : bad)
    EXPECT_EQ(fault(call("GET", fmt::format("/v1/connect?{}", query), "", 0)),
              fmt::format("400 invalid_argument {}", field))
        << query;
}

TEST_F(Rest, WhereToConnectAndTheCodes) {
  start();
  const auto connect = ok<v1::ConnectAnswer>(call("GET", "/v1/connect", "", 0));
  EXPECT_EQ(connect.gateways(0).url(), "ws://127.0.0.1:" + std::to_string(port_) + "/v1/ws");
  EXPECT_EQ(connect.gateways(0).zone(), "attic");
  const auto codes = call("GET", "/v1/codes", "", 0).body;
  EXPECT_NE(codes.find(R"({"number":40,"name":"rate_limited","retryable":true)"),
            std::string::npos);
  EXPECT_NE(codes.find(R"({"number":4502,"name":"signed_out","comes_back":false)"),
            std::string::npos);
}

TEST_F(Rest, ThePageIsSelfContainedAndRunsNothing) {
  start();
  const auto page = raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(page.starts_with("HTTP/1.1 200 ")) << page;
  EXPECT_NE(page.find("Content-Type: text/html"), std::string::npos);
  EXPECT_NE(page.find("Content-Security-Policy: default-src 'none'; style-src 'sha256-"),
            std::string::npos)
      << page.substr(0, 600);
  for (const auto* active : {"<script", "http://", "https://", "onclick", "<img"})
    EXPECT_EQ(page.find(active), std::string::npos) << active;
  net::testing::Client client(port_);
  client.write("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(client.at_end()) << "a head has no body";
}

}  // namespace
}  // namespace parley::gateway::testing
