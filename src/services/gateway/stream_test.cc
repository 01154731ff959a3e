// Sessions by event stream and POST: what is different from a WebSocket. That the frames are the
// same, the integration tests say, which run on every wire.
#include <future>

#include "net/testing/client.h"
#include "services/gateway/testing/fixture.h"

namespace parley::gateway::testing {
namespace {

using parley::testing::http;

class Streamed : public GatewayTest {
 protected:
  explicit Streamed(std::size_t loops = 1) : GatewayTest(loops) {}
  parley::testing::Http post(std::uint64_t session, const std::string& body,
                             const std::string& bearer) {
    return http(port_, "POST", "/v1/stream/" + std::to_string(session) + "/frames", body, bearer);
  }
  static std::string hello() { return R"({"id":"1","hello":{}})"; }
  /// Its status, and the name of its error.
  static std::string outcome(const parley::testing::Http& answer) {
    const std::string key = R"("code":")";
    const auto at = answer.body.find(key);
    const auto begin = at == std::string::npos ? answer.body.size() : at + key.size();
    return std::to_string(answer.status) + " " +
           answer.body.substr(begin, answer.body.find('"', begin) - begin);
  }
};

class StreamedOverLoops : public Streamed {
 protected:
  StreamedOverLoops() : Streamed(3) {}
};

TEST_F(Streamed, ASessionIsWelcomedAskedAndAnswered) {
  start();
  auto alice = client(1, Wire::http), bob = client(2);
  eventually([&] { return metric("parley_gateway_sessions") == 2; });
  EXPECT_TRUE(alice->request(ping(0)).has_pong());
  const auto sent = alice->say("d:1:2", "k1", "hello");
  EXPECT_TRUE(sent.result().has_sent()) << sent.ShortDebugString();
  alice.reset();
  eventually([&] { return metric("parley_gateway_sessions") == 1; });
  eventually([&] { return sessions_.told().back() == std::pair{UserId(1), false}; });
}

TEST_F(StreamedOverLoops, FramesReachTheirStreamFromAnyLoop) {
  start();
  auto alice = client(1, Wire::http);
  // Connections are dealt out over the loops: each of these comes by another one.
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(alice->request(ping(0)).has_pong());
  for (int i = 0; i < 6; ++i)
    EXPECT_TRUE(alice->say("d:1:2", "k" + std::to_string(i), "x").result().has_sent());
}

TEST_F(Streamed, ARefusalHasItsStatus) {
  start();
  const auto open = [&](const std::string& body, const std::string& bearer) {
    return outcome(http(port_, "POST", "/v1/stream", body, bearer));
  };
  EXPECT_EQ(open(hello(), ""), "401 unauthenticated");
  EXPECT_EQ(open(hello(), "nonsense"), "401 unauthenticated");
  EXPECT_EQ(open(hello(), FakeAuth::token(1, 10, 0)), "401 token_expired");
  EXPECT_EQ(open("{", token(1)), "400 malformed");
  EXPECT_EQ(open("[]", token(1)), "400 malformed");
  EXPECT_EQ(open(std::string(65 * 1024, ' '), token(1)), "413 too_large");
  EXPECT_EQ(open(R"({"id":"1","ping":{}})", token(1)), "400 invalid_argument");
  const auto bad = http(port_, "POST", "/v1/stream", R"({"hello":{"cursor":"garbage"}})", token(1));
  EXPECT_EQ(bad.status, 400U);
  EXPECT_NE(bad.body.find(R"("field":"cursor")"), std::string::npos) << bad.body;
  EXPECT_EQ(metric("parley_gateway_sessions"), 0);
}

TEST_F(Streamed, CountsAmongTheConnectionsOfItsDevice) {
  start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(client(1, i % 2 ? Wire::http : Wire::json));
  const auto ninth = http(port_, "POST", "/v1/stream", hello(), token(1));
  EXPECT_EQ(outcome(ninth), "403 forbidden") << ninth.body;
  clients.pop_back();
  eventually([&] { return metric("parley_gateway_sessions") == 7; });
  clients.push_back(client(1, Wire::http));
}

TEST_F(Streamed, FramesOfAnotherDeviceOrForNoStreamAreNotFound) {
  start();
  Client alice(port_, Wire::http);
  const auto session = alice.hello(token(1)).session_id();
  const std::string asks = R"({"id":"9","ping":{}})";
  EXPECT_EQ(post(session, asks, token(1)).status, 202U);
  EXPECT_EQ(post(session, asks, token(2)).status, 404U);
  EXPECT_EQ(post(session, asks, token(1, 11)).status, 404U);
  EXPECT_EQ(post(session, asks, "").status, 401U);
  const auto none = post(session + 1, asks, token(1));
  EXPECT_EQ(outcome(none), "404 not_found");
  EXPECT_EQ(post(session, asks, token(2)).body, none.body) << "the two look alike";
  EXPECT_EQ(outcome(post(session, "no frame", token(1))), "400 malformed");
  EXPECT_EQ(outcome(post(session, std::string(65 * 1024, ' '), token(1))), "413 too_large");
  EXPECT_EQ(outcome(http(port_, "POST", "/v1/stream/x/frames", asks, token(1))),
            "400 invalid_argument");
  EXPECT_TRUE(alice.request(ping(0)).has_pong()) << "the stream stays open";
  // A WebSocket's session takes no frames by POST.
  Client desk(port_, Wire::json);
  const auto other = desk.hello(token(1)).session_id();
  EXPECT_EQ(post(other, asks, token(1)).status, 404U);
}

TEST_F(Streamed, TooMuchUnansweredIsBusyAndNothingOfItIsTaken) {
  settings_.limits.unanswered_requests = 4;
  start();
  Client alice(port_, Wire::http);
  const auto session = alice.hello(token(1)).session_id();
  messages_.hold_answers();
  std::vector<v1::ClientFrame> four;
  for (std::uint64_t i = 0; i < 4; ++i) four.push_back(send(100 + i, "d:1:2", "x"));
  alice.send(four);
  eventually([&] { return messages_.asked_sends() == 4; });
  const auto busy = post(session, R"({"id":"200","ping":{}})", token(1));
  EXPECT_EQ(outcome(busy), "503 busy");
  messages_.release_answers();
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(alice.next([](const v1::ServerFrame& f) { return f.result().has_sent(); }));
  EXPECT_TRUE(alice.request(ping(0)).has_pong());
}

TEST_F(Streamed, AResumeTicketOpensItAndSendsUntilTheDeviceIsSignedOut) {
  start();
  const auto ticket = Client(port_, Wire::json).hello(token(1)).resume_ticket();
  Client alice(port_, Wire::http);
  const auto session = alice.hello(ticket, "", true).session_id();
  EXPECT_EQ(metric("parley_gateway_resumes_total"), 1);
  EXPECT_TRUE(alice.request(ping(0)).has_pong());
  EXPECT_EQ(metric("parley_gateway_resumes_total"), 1) << "one session";
  // Nothing else takes a ticket for a token; an old ticket leaves the token of the header.
  EXPECT_EQ(http(port_, "GET", "/v1/me", "", ticket).status, 401U);
  const std::string old = R"({"id":"1","hello":{"resume_ticket":"old"}})";
  EXPECT_EQ(http(port_, "POST", "/v1/stream", old).status, 401U);
  net::testing::Client other(port_);
  other.write("POST /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token(1) +
              "\r\nContent-Length: " + std::to_string(old.size()) + "\r\n\r\n" + old);
  EXPECT_TRUE(other.read_head().starts_with("HTTP/1.1 200 "));
  auth_.revoke(DeviceId(10));
  EXPECT_EQ(post(session, R"({"id":"9","ping":{}})", ticket).status, 401U);
  Client third(port_, Wire::http);
  EXPECT_EQ(third.hello(ticket, "", true).user_id(), 0);
  EXPECT_EQ(third.close_code(), 401U);
}

TEST_F(Streamed, AReaderThatNeverReadsIsHeldBackThenClosed) {
  settings_.edge.output_high_water = 64 * 1024;
  clock_ = &manual_clock_;
  start();
  net::testing::Client slow(port_, 4096);
  slow.write("POST /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token(2) +
             "\r\nContent-Length: " + std::to_string(hello().size()) + "\r\n\r\n" + hello());
  eventually([&] { return metric("parley_gateway_sessions") == 1; });
  constexpr std::int64_t kEntries = 2'000;  // of 16 KiB: more than the system's buffers take
  const std::string text(16 * 1024, 'x');
  for (std::int64_t i = 0; i < kEntries; ++i)
    deliver(messages_.append(direct_id(1, 2), UserId(1), text, TimeMs(10'000)), {2});
  const auto given = [&] { return metric("parley_gateway_deliveries_total"); };
  eventually([&] { return given() + metric("parley_gateway_held_back_total") == kEntries; });
  EXPECT_LT(given(), kEntries / 2) << "what is queued has its bound";
  EXPECT_EQ(metric("parley_gateway_sessions"), 1);
  manual_clock_.advance(std::chrono::seconds(31));
  eventually([&] { return metric("parley_edge_slow_readers_total") == 1; });
  manual_clock_.advance(std::chrono::seconds(1));  // the time that it has to read why
  eventually([&] { return metric("parley_gateway_sessions") == 0; });
}

TEST_F(Streamed, SigningOutClosesIt) {
  start();
  auto alice = client(1, Wire::http);
  gateway_->sign_out(UserId(1), DeviceId(10));
  EXPECT_EQ(alice->close_code(), 4502U);
}

TEST_F(Streamed, AStopIsAnnouncedAndClosesIt) {
  start();
  auto alice = client(1, Wire::http);
  std::promise<void> drained;
  gateway_->drain(std::chrono::seconds(10), [&] { drained.set_value(); });
  const auto notice = alice->next();
  ASSERT_TRUE(notice && notice->has_reconnect());
  EXPECT_EQ(alice->close_code(), 4000U);
  alice.reset();
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  loops_.stop();
  gateway_.reset();
}

}  // namespace
}  // namespace parley::gateway::testing
