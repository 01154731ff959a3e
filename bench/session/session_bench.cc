// What it costs to ask where users are, on the embedded registry: `locate` of one user and of 500,
// as a send to one person and to a group does. session_bench SECONDS: one line of JSON per number
// of loops and of users. Nanoseconds and allocations per user, the answer included; with two loops
// half of the users live with the other one.
#include <atomic>
#include <boost/asio.hpp>
#include <cstdlib>
#include <fmt/format.h>
#include <future>
#include <new>

#include "adapters/session_registry/memory/registry.h"
#include "services/session/session_service.h"

namespace {
std::atomic<std::uint64_t> allocations{0};
}
void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* at = std::malloc(size)) return at;
  throw std::bad_alloc();
}
void operator delete(void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }

namespace parley {
namespace {
using Steady = std::chrono::steady_clock;
constexpr std::uint64_t kUsers = 100'000;

/// Asks `kAtOnce` times in one turn, and again when all are answered, for some time.
struct Asking {
  static constexpr std::size_t kAtOnce = 64;
  session::SessionService& sessions;
  boost::asio::io_context& loop;
  const std::size_t users;
  const Steady::time_point until;
  std::promise<std::uint64_t> done;
  std::uint64_t asked = 0, rows = 0;
  std::size_t open = 0;

  void next() {
    if (Steady::now() >= until) return done.set_value(asked);
    open = kAtOnce;
    for (std::size_t n = 0; n < kAtOnce; ++n) {
      std::vector<UserId> who;
      who.reserve(users);
      for (std::size_t i = 0; i < users; ++i) who.emplace_back((asked++ * 7919) % kUsers + 1);
      sessions.locate(std::move(who), [this](std::vector<Location> found) {
        rows += found.size();
        if (--open == 0) boost::asio::post(loop, [this] { next(); });
      });
    }
  }
};

void measure(std::size_t count, std::size_t users, double seconds) {
  SystemClock clock;
  Loops loops(count, 1);
  std::vector<std::unique_ptr<SessionRegistry>> registries;
  for (std::size_t i = 0; i < count; ++i)
    registries.push_back(std::make_unique<session_registry::MemoryRegistry>());
  session::SessionService sessions(loops, clock, std::move(registries));
  loops.start();
  std::vector<Presence> online;
  for (std::uint64_t i = 0; i < kUsers; ++i) online.push_back({UserId(i + 1), true});
  boost::asio::post(loops.at(0), boost::asio::use_future(
                                     [&] { sessions.update(GatewayId(1), std::move(online)); }))
      .get();
  const auto start = Steady::now();
  Asking asking{
      sessions,
      loops.at(0),
      users,
      start + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds)),
      {}};
  const auto before = allocations.load();
  boost::asio::post(loops.at(0), [&] { asking.next(); });
  const auto asked = asking.done.get_future().get();
  const double ns = std::chrono::duration<double, std::nano>(Steady::now() - start).count();
  fmt::print(
      "{{\"bench\":\"locate\",\"loops\":{},\"users\":{},\"ns_per_user\":{:.1f},"
      "\"allocations_per_call\":{:.2f}}}\n",
      count, users, ns / static_cast<double>(asked),
      static_cast<double>(allocations.load() - before) /
          (static_cast<double>(asked) / static_cast<double>(users)));
  loops.stop();
}

}  // namespace
}  // namespace parley

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  for (const std::size_t loops : {1, 2})
    for (const std::size_t users : {1, 500}) parley::measure(loops, users, seconds);
}
