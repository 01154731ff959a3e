#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "net/testing/client.h"
#include "net/testing/server.h"

namespace parley::net {
namespace {

using testing::Client;
using testing::client_frame;
using testing::plain;
using testing::Server;

TEST(EdgeLimits, RefusesConnectionsAboveTheTotal) {
  Server server(plain({.max_connections = 2}));
  Client first(server.port()), second(server.port());
  first.upgrade();
  second.upgrade();
  Client third(server.port());
  const auto response = third.read_response();
  EXPECT_TRUE(response.starts_with("HTTP/1.1 503 ")) << response;
  EXPECT_NE(response.find("\"code\":\"busy\""), std::string::npos);
  EXPECT_NE(response.find(R"("retryable":true,"retry_after_ms":10000)"), std::string::npos);
  EXPECT_TRUE(third.at_end());

  first.cut();
  ASSERT_TRUE(server.eventually([&] { return server.closed().size() == 1; }));
  Client fourth(server.port());
  fourth.upgrade({}, client_frame(Opcode::text, "in"));
  EXPECT_EQ(fourth.read_frame().payload, "in");
}

TEST(EdgeLimits, RefusesConnectionsAboveThoseOfAnAddress) {
  Server server(plain({.max_per_address = 1}));
  Client first(server.port());
  first.upgrade();
  Client second(server.port());
  const auto response = second.read_response();
  EXPECT_TRUE(response.starts_with("HTTP/1.1 429 ")) << response;
  EXPECT_NE(response.find("Retry-After: 10\r\n"), std::string::npos);
  EXPECT_NE(response.find(R"("retryable":true,"retry_after_ms":10000)"), std::string::npos);
  EXPECT_TRUE(second.at_end());
  EXPECT_EQ(server.opened().size(), 1U);
}

TEST(EdgeLimits, ManyRefusedConnectionsHoldNothing) {
  Server server(plain({.max_connections = 1}));
  Client first(server.port());
  first.upgrade();
  for (int i = 0; i < 600; ++i) {
    Client refused(server.port());
    refused.read_to_end();
  }
  while (server.on_loop([&] { return server.edge().connections(); }) > 1) {
  }
  first.write(client_frame(Opcode::text, "still here"));
  EXPECT_EQ(first.read_frame().payload, "still here");
}

TEST(EdgeLimits, EdgesShareTheLimit) {
  const auto admission = std::make_shared<Admission>(1, 0);
  Server one(plain(), nullptr, admission), two(plain(), nullptr, admission);
  Client first(one.port());
  first.upgrade();
  Client second(two.port());
  EXPECT_TRUE(second.read_response().starts_with("HTTP/1.1 503 "));
}

TEST(Listener, SaysThatThePortIsInUse) {
  Server server;
  boost::asio::io_context io;
  const auto second = Listener::open(io, "127.0.0.1", server.port(), {&server.edge()});
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find("is in use"), std::string::npos) << second.error().message;
  EXPECT_FALSE(Listener::open(io, "localhost?", 0, {&server.edge()}).has_value());
}

TEST(Listener, DealsConnectionsOutInTurn) {
  Server one(plain()), two(plain());
  boost::asio::io_context io;
  auto listener = Listener::open(io, "127.0.0.1", 0, {&one.edge(), &two.edge()});
  ASSERT_TRUE(listener.has_value());
  std::thread accepting([&] { io.run(); });
  {
    Client first((*listener)->port()), second((*listener)->port());
    first.upgrade();
    second.upgrade();
    EXPECT_TRUE(one.eventually([&] { return one.opened().size() == 1; }));
    EXPECT_TRUE(two.eventually([&] { return two.opened().size() == 1; }));
  }
  boost::asio::post(io, [&] { (*listener)->stop(); });
  accepting.join();
}

TEST(Listener, WaitsWhereTheProcessIsOutOfDescriptors) {
  Server server(plain());
  {
    Client(server.port()).upgrade();
  }
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<UniqueFd> taken;
  taken.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const rlimit low{static_cast<rlim_t>(taken[0].get()) + 32, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  for (;;) {
    UniqueFd fd(::dup(taken[0].get()));
    if (fd.get() < 0) break;
    taken.push_back(std::move(fd));
  }
  taken.pop_back();
  Client client(server.port());  // takes the last one: the kernel connects, accept fails
  for (int i = 0; i < 2; ++i) server.on_loop([] {});  // by now the loop has tried
  taken.clear();
  client.upgrade({}, client_frame(Opcode::text, "at last"));
  EXPECT_EQ(client.read_frame().payload, "at last");
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace parley::net
