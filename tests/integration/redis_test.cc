// Who is where is kept in Redis, which is not always there.
#include <gtest/gtest.h>

#include "tests/support/redis/redis_server.h"
#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {
using test::RedisServer;

std::vector<std::string> with(const RedisServer& redis) {
  return {"--redis-address", redis.address()};
}
bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

TEST(RedisSessions, AServerWithoutItsRedisServesAndSaysSoAndFindsItWhenItComes) {
  RedisServer redis;
  redis.kill_hard();
  TempFolder folder;
  ServerProcess server(folder.path() / "data", with(redis), ServerProcess::Shape::as_asked);
  const auto admin = server.admin_port();
  ASSERT_TRUE(eventually([&] {
    return http(admin, "GET", "/readyz")
        .body.contains("Redis at " + redis.address() + " is missing since ");
  })) << http(admin, "GET", "/readyz").body;
  EXPECT_EQ(http(admin, "GET", "/readyz").status, 503u);
  EXPECT_EQ(http(admin, "GET", "/livez").status, 200u);

  const auto ann = sign_up(server.port(), own_name("ann"));
  const auto bob = sign_up(server.port(), own_name("bob"));
  const auto talk = direct(ann.user_id(), bob.user_id());
  Client a(server.port(), Client::Wire::pb), b(server.port(), Client::Wire::pb);
  a.hello(ann.access_token());
  b.hello(bob.access_token());
  EXPECT_TRUE(a.say(talk, "1", "1").has_result());
  EXPECT_EQ(b.next_entry().body().text(), "1");

  redis.start();
  ASSERT_TRUE(eventually([&] { return http(admin, "GET", "/readyz").status == 200; }));
  EXPECT_TRUE(a.say(talk, "2", "2").has_result());
  EXPECT_TRUE(b.next([](const v1::ServerFrame& frame) {  // the first one may come once more
    return frame.has_entry() && frame.entry().body().text() == "2";
  }));
}

TEST(RedisSessions, APasswordFileThatIsNotThereIsOneSentence) {
  TempFolder folder;
  const auto ended = run_program({parleyd_path(), "--data", (folder.path() / "data").string(),
                                  "--listen", "127.0.0.1:0", "--redis-address", "127.0.0.1:6379",
                                  "--redis-password_file", "/nowhere"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_TRUE(ended.output.contains("/nowhere")) << ended.output;
  EXPECT_EQ(std::ranges::count(ended.output, '\n'), 1) << ended.output;
}

TEST(RedisSessions, AcrossGatewaysMessagesArriveWhileItIsKilledWipedAndStopped) {
  RedisServer redis;
  SuiteServer suite(with(redis), ServerProcess::Shape::split);
  auto& server = suite.server;
  const auto ann = sign_up(server.port(), own_name("ann"));
  const auto bob = sign_up(server.port(), own_name("bob"));
  const auto talk = direct(ann.user_id(), bob.user_id());
  Client a(server.port("gateway 1"), Client::Wire::pb),
      b(server.port("gateway 2"), Client::Wire::pb);
  a.hello(ann.access_token());
  b.hello(bob.access_token());
  std::set<std::string> sent, got;
  const auto say = [&](const std::string& text) {
    sent.insert(text);
    ASSERT_TRUE(a.say(talk, std::to_string(sent.size()), text).has_result()) << text;
    while (got != sent) {  // on the wire an entry may come twice
      const auto entry = b.next_entry();
      ASSERT_NE(entry.seq(), 0u) << text << " does not arrive";
      got.insert(entry.body().text());
    }
  };
  say("1");
  redis.kill_hard();
  say("killed");
  ASSERT_TRUE(eventually([&] { return server.readiness("session").contains("Redis at"); }));
  say("killed for a while");
  redis.start();  // it has forgotten everything
  ASSERT_TRUE(eventually([&] { return server.readiness("session") == "ready\n"; }));
  say("wiped");
  redis.signal(SIGSTOP);
  say("stopped");
  redis.signal(SIGCONT);
  ASSERT_TRUE(eventually([&] { return server.readiness("session") == "ready\n"; }));
  say("woken");
}

}  // namespace
}  // namespace parley::testing
