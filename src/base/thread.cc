#include "base/thread.h"

#include <cstdint>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace parley {
namespace {

constexpr int kNice = 10;
constexpr std::uint64_t kSliceNs = 100'000;  // the shortest that the kernel gives

/// sched_setattr(2), which glibc does not have before 2.41.
struct SchedAttributes {
  std::uint32_t size = sizeof(SchedAttributes);
  std::uint32_t policy = SCHED_BATCH;
  std::uint64_t flags = 0;
  std::int32_t nice = kNice;
  std::uint32_t priority = 0;
  std::uint64_t runtime = kSliceNs, deadline = 0, period = 0;
};

}  // namespace

void name_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

void step_back() {
  // Linux: the niceness is a thread's own (pthreads(7), "NPTL"). One who is nicer already stays so.
  const auto thread = static_cast<id_t>(::gettid());
  if (::getpriority(PRIO_PROCESS, thread) >= kNice) return;
  const SchedAttributes attributes;
  // Where a sandbox refuses that, niceness alone.
  if (::syscall(SYS_sched_setattr, 0, &attributes, 0) != 0)
    ::setpriority(PRIO_PROCESS, thread, kNice);
}

}  // namespace parley
