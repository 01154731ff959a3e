// A process that others speak to is down, or does not answer: what people see of it, and that it
// passes by itself. (One of another version: src/rpc/link_test.cc.)
#include <chrono>
#include <csignal>
#include <gtest/gtest.h>
#include <map>

#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {

/// Always a process of each service and two gateways.
class Processes : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    suite = std::make_unique<SuiteServer>(
        std::vector<std::string>{"--limits-sends_per_second", "100000"},
        ServerProcess::Shape::split);
  }
  static void TearDownTestSuite() { suite.reset(); }
  Processes()
      : ann(sign_up(server.port(), own_name("ann"))),
        bob(sign_up(server.port(), own_name("bob"))),
        talk(direct(ann.user_id(), bob.user_id())),
        a(server.port("gateway 1"), Client::Wire::pb),
        b(server.port("gateway 2"), Client::Wire::pb) {
    a.hello(ann.access_token());
    b.hello(bob.access_token());
  }

  /// Sends under one key until the answer is a result (true) or this error; all answers before it
  /// are errors to be repeated.
  void say_until(const std::string& key, const std::string& code) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (;;) {
      const auto answer = a.say(talk, key, key);
      if (answer.has_result() ? code.empty() : answer.error().code() == code) return;
      ASSERT_TRUE(answer.has_error()) << answer.ShortDebugString();
      EXPECT_TRUE(answer.error().retryable()) << answer.ShortDebugString();
      EXPECT_GT(answer.error().retry_after_ms(), 0u) << answer.ShortDebugString();
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << answer.ShortDebugString();
    }
  }
  void expect_unavailable(const v1::ServerFrame& answer) {
    ASSERT_TRUE(answer.has_error()) << answer.ShortDebugString();
    EXPECT_EQ(answer.error().code(), "unavailable");
    EXPECT_TRUE(answer.error().retryable());
    EXPECT_GT(answer.error().retry_after_ms(), 0u);
  }
  /// What the other gateway's client gets by itself, and the history, is `texts`. On the wire an
  /// entry may come twice and out of order: a client goes by its seq.
  void expect_entries(const std::vector<std::string>& texts) {
    std::map<std::uint64_t, std::string> got;
    while (got.size() < texts.size()) {
      const auto entry = b.next_entry();
      ASSERT_NE(entry.seq(), 0u) << "after " << got.size() << " entries";
      const auto [at, first] = got.try_emplace(entry.seq(), entry.body().text());
      EXPECT_EQ(at->second, entry.body().text());
    }
    v1::ClientFrame ask;
    ask.mutable_history()->set_conversation_id(talk);
    ask.mutable_history()->set_after(0);
    ask.mutable_history()->set_limit(100);
    const auto page = b.request(ask).result().history();
    ASSERT_EQ(page.entries_size(), static_cast<int>(texts.size()));
    EXPECT_EQ(page.head(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(got[i + 1], texts[i]);
      EXPECT_EQ(page.entries(static_cast<int>(i)).body().text(), texts[i]);
    }
  }

  static std::unique_ptr<SuiteServer> suite;
  ServerProcess& server = suite->server;
  v1::Tokens ann, bob;
  std::string talk;
  Client a, b;
};
std::unique_ptr<SuiteServer> Processes::suite;

TEST_F(Processes, WhileTheMessageProcessIsDownSendsAreUnavailableAtOnceAndRecoverByThemselves) {
  say_until("1", "");
  server.kill_hard("message");
  say_until("2", "unavailable");  // the first may be caught on its way
  for (int i = 0; i < 20; ++i) expect_unavailable(a.say(talk, "2", "2"));
  EXPECT_NE(server.readiness("gateway 1").find("message"), std::string::npos);
  v1::ClientFrame ping;
  ping.mutable_ping();
  EXPECT_TRUE(a.request(ping).has_pong()) << "the connection stays";
  server.start("message");
  say_until("2", "");
  say_until("3", "");
  expect_entries({"1", "2", "3"});
}

TEST_F(Processes, AMessageProcessThatDoesNotAnswerIsUnavailableAndWhatItTookIsStoredOnce) {
  say_until("1", "");
  server.signal("message", SIGSTOP);
  say_until("2", "unavailable");  // those that it had taken are timed_out
  for (int i = 0; i < 20; ++i) expect_unavailable(a.say(talk, "3", "3"));
  server.signal("message", SIGCONT);
  say_until("2", "");
  say_until("3", "");
  expect_entries({"1", "2", "3"});
}

TEST_F(Processes, WithoutTheSessionProcessEntriesStillArrive) {
  say_until("1", "");
  server.kill_hard("session");
  say_until("2", "");
  server.start("session");
  say_until("3", "");
  server.signal("session", SIGSTOP);
  say_until("4", "");
  server.signal("session", SIGCONT);
  say_until("5", "");
  expect_entries({"1", "2", "3", "4", "5"});
}

TEST_F(Processes, WhoIsConnectedGoesOnWithoutTheAuthProcess) {
  say_until("1", "");
  server.kill_hard("auth");
  say_until("2", "");
  Client again(server.port("gateway 2"), Client::Wire::json);
  EXPECT_EQ(again.hello(bob.access_token()).user_id(), bob.user_id()) << "tokens are checked";
  const auto refused = http(server.port("gateway 1"), "POST", "/v1/signin",
                            R"({"name":"nobody","password":"correct horse battery"})");
  EXPECT_EQ(refused.status, 503u) << refused.body;
  EXPECT_NE(refused.body.find("unavailable"), std::string::npos) << refused.body;
  server.start("auth");
  EXPECT_EQ(sign_in(server.port("gateway 1"), own_name("ann")).user_id(), ann.user_id());
  expect_entries({"1", "2"});
}

TEST_F(Processes, AKilledGatewaysClientsComeBackThroughTheOther) {
  say_until("1", "");
  const auto cursor = b.cursor;
  server.kill_hard("gateway 2");
  while (b.next()) {
  }
  say_until("2", "");
  Client other(server.port("gateway 1"), Client::Wire::pb);
  other.hello(bob.access_token(), cursor);
  std::uint64_t last = 0;
  for (const auto& frame : other.backlog)
    if (frame.has_entry()) last = std::max(last, frame.entry().seq());
  EXPECT_EQ(last, 2u);
  say_until("3", "");
  EXPECT_TRUE(other.next([](const auto& f) { return f.has_entry() && f.entry().seq() == 3; }));
  server.start("gateway 2");
  Client back(server.port("gateway 2"), Client::Wire::pb);
  back.hello(bob.access_token());
  say_until("4", "");
  EXPECT_TRUE(back.next([](const auto& f) { return f.has_entry() && f.entry().seq() == 4; }));
}

}  // namespace
}  // namespace parley::testing
