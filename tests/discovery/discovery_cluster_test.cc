// Gateways of a cluster on the real ZooKeeper, and what they tell clients of each other.
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <sstream>

#include "adapters/coordination/zookeeper/coordination.h"
#include "parley/v1/rest.pb.h"
#include "services/discovery/listing.h"
#include "tests/support/backends/backends.h"
#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {
using namespace std::chrono_literals;
using discovery::GatewayRow;

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 120s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

std::string places() {
  const char* path = std::getenv("PARLEY_TEST_PLACES");
  return path ? path : "";
}

/// Two gateways in Frankfurt, and by the test's own hand others elsewhere, that nobody runs.
class DiscoveryCluster : public ::testing::Test {
 protected:
  DiscoveryCluster() {
    coordination::ZookeeperSettings settings;
    settings.addresses = test::backend("zookeeper");
    settings.prefix = prefix();
    settings.process = "test";
    settings.session_timeout = 30s;
    auto opened = coordination::ZookeeperCoordination::open(settings);
    if (!opened) throw std::runtime_error(opened.error().message);
    coordination_ = std::move(*opened);
  }
  void list(const std::string& zone, Coordinates at, std::uint64_t load = 0) {
    const auto joined = coordination_->membership().join(
        {discovery::kGatewayKind, zone, "127.0.0.1:1",
         discovery::to_attributes({"wss://" + zone + ".example.org/v1/ws", zone, at, 100, load})});
    ASSERT_TRUE(joined) << joined.error().message;
  }
  std::string url(int gateway) {
    return fmt::format("ws://127.0.0.1:{}/v1/ws", server_.port(fmt::format("gateway {}", gateway)));
  }
  Http ask(const std::string& query) {
    return http(server_.port("gateway 1"), "GET", "/v1/connect?" + query);
  }
  /// URLs in their order.
  std::vector<std::string> connect(const std::string& query) {
    const auto answer = ask(query);
    v1::ConnectAnswer out;
    std::vector<std::string> urls;
    if (answer.status == 200 && google::protobuf::util::JsonStringToMessage(answer.body, &out).ok())
      for (const auto& gateway : out.gateways()) urls.push_back(gateway.url());
    return urls;
  }
  std::optional<GatewayRow> listed(const std::string& id) {
    for (const auto& member : coordination_->membership().members(discovery::kGatewayKind).value())
      if (member.id == id) return discovery::from_attributes(member.attributes).value();
    return std::nullopt;
  }

  TempFolder folder_;
  ServerProcess server_{
      folder_.path() / "data",
      {"--gateway-zone", "fra", "--gateway-coordinates", "50.11,8.68", "--gateway-address_places",
       places(), "--limits-connections", "50", "--limits-unauthenticated_per_second", "0"}};
  std::unique_ptr<Coordination> coordination_;

 private:
  /// As ServerProcess has written it into the configuration.
  std::string prefix() const {
    std::ifstream in(folder_.path() / "data.toml");
    const auto text = (std::ostringstream() << in.rdbuf()).str();
    const auto at = text.find("prefix = \"") + 10;
    return text.substr(at, text.find('"', at) - at);
  }
};

// One cluster for all of it: it takes a while to start.
TEST_F(DiscoveryCluster, GatewaysKnowEachOtherByPlaceRoomAndState) {
  const auto one = url(1), two = url(2);
  ASSERT_TRUE(eventually([&] { return connect("zone=fra&limit=10").size() == 2; }))
      << server_.log();
  // Once both have said that they are ready.
  for (const auto& last : {one, two})
    EXPECT_TRUE(eventually([&] {
      const auto urls = connect("zone=fra&last=" + last);
      return urls.size() == 2 && urls.front() == last;
    })) << last;
  EXPECT_EQ(listed("gateway-1")->capacity, 50u);

  // Clients of this machine are in Sydney, as the file of places has it.
  list("syd", {-33.87, 151.21});
  ASSERT_TRUE(eventually([&] {
    return connect("limit=1") == std::vector<std::string>{"wss://syd.example.org/v1/ws"};
  }));
  // Who has just come is not ready yet, and named last.
  EXPECT_TRUE(eventually([&] {
    const auto from_paris = connect("latitude=48.86&longitude=2.35");
    return from_paris.size() == 3 && from_paris.at(2) == "wss://syd.example.org/v1/ws";
  }));
  list("syd", {-33.87, 151.21}, 100);
  ASSERT_TRUE(eventually([&] { return connect("").size() == 2; })) << "it is full";
  EXPECT_EQ(ask("zone=moon").status, 400u);
  EXPECT_TRUE(ask("zone=moon").body.contains(R"("field":"zone")"));

  // Load is said when it has changed enough.
  const auto ann = sign_up(server_.port("gateway 2"), own_name("ann"));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Client>(server_.port("gateway 2"), Client::Wire::pb));
    clients.back()->hello(ann.access_token());
  }
  EXPECT_TRUE(eventually([&] { return listed("gateway-2")->load >= 5; }));

  // Who is told to go elsewhere is not sent back: the list has said so before.
  server_.signal("gateway 2", SIGTERM);
  const auto notice = clients.front()->next();
  ASSERT_TRUE(notice && notice->has_reconnect());
  const auto leaving = listed("gateway-2");
  EXPECT_TRUE(!leaving || leaving->draining);
  EXPECT_TRUE(eventually([&] { return connect("limit=10") == std::vector{one}; }));
  clients.clear();
  EXPECT_TRUE(eventually([&] { return !listed("gateway-2"); })) << "it has gone";
}

TEST(DiscoverySettings, AFileOfPlacesThatCannotBeReadIsOneSentence) {
  TempFolder folder;
  const auto start = [&](const std::string& file) {
    return run_program({parleyd_path(), "--data", (folder.path() / "data").string(), "--listen",
                        "127.0.0.1:0", "--gateway-address_places", file});
  };
  const auto damaged = folder.path() / "damaged";
  std::ofstream(damaged) << "no such file";
  for (const auto& file : {std::string("/nowhere"), damaged.string()}) {
    const auto ended = start(file);
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_TRUE(ended.output.contains(file)) << ended.output;
    EXPECT_EQ(std::ranges::count(ended.output, '\n'), 1) << ended.output;
  }
}

TEST(DiscoverySettings, WhatSaysNoPlaceIsRefused) {
  for (const auto& [flag, bad] :
       {std::pair("--gateway-coordinates", "91,0"), std::pair("--gateway-coordinates", "Bonn"),
        std::pair("--gateway-advertised_url", "http://one"),
        std::pair("--gateway-advertised_url", "ws://a b/v1/ws"),
        std::pair("--gateway-zone", "a\nb")}) {
    const auto ended = run_program({parleyd_path(), flag, bad, "--verify-config"});
    EXPECT_EQ(ended.exit_code, 2) << bad;
    EXPECT_TRUE(ended.output.contains(flag)) << ended.output;
  }
}

TEST(DiscoverySettings, InAClusterOthersMustBeAbleToSayWhereAGatewayIs) {
  std::vector<std::string> command{parleyd_path(),  "--listen",
                                   "0.0.0.0:7070",  "--server-tls",
                                   "off",           "--zookeeper-addresses",
                                   "127.0.0.1:1",   "--cassandra-addresses",
                                   "127.0.0.1:1",   "--kafka-addresses",
                                   "127.0.0.1:1",   "--messages",
                                   "1=127.0.0.1:1", "--verify-config"};
  const auto refused = run_program(command);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_TRUE(refused.output.contains("gateway.advertised_url")) << refused.output;
  command.insert(command.end(), {"--gateway-advertised_url", "wss://one.example.org/v1/ws"});
  const auto taken = run_program(command);
  EXPECT_EQ(taken.exit_code, 0) << taken.output;
}

}  // namespace
}  // namespace parley::testing
