// What presence costs: 10,000 users go on and off once a minute each, and each is watched at every
// gateway; with 50 gateways that is the worst that 50 watchers can be. presence_bench FOLDER
// SECONDS: makes and removes FOLDER/presence_bench, prints one line of JSON per number of gateways.
// Shares are CPU time of the process per time on the clock, in percent of a core, the load
// included; what gateways do with what they are told is not.
#include <boost/asio.hpp>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <future>
#include <sys/resource.h>

#include "adapters/last_seen/sqlite/last_seen_store.h"
#include "adapters/session_registry/memory/registry.h"
#include "base/check.h"
#include "services/presence/presence_service.h"
#include "services/session/session_service.h"

namespace parley {
namespace {
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t kUsers = 10'000;
constexpr double kChangesPerSecond = 2.0 * kUsers / 60;
constexpr double kRefreshSeconds = 300;

double cpu_seconds() {
  rusage usage{};
  PARLEY_CHECK(::getrusage(RUSAGE_SELF, &usage) == 0, "getrusage");
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}
double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

class CountingGateway final : public DeliveryApi {
 public:
  void presence(std::vector<PresenceView> changes) override {
    ++calls;
    told += changes.size();
  }
  void deliver(std::vector<Delivery> /*entries*/) override {}
  void receipts(std::vector<ReceiptNotice> /*notices*/) override {}
  void changed(std::vector<ConversationNotice> /*notices*/) override {}
  void typing(std::vector<TypingNotice> /*notices*/) override {}
  void sign_out(UserId /*user*/, DeviceId /*device*/) override {}

  std::uint64_t calls = 0, told = 0;  // on the service's loop
};

std::vector<std::unique_ptr<SessionRegistry>> one_registry() {
  std::vector<std::unique_ptr<SessionRegistry>> out;
  out.push_back(std::make_unique<session_registry::MemoryRegistry>());
  return out;
}

/// Half of the users are online; one after the other goes, and the one who left longest ago comes.
class Driver {
 public:
  Driver(Loops& loops, session::SessionService& sessions) : loops_(loops), sessions_(sessions) {
    std::vector<Presence> first;
    first.reserve(kUsers / 2);
    for (std::uint64_t i = 0; i < kUsers / 2; ++i) first.push_back({UserId(i + 1), true});
    post(std::move(first));
  }
  void run(double time) {
    const auto start = Steady::now();
    std::uint64_t done = 0;
    while (seconds_since(start) < time) {
      const auto due = static_cast<std::uint64_t>(seconds_since(start) * kChangesPerSecond / 2);
      std::vector<Presence> changes;
      for (; done < due; ++done, ++next_) {
        changes.push_back({UserId(next_ % kUsers + 1), false});
        changes.push_back({UserId((next_ + kUsers / 2) % kUsers + 1), true});
      }
      post(std::move(changes));
      std::this_thread::sleep_for(milliseconds(10));
    }
  }

 private:
  void post(std::vector<Presence> changes) {
    boost::asio::post(loops_.at(0), [this, changes = std::move(changes)]() mutable {
      sessions_.update(GatewayId(1), std::move(changes));
    });
  }
  Loops& loops_;
  session::SessionService& sessions_;
  std::uint64_t next_ = 0;
};

void measure(const std::string& folder, std::size_t gateways, double time) {
  std::filesystem::remove_all(folder);
  const auto store = last_seen::SqliteLastSeenStore::open(folder);
  PARLEY_CHECK(store, store ? "" : store.error().message);
  SystemClock clock;
  Loops loops(1, 2);
  session::SessionService sessions(loops, clock, one_registry());
  std::vector<CountingGateway> fakes(gateways);
  const auto reach = [&](GatewayId id) -> DeliveryApi* { return &fakes.at(id.value - 1); };
  presence::PresenceService service(loops, clock, **store, reach);
  sessions.subscribe(service, presence::PresenceService::kLoop);
  loops.start();
  service.start();
  std::vector<UserId> everybody;
  everybody.reserve(kUsers);
  for (std::uint64_t i = 0; i < kUsers; ++i) everybody.emplace_back(i + 1);
  for (std::size_t i = 0; i < gateways; ++i) service.watch(GatewayId(i + 1), everybody, {});

  const auto counts = [&] {
    return boost::asio::post(loops.at(0), boost::asio::use_future([&] {
                               std::pair<std::uint64_t, std::uint64_t> sum;
                               for (const auto& fake : fakes) {
                                 sum.first += fake.calls;
                                 sum.second += fake.told;
                               }
                               return sum;
                             }))
        .get();
  };
  Driver driver(loops, sessions);
  driver.run(6);  // the first graces end
  const auto before = counts();
  const double cpu = cpu_seconds();
  const auto start = Steady::now();
  driver.run(time);
  const double wall = seconds_since(start);
  const double share = 100 * (cpu_seconds() - cpu) / wall;
  const auto after = counts();

  std::vector<LastSeen> rows;
  rows.reserve(kUsers);
  for (const auto user : everybody) rows.push_back({user, clock.wall()});
  const double cpu_refresh = cpu_seconds();
  PARLEY_CHECK((*store)->put(rows), "put");
  const double refresh = 100 * (cpu_seconds() - cpu_refresh) / kRefreshSeconds;

  std::promise<void> closed;
  service.close([&] { closed.set_value(); });
  closed.get_future().wait();
  loops.stop();
  fmt::print(
      "{{\"bench\":\"presence\",\"gateways\":{},\"users\":{},\"seconds\":{:.1f},"
      "\"cpu_percent\":{:.2f},\"refresh_cpu_percent\":{:.3f},\"calls_per_second\":{:.1f},"
      "\"told_per_second\":{:.0f}}}\n",
      gateways, kUsers, wall, share, refresh,
      static_cast<double>(after.first - before.first) / wall,
      static_cast<double>(after.second - before.second) / wall);
}

}  // namespace
}  // namespace parley

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: presence_bench FOLDER SECONDS\n");
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/presence_bench";
  for (const std::size_t gateways : {1, 50})
    parley::measure(folder, gateways, std::strtod(argv[2], nullptr));
  std::filesystem::remove_all(folder);
}
