#include "app/memory.h"

#include <atomic>
#include <boost/asio.hpp>
#include <ctime>
#include <malloc.h>

namespace parley::app {
namespace {
constexpr std::chrono::seconds kEvery{5};
constexpr std::size_t kWorthIt = 1 << 20;  // bytes that became free since the last time
// Of work since the last look, below which nothing much can have become free: a look costs as much
// as a hundred heartbeats.
constexpr double kWorked = 0.1;  // seconds of CPU

// What a trim leaves lies between things that are in use: looking again finds no more of it.
std::atomic<std::size_t> left{0};

void give_back() {
  const auto free = mallinfo2().fordblks;
  if (free < left) left = free;
  if (free < left + kWorthIt) return;
  malloc_trim(0);
  left = mallinfo2().fordblks;
}
}  // namespace

MemoryKeeper::MemoryKeeper(Loops& loops) : loops_(loops), timer_(loops.at(0)) {
  // Else glibc raises both with what is freed, and each thread's heap keeps megabytes at its end.
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  mallopt(M_TRIM_THRESHOLD, 512 << 10);
}

void MemoryKeeper::start() {
  timer_.expires_after(kEvery);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    const auto worked = std::clock();
    if (static_cast<double>(worked - looked_) >= kWorked * CLOCKS_PER_SEC) {
      looked_ = worked;
      boost::asio::post(loops_.pool(), give_back);
    }
    start();
  });
}

}  // namespace parley::app
