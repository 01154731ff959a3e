#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
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

/// How many durations fell below each bound, and their sum. Any thread.
class Histogram {
 public:
  /// Seconds; what is longer counts in `+Inf` alone.
  static constexpr std::array kBounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                      0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0};

  /// `times`: so many took that long.
  void observe(std::chrono::nanoseconds took, std::int64_t times = 1);

  /// By bound, not cumulative; the last is above all of them.
  std::int64_t count(std::size_t bucket) const {
    return counts_[bucket].load(std::memory_order_relaxed);
  }
  std::chrono::nanoseconds sum() const {
    return std::chrono::nanoseconds(sum_.load(std::memory_order_relaxed));
  }

 private:
  std::array<std::atomic<std::int64_t>, kBounds.size() + 1> counts_{};
  std::atomic<std::int64_t> sum_{0};
};

/// What a call takes from here to the end of the block. Null: nothing is measured.
class Stopwatch {
 public:
  explicit Stopwatch(Histogram* into)
      : into_(into), since_(into ? Clock::now() : Clock::time_point{}) {}
  ~Stopwatch() {
    if (into_) into_->observe(Clock::now() - since_);
  }
  Stopwatch(const Stopwatch&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  Histogram* const into_;
  const Clock::time_point since_;
};

/// The metrics of one process, in Prometheus' text format
/// (https://prometheus.io/docs/instrumenting/exposition_formats/). A metric lives as long as its
/// registry; whoever asks for the same name and labels again gets the same one. docs/metrics.md
/// lists them all.
class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  Metric& counter(std::string name, std::string help, Labels labels = {});
  Metric& gauge(std::string name, std::string help, Labels labels = {});
  /// Of seconds.
  Histogram& histogram(std::string name, std::string help, Labels labels = {});
  /// A gauge, or a counter, that `read` tells whenever somebody looks: on the thread of `text`, and
  /// soon. NaN: it is not known. Of the same name and labels the first stays.
  using Read = std::function<double()>;
  void gauge_of(std::string name, std::string help, Read read, Labels labels = {});
  void counter_of(std::string name, std::string help, Read read, Labels labels = {});

  /// What the operations of a store take, and those that failed: of every adapter under one name.
  Histogram& store_seconds(const std::string& store, const std::string& operation) {
    return histogram("parley_store_seconds", "What an operation of a store takes",
                     {{"store", store}, {"operation", operation}});
  }
  Metric& store_failures(const std::string& store, const std::string& operation) {
    return counter("parley_store_failures_total", "Operations of a store that failed",
                   {{"store", store}, {"operation", operation}});
  }

  std::string text() const;

 private:
  enum class Kind { counter, gauge, histogram };
  using Value = std::variant<std::unique_ptr<Metric>, std::unique_ptr<Histogram>, Read>;
  struct Family {
    Kind kind;
    std::string help;
    std::map<Labels, Value> values;
  };
  Value& value(std::string name, std::string help, Kind kind, Labels labels, Value made);

  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;  // nothing is ever removed
};

}  // namespace parley
