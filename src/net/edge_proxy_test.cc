// Clients that come through a balancer.
#include <gtest/gtest.h>

#include "net/testing/client.h"
#include "net/testing/server.h"

namespace parley::net {
namespace {

using testing::Client;
using testing::client_frame;
using testing::plain;
using testing::Server;

const std::string kOfSeven = "PROXY TCP4 192.0.2.7 127.0.0.1 1234 80\r\n";
const std::string kOfEight = "PROXY TCP4 192.0.2.8 127.0.0.1 1234 80\r\n";
const std::string kRequest = "GET /here HTTP/1.1\r\nHost: x\r\n\r\n";

EdgeConfig behind(const std::string& proxy, EdgeConfig config = {}) {
  config.proxies = Networks::parse({proxy}).value();
  return plain(std::move(config));
}
std::string remote(Server& server) { return server.requests().back().second.remote_address; }

TEST(EdgeProxy, WhoItSpeaksForIsTheClient) {
  Server server(behind("127.0.0.0/8"));
  Client client(server.port());
  client.write(kOfSeven + kRequest);
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(remote(server), "192.0.2.7");
  client.write(kRequest);  // the header comes once
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(remote(server), "192.0.2.7");
}

TEST(EdgeProxy, AHeaderInPiecesIsTheSame) {
  Server server(behind("127.0.0.1"));
  Client client(server.port());
  const auto turns = server.turns();
  for (const char byte : kOfSeven) {
    client.write({&byte, 1});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  client.write(kRequest);
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(remote(server), "192.0.2.7");
  EXPECT_LT(server.turns() - turns, 10 * kOfSeven.size()) << "the loop spins while it waits";
}

TEST(EdgeProxy, ABalancerThatSpeaksForItselfIsTheClient) {
  Server server(behind("127.0.0.1"));
  Client client(server.port());
  client.write("PROXY UNKNOWN\r\n" + kRequest);
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(remote(server), "127.0.0.1");
}

TEST(EdgeProxy, WhoIsNoProxyCannotSayThatItIs) {
  Server server(behind("192.0.2.1"));
  Client liar(server.port());
  liar.write(kOfSeven + kRequest);
  EXPECT_TRUE(liar.read_response().starts_with("HTTP/1.1 400 "));
  Client honest(server.port());
  honest.write(kRequest);
  EXPECT_TRUE(honest.read_response().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(remote(server), "127.0.0.1");
}

TEST(EdgeProxy, AProxyWithoutAHeaderIsDroppedAndOthersAreServed) {
  Server server(behind("127.0.0.1"));
  Client client(server.port());
  client.write(kRequest);
  EXPECT_TRUE(client.at_end());
  Client other(server.port());
  other.write(kOfSeven + kRequest);
  EXPECT_TRUE(other.read_response().starts_with("HTTP/1.1 200 "));
}

TEST(EdgeProxy, LimitsOfAnAddressAreThoseOfTheClients) {
  Server server(behind("127.0.0.1", {.max_per_address = 1}));
  Client first(server.port()), second(server.port()), third(server.port());
  first.write(kOfSeven);
  first.upgrade({}, client_frame(Opcode::text, "in"));
  EXPECT_EQ(first.read_frame().payload, "in");
  second.write(kOfSeven + kRequest);
  EXPECT_TRUE(second.read_response().starts_with("HTTP/1.1 429 "));
  EXPECT_TRUE(second.at_end());
  third.write(kOfEight + kRequest);
  EXPECT_TRUE(third.read_response().starts_with("HTTP/1.1 200 "));
  first.cut();
  ASSERT_TRUE(server.eventually([&] { return server.closed().size() == 1; }));
  Client again(server.port());
  again.write(kOfSeven + kRequest);
  EXPECT_TRUE(again.read_response().starts_with("HTTP/1.1 200 "));
}

TEST(EdgeProxy, BeyondTheTotalTheyAreRefusedAsOthersAre) {
  Server server(behind("127.0.0.1", {.max_connections = 1}));
  Client first(server.port());
  first.write(kOfSeven);
  first.upgrade();
  Client second(server.port());
  second.write(kOfEight + kRequest);
  EXPECT_TRUE(second.read_response().starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(second.at_end());
}

EdgeConfig forwarded_by(const std::string& forwarder, EdgeConfig config = {}) {
  config.forwarders = Networks::parse({forwarder}).value();
  return plain(std::move(config));
}
std::string request_for(const std::string& clients) {
  return "GET /here HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: " + clients + "\r\n\r\n";
}

TEST(EdgeForwarded, EachRequestIsThatOfTheLastAddress) {
  Server server(forwarded_by("127.0.0.1"));
  Client client(server.port());
  for (const auto& [said, meant] : {std::pair("192.0.2.7", "192.0.2.7"),
                                    {"198.51.100.1, 192.0.2.8", "192.0.2.8"},
                                    {"192.0.2.7\r\nX-Forwarded-For: 2001:db8::9 ", "2001:db8::9"},
                                    {"192.0.2.7, nonsense", "127.0.0.1"},
                                    {"", "127.0.0.1"}}) {
    client.write(request_for(said));
    EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 200 "));
    EXPECT_EQ(remote(server), meant) << said;
  }
  client.write(request_for("192.0.2.7") + kRequest);
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(remote(server), "127.0.0.1") << "the address of another request";
}

TEST(EdgeForwarded, WhoIsNoForwarderSpeaksForItself) {
  Server server(forwarded_by("192.0.2.1"));
  Client liar(server.port());
  liar.write(request_for("192.0.2.7"));
  EXPECT_TRUE(liar.read_response().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(remote(server), "127.0.0.1");
}

TEST(EdgeForwarded, LimitsOfAnAddressAreThoseOfTheClients) {
  Server server(forwarded_by("127.0.0.1", {.max_per_address = 1}));
  Client first(server.port()), second(server.port()), third(server.port());
  auto upgrade = testing::upgrade_request();
  upgrade.insert(upgrade.size() - 2, "X-Forwarded-For: 192.0.2.7\r\n");
  first.write(upgrade + client_frame(Opcode::text, "in"));
  EXPECT_TRUE(first.read_head().starts_with("HTTP/1.1 101 "));
  EXPECT_EQ(first.read_frame().payload, "in");
  second.write(request_for("192.0.2.7"));
  EXPECT_TRUE(second.read_response().starts_with("HTTP/1.1 429 "));
  EXPECT_TRUE(second.at_end());
  third.write(request_for("192.0.2.8") + request_for("192.0.2.9"));
  EXPECT_TRUE(third.read_response().starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(third.read_response().starts_with("HTTP/1.1 200 "));
  first.cut();
  ASSERT_TRUE(server.eventually([&] { return server.closed().size() == 1; }));
  Client again(server.port());
  again.write(request_for("192.0.2.7"));
  EXPECT_TRUE(again.read_response().starts_with("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace parley::net
