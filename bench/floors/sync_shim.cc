// Preloaded into a server: counts its syncs and can make each of them slower, as another disk
// would. PARLEY_SYNC_DELAY_US: microseconds added to each; PARLEY_SYNC_COUNT: a file of 8 bytes
// that holds the count.
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

std::atomic<long>* counter() {
  static auto* const shared = [] {
    static std::atomic<long> own{0};
    const char* path = std::getenv("PARLEY_SYNC_COUNT");
    const int fd = path == nullptr ? -1 : open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(long)) != 0) return &own;
    void* page = mmap(nullptr, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return page == MAP_FAILED ? &own : static_cast<std::atomic<long>*>(page);
  }();
  return shared;
}

int slow_sync(const char* name, int fd) {
  using Sync = int (*)(int);
  static const long delay_us = std::getenv("PARLEY_SYNC_DELAY_US") == nullptr
                                   ? 0
                                   : std::atol(std::getenv("PARLEY_SYNC_DELAY_US"));
  const int result = reinterpret_cast<Sync>(dlsym(RTLD_NEXT, name))(fd);
  counter()->fetch_add(1, std::memory_order_relaxed);
  const timespec delay{.tv_sec = delay_us / 1'000'000, .tv_nsec = delay_us % 1'000'000 * 1'000};
  if (delay_us > 0) nanosleep(&delay, nullptr);
  return result;
}

}  // namespace

extern "C" int fdatasync(int fd) { return slow_sync("fdatasync", fd); }
extern "C" int fsync(int fd) { return slow_sync("fsync", fd); }
