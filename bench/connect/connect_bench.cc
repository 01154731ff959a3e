// What it costs to be told where to connect: a gateway that knows 500 of its kind, and clients that
// ask it over HTTP.
//   connect_bench serve                       prints `listening on HOST:PORT`, ends by a signal
//   connect_bench load PORT RATE SECONDS      asks on 64 connections, prints JSON; RATE 0: as
//                                             quickly as they are answered
// Each of the 500 says every 3 s that its load has changed, as in a storm of connects, so that the
// list is read and put in order anew all the time. Latency is counted from the intended time.
#include <boost/asio.hpp>
#include <cstdlib>
#include <fmt/format.h>
#include <future>
#include <random>

#include "adapters/address_places/memory/places.h"
#include "adapters/coordination/memory/coordination.h"
#include "base/check.h"
#include "rpc/auth.h"
#include "rpc/group.h"
#include "rpc/link.h"
#include "rpc/message.h"
#include "rpc/presence.h"
#include "rpc/session.h"
#include "rpc/user.h"
#include "services/auth/token_judge.h"
#include "services/discovery/discovery_service.h"
#include "services/discovery/listing.h"
#include "services/gateway/gateway.h"

namespace parley {
namespace {
namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kGateways = 500, kZones = 25, kConnections = 64;
constexpr std::chrono::milliseconds kSaysEvery{3'000};

discovery::GatewayRow row(std::size_t i, std::uint64_t load) {
  std::mt19937_64 random(i % kZones);
  const auto share = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  const Coordinates at{share() * 120 - 60, share() * 360 - 180};
  return {fmt::format("wss://gateway-{}.chat.example.org/v1/ws", i),
          fmt::format("zone-{}", i % kZones), at, 100'000, load};
}

int serve() {
  Loops loops(1, 1);
  SystemClock clock;
  Metrics metrics;
  // Nobody is behind the gateway: it is asked for nothing else.
  rpc::Channel nobody({.address = "127.0.0.1:1"});
  rpc::Link link(loops, 0, nobody, {.process = "connect_bench"});
  rpc::MessageClient messages(link);
  auth::RemoteJudge judge(clock);
  rpc::Pool none(loops, {.process = "connect_bench"}, {.address = {}});
  rpc::AuthClient auth(loops, 0, none, judge, [](UserId, DeviceId) {});
  rpc::UserClient users(none);
  rpc::SessionClient sessions(link, {GatewayId(1)});
  rpc::GroupClient groups(link);
  rpc::PresenceClient presence(link);

  const address_places::MemoryPlaces places;
  discovery::DiscoveryService discovery(row(0, 0), places);
  coordination::MemoryCoordinator coordinator;
  coordination::MemoryCoordination all(coordinator, "all");
  auto& membership = static_cast<Coordination&>(all).membership();
  const auto say = [&](std::size_t i, std::uint64_t load) {
    const auto joined = membership.join({discovery::kGatewayKind, fmt::format("gateway-{}", i),
                                         "127.0.0.1:1", to_attributes(row(i, load))});
    PARLEY_CHECK(joined, joined ? "" : joined.error().message);
  };
  for (std::size_t i = 0; i < kGateways; ++i) say(i, 0);
  membership.watch(discovery::kGatewayKind, [&](const auto& members) { discovery.set(members); });
  std::jthread says([&](const std::stop_token& stop) {
    for (std::uint64_t n = 0; !stop.stop_requested(); ++n) {
      say(n % kGateways, n * 7'919 % 90'000);
      std::this_thread::sleep_for(kSaysEvery / kGateways);
    }
  });

  gateway::Settings settings;
  settings.unauthenticated_per_second = 0;
  gateway::Gateway gateway(loops, clock, settings,
                           {messages, auth, users, sessions, groups, presence, discovery,
                            [](GatewayId) { return nullptr; }},
                           {}, metrics, GatewayId(1));
  const auto port = gateway.listen("127.0.0.1", 0);
  PARLEY_CHECK(port, port ? "" : port.error().message);
  asio::io_context main;
  asio::signal_set signals(main, SIGTERM, SIGINT);
  signals.async_wait([](auto, auto) {});
  loops.start();
  fmt::print("listening on 127.0.0.1:{}\n", *port);
  std::fflush(stdout);
  main.run();
  std::_Exit(0);  // nobody waits for anything
}

/// All of the load, on one thread.
struct Load {
  const asio::ip::tcp::endpoint to;
  const double rate, seconds;
  asio::io_context io = {};
  const Steady::time_point start = Steady::now() + std::chrono::milliseconds(200);
  std::uint64_t next = 0, failed = 0;
  std::mt19937_64 random{7};
  std::vector<double> ms = {};

  Steady::time_point at(double seconds_in) const {
    return start +
           std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds_in));
  }
  std::string request() {
    const auto degrees = [&](double most) {
      return (static_cast<double>(random() >> 11) * 0x1p-52 - 1) * most;
    };
    return fmt::format(
        "GET /v1/connect?latitude={:.4f}&longitude={:.4f}&last=wss%3A%2F%2Fgateway-{}.chat.example."
        "org%2Fv1%2Fws HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        degrees(90), degrees(180), random() % kGateways);
  }

  asio::awaitable<void> client() {
    const auto use = asio::use_awaitable;
    asio::ip::tcp::socket socket(io);
    asio::steady_timer timer(io);
    std::string in;
    co_await socket.async_connect(to, use);
    socket.set_option(asio::ip::tcp::no_delay(true));
    for (;;) {
      const auto number = next++;
      const auto intended =
          rate > 0 ? at(static_cast<double>(number) / rate) : std::max(Steady::now(), start);
      if (intended >= at(seconds)) co_return;
      if (intended > Steady::now()) {
        timer.expires_at(intended);
        co_await timer.async_wait(use);
      }
      const auto asked = request();
      co_await asio::async_write(socket, asio::buffer(asked), use);
      const auto head =
          co_await asio::async_read_until(socket, asio::dynamic_buffer(in), "\r\n\r\n", use);
      const auto length = in.find("Content-Length: ");
      PARLEY_CHECK(length < head, "an answer has a length");
      const auto whole = head + std::strtoull(in.c_str() + length + 16, nullptr, 10);
      if (in.size() < whole)
        co_await asio::async_read(socket, asio::dynamic_buffer(in),
                                  asio::transfer_exactly(whole - in.size()), use);
      if (!in.starts_with("HTTP/1.1 200 ") || in.find(R"("url":"wss://)") > whole) ++failed;
      in.erase(0, whole);
      ms.push_back(std::chrono::duration<double, std::milli>(Steady::now() - intended).count());
    }
  }

  void run() {
    for (std::size_t i = 0; i < kConnections; ++i)
      asio::co_spawn(io, client(), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
      });
    io.run();
    const double took = std::chrono::duration<double>(Steady::now() - start).count();
    std::ranges::sort(ms);
    PARLEY_CHECK(!ms.empty(), "something was answered");
    const auto percentile = [&](std::size_t of) {
      return ms[std::min(ms.size() - 1, ms.size() * of / 100)];
    };
    fmt::print(
        "{{\"asked\":{},\"failed\":{},\"per_second\":{:.0f},\"p50_ms\":{:.3f},\"p99_ms\":{:.3f}}}"
        "\n",
        ms.size(), failed, static_cast<double>(ms.size()) / took, percentile(50), percentile(99));
  }
};

}  // namespace
}  // namespace parley

int main(int count, char** words) {
  const std::vector<std::string> args(words + 1, words + count);
  if (args.size() == 1 && args[0] == "serve") return parley::serve();
  if (args.size() == 4 && args[0] == "load") {
    parley::Load{.to = {boost::asio::ip::address_v4::loopback(),
                        static_cast<std::uint16_t>(std::stoi(args[1]))},
                 .rate = std::stod(args[2]),
                 .seconds = std::stod(args[3])}
        .run();
    return 0;
  }
  fmt::print(stderr, "usage: connect_bench serve | load PORT RATE SECONDS\n");
  return 2;
}
