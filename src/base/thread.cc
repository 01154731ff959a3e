#include "base/thread.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace parley {

void name_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

void step_back() {
  // Linux: the niceness is a thread's own (pthreads(7), "NPTL"). One who is nicer already stays so.
  const auto thread = static_cast<id_t>(::gettid());
  if (::getpriority(PRIO_PROCESS, thread) < 10) ::setpriority(PRIO_PROCESS, thread, 10);
}

}  // namespace parley
