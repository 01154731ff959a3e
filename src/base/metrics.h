#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace parley {

/// A number that is counted up, or set; written by any thread, read by `/metrics`.
class Metric {
 public:
  void add(std::int64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  void set(std::int64_t to) { value_.store(to, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// The metrics of one process, in Prometheus' text format. A metric lives as long as its registry.
class Metrics {
 public:
  Metric& counter(std::string name, std::string help);
  Metric& gauge(std::string name, std::string help);
  std::string text() const;

 private:
  struct Row {
    std::string name, help;
    bool counter;
    Metric metric;
  };
  Metric& row(std::string name, std::string help, bool counter);
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Row>> rows_;
};

}  // namespace parley
