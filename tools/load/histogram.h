#pragma once
#include <cstdint>
#include <vector>

namespace parley::load {

/// Counts of durations in logarithmic buckets of 256 linear steps each, after HdrHistogram: any
/// value is known to better than 0.4 %. Unit: nanoseconds. One thread.
class Histogram {
 public:
  void record(std::int64_t nanoseconds);
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  std::int64_t max() const { return max_; }
  /// The value that so many percent of the samples do not exceed; 0 without samples.
  std::int64_t percentile(double percent) const;

  /// The raw counters, to carry a histogram between processes.
  std::vector<std::uint64_t> pack() const;
  static Histogram unpack(const std::vector<std::uint64_t>& packed);

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace parley::load
