#include "app/memory.h"

#include <boost/asio.hpp>
#include <malloc.h>

namespace parley::app {
namespace {
constexpr std::chrono::seconds kEvery{5};
constexpr std::size_t kWorthIt = 4 << 20;  // bytes that are free but still ours

void give_back() {
  if (mallinfo2().fordblks > kWorthIt) malloc_trim(0);
}
}  // namespace

void MemoryKeeper::start() {
  timer_.expires_after(kEvery);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    boost::asio::post(loops_.pool(), give_back);
    start();
  });
}

}  // namespace parley::app
