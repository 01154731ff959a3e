// What RedisRegistry promises beyond the port (its README): several processes, a server that goes
// and comes, gateways that are silent.
#include <csignal>
#include <gtest/gtest.h>

#include "tests/contract/session_registry/adapters.h"
#include "tests/support/backends/backends.h"

namespace parley::test {
namespace {
using namespace std::chrono_literals;
using Where = RegistryUnderTest::Where;

std::uint16_t shared_port() {
  const auto address = backend("redis");
  return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}
session_registry::RedisSettings of_this_test() {
  auto settings = RedisUnderTest::quick();
  settings.prefix = unique_name("session") + ":";
  return settings;
}

TEST(RedisSessionRegistry, ProcessesShareTheRows) {
  const auto settings = of_this_test();
  RedisUnderTest one(shared_port(), settings), two(shared_port(), settings);
  one.update(1, {{7, true}}).value();
  EXPECT_EQ(two.update(2, {{7, true}}).value(), (Where{{7, {1, 2}}}));
  EXPECT_EQ(one.found({7}), (Where{{7, {1, 2}}}));
  EXPECT_EQ(two.remove_gateway(1).value(), (Where{{7, {2}}}));
  EXPECT_EQ(one.found({7}), (Where{{7, {2}}}));
}

TEST(RedisSessionRegistry, RowsOfASilentGatewayCountNoMore) {
  auto settings = of_this_test();
  settings.gateway_timeout = 3s;
  RedisUnderTest t(shared_port(), settings);
  EXPECT_FALSE(t.heartbeat(1).value());
  t.update(1, {{7, true}, {8, true}}).value();
  EXPECT_EQ(t.found({7, 8}), (Where{{7, {1}}, {8, {1}}}));
  ASSERT_TRUE(eventually([&] {
    t.heartbeat(2).value();
    t.update(2, {{8, true}}).value();
    return t.found({7, 8}) == Where{{8, {2}}};
  }));
  EXPECT_FALSE(t.heartbeat(1).value()) << "it is back, and says everything again";
  EXPECT_EQ(t.update(1, {{9, true}}).value(), (Where{{9, {1}}}));
  EXPECT_EQ(t.found({7, 9}), (Where{{9, {1}}})) << "rows from before its silence stay dead";
  const auto told = t.remove_gateway(1).value();
  for (auto user : {7, 8, 9}) EXPECT_TRUE(told.contains(user)) << user << " was never reported";
}

TEST(RedisSessionRegistry, AGatewayThatHeartbeatsStays) {
  auto settings = of_this_test();
  settings.gateway_timeout = 5s;
  RedisUnderTest t(shared_port(), settings);
  t.heartbeat(1).value();
  t.update(1, {{7, true}}).value();
  const auto until = std::chrono::steady_clock::now() + 7s;
  while (std::chrono::steady_clock::now() < until) {
    ASSERT_TRUE(t.heartbeat(1).value());
    ASSERT_EQ(t.found({7}), (Where{{7, {1}}}));
  }
}

TEST(RedisSessionRegistry, WhileRedisIsDownCallsFailAtOnceAndAfterwardsNobodyIsMissed) {
  RedisServer server(RedisServer::Keeps::everything);
  auto settings = RedisUnderTest::quick();
  settings.settle = 2s;
  RedisUnderTest t(server.port(), settings);
  t.heartbeat(1).value();
  t.update(1, {{7, true}}).value();
  EXPECT_EQ(t.found({7}), (Where{{7, {1}}}));
  server.kill_hard();
  ASSERT_TRUE(eventually([&] { return t.client.missing().has_value(); }));
  for (const auto& error : {t.find({7}).error(), t.heartbeat(1).error(),
                            t.update(1, {{8, true}}).error(), t.remove_gateway(2).error()}) {
    EXPECT_EQ(error.code, Code::unavailable);
    EXPECT_GT(error.retry_after_ms, 0u);
  }
  server.start();
  ASSERT_TRUE(eventually([&] { return !t.client.missing(); }));
  const auto back = std::chrono::steady_clock::now();
  const auto answer = t.find({7});
  EXPECT_TRUE(!answer || std::chrono::steady_clock::now() - back > 1s)
      << "8 is online, and was not said again yet";
  EXPECT_EQ(t.found({7}), (Where{{7, {1}}})) << "this server keeps what it was told";
  EXPECT_TRUE(t.heartbeat(1).value());
}

TEST(RedisSessionRegistry, AServerThatIsStoppedFailsInTime) {
  RedisServer server;
  redis::Settings connection;
  connection.timeout = 300ms;
  RedisUnderTest t(server.port(), RedisUnderTest::quick(), connection);
  t.found({7});
  server.signal(SIGSTOP);
  EXPECT_EQ(t.find({7}).error().code, Code::timed_out);
  EXPECT_EQ(t.find({7}).error().code, Code::unavailable);
  server.signal(SIGCONT);
  EXPECT_EQ(t.found({7}), Where{});
}

TEST(RedisSessionRegistry, AWipedServerIsNoticedByTheNextFind) {
  RedisServer server;
  auto settings = RedisUnderTest::quick();
  settings.settle = 2s;
  RedisUnderTest t(server.port(), settings);
  t.heartbeat(1).value();
  t.update(1, {{7, true}}).value();
  EXPECT_EQ(t.found({7}), (Where{{7, {1}}}));
  t.wipe();
  EXPECT_EQ(t.find({7}).error().code, Code::unavailable) << "nobody is said to be offline";
  EXPECT_EQ(t.find({7}).error().code, Code::unavailable);
  EXPECT_FALSE(t.heartbeat(1).value());
  t.update(1, {{7, true}}).value();
  EXPECT_EQ(t.found({7}), (Where{{7, {1}}}));
}

TEST(RedisSessionRegistry, LeavesNothingBehindOfAGatewayThatIsGone) {
  RedisServer server;
  RedisUnderTest t(server.port());
  t.heartbeat(1).value();
  RegistryUnderTest::Changes many;
  for (std::uint64_t user = 1; user <= 2'000; ++user) many.emplace_back(user, true);
  t.update(1, many, false).value();
  EXPECT_EQ(t.remove_gateway(1).value().size(), 2'000u);
  std::promise<std::uint64_t> keys;
  t.on_loop([&] {
    t.client.command({"DBSIZE"}, [&](auto reply) { keys.set_value(reply->number().value()); });
  });
  EXPECT_EQ(keys.get_future().get(), 1u) << "the epoch alone";
}

}  // namespace
}  // namespace parley::test
