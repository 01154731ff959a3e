#include "app/measures.h"

#include <ctime>
#include <fstream>
#include <limits>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/process.h"
#include "base/certificate_files.h"

namespace parley::app {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  return file >> all >> resident ? resident * static_cast<double>(sysconf(_SC_PAGESIZE)) : kUnknown;
}

double cpu_seconds() {
  timespec spent{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) != 0) return kUnknown;
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

double file_limit() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : kUnknown;
}

void measure_disk(Process& p) {
  std::error_code none;
  if (!std::filesystem::exists(p.config.server.data, none)) return;  // nothing of it is here
  const auto ask = [data = p.config.server.data](auto of) {
    return [data, of] {
      struct statvfs disk{};
      return statvfs(data.c_str(), &disk) == 0
                 ? static_cast<double>(disk.*of) * static_cast<double>(disk.f_frsize)
                 : kUnknown;
    };
  };
  p.metrics.gauge_of("parley_data_free_bytes", "Free space where the data folder is",
                     ask(&statvfs::f_bavail));
  p.metrics.gauge_of("parley_data_size_bytes", "Size of the file system where the data folder is",
                     ask(&statvfs::f_blocks));
}

void measure_certificate(Process& p, const std::string& file, const char* use) {
  if (file.empty()) return;
  p.metrics.gauge_of("parley_certificate_expires_timestamp_seconds",
                     "When a certificate, as its file is, expires",
                     [file] {
                       const auto until = expiry_of(file);
                       return until ? static_cast<double>(until->value) / 1e3 : kUnknown;
                     },
                     {{"use", use}});
}

/// A queue: how much waits in it.
template <class Length>
void queue(Process& p, const char* name, Length length) {
  p.metrics.gauge_of("parley_queue_length", "What waits in a queue",
                     [length] { return static_cast<double>(length()); }, {{"queue", name}});
}

void measure_messages(Process& p) {
  queue(p, "sends", [&p] { return p.messages->queues().sends; });
  queue(p, "commits", [&p] { return p.messages->queues().commits; });
  if (auto* store = p.stores.conversations.get()) {
    queue(p, "committer", [store] { return store->waiting(); });
    p.metrics.gauge_of("parley_storage_full", "Whether the disk is full: nothing more is stored",
                       [store] { return store->full() ? 1 : 0; });
  }
  if (!p.stores.published) return;
  queue(p, "feed_publisher", [&p] { return p.stores.feed->waiting(); });
  queue(p, "feed_group_commits", [&p] { return p.stores.published->unpublished(); });
  p.metrics.gauge_of("parley_lease_age_seconds",
                     "Since ZooKeeper last confirmed the lease of this process's shards",
                     [&p] { return p.cluster->lease_times().age; });
  p.metrics.gauge_of("parley_lease_left_seconds", "Until that lease lapses",
                     [&p] { return p.cluster->lease_times().left; });
}

double lag(const StreamConsumer& feed) {
  double records = 0;
  for (const auto& lane : feed.lag()) records += static_cast<double>(lane.records);
  return records;
}

void measure_feed(Process& p) {
  auto& feed = *p.feed_consumer;
  p.metrics.gauge_of("parley_feed_lag_records",
                     "Records of the feed that are published and had not all of their effect yet",
                     [&feed] { return lag(feed); });
  p.metrics.gauge_of("parley_feed_lanes", "Lanes of the feed that this process reads",
                     [&feed] { return static_cast<double>(feed.lag().size()); });
  queue(p, "feed_unpassed", [&p] { return p.stream_feed->unpassed(); });
}

}  // namespace

void measure_process(Process& p) {
  auto& m = p.metrics;
  m.gauge("parley_build_info", "1; the version, and the services that run here",
          {{"version", PARLEY_VERSION}, {"target", p.targets.text()}})
      .set(1);
  const auto began = std::chrono::duration<double>(p.began.time_since_epoch()).count();
  m.gauge_of("process_start_time_seconds", "When the process began, since 1970",
             [began] { return began; });
  m.counter_of("process_cpu_seconds_total", "Processor time", cpu_seconds);
  m.gauge_of("process_resident_memory_bytes", "Memory that it has", resident_bytes);
  m.gauge_of("process_max_fds", "How many files and sockets it may open", file_limit);
  m.gauge_of("parley_ready", "Whether it is ready, as /readyz says",
             [&p] { return p.admin->ready() ? 1 : 0; });
  measure_certificate(p, p.config.server.tls_certificate, "clients");
  measure_certificate(p, p.config.peer_tls.certificate, "processes");
}

void measure_services(Process& p) {
  measure_disk(p);
  if (p.peers) p.peers->measure(p.metrics);
  if (p.messages) measure_messages(p);
  if (p.message_router) queue(p, "router_held", [&p] { return p.message_router->held(); });
  if (p.feed_consumer) measure_feed(p);
  if (p.sessions) queue(p, "session_changes", [&p] { return p.sessions->untold(); });
  if (p.auth) queue(p, "password_hashes", [&p] { return p.auth->hashes_open(); });
  if (p.notifications) queue(p, "pushes", [&p] { return p.notifications->waiting(); });
}

}  // namespace parley::app
