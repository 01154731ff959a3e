#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "adapters/traces/otlp/json.h"
#include "base/metrics.h"

namespace parley::traces {

struct OtlpSettings {
  std::string endpoint;  // http://HOST:PORT; /v1/traces is added
  std::size_t per_million = 1'000;
  Resource resource;
  std::size_t waiting = 8'192;             // spans; beyond, they are dropped
  std::size_t batch = 512;                 // spans sent at once
  std::chrono::milliseconds every{1'000};  // what waits is sent, however little
  std::chrono::milliseconds timeout{5'000};
};

/// Exports spans on a thread of its own. Its end sends what waits, once, for `timeout` at most.
class OtlpTraces final : public Traces {
 public:
  OtlpTraces(OtlpSettings settings, Metrics& metrics);
  ~OtlpTraces() override;

  void take(Span span) override;

 private:
  void run();
  void send(void* curl, std::span<const Span> spans);

  const OtlpSettings settings_;
  Metric &sent_, &dropped_, &failed_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Span> waiting_;
  bool ending_ = false;
  bool told_ = false;  // the log, that it fails; the thread's
  std::thread thread_;
};

}  // namespace parley::traces
