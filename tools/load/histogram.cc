#include "histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace parley::load {
namespace {

constexpr unsigned kStepBits = 8;
constexpr std::uint64_t kSteps = 1U << kStepBits;

std::size_t bucket_of(std::uint64_t value) {
  if (value < 2 * kSteps) return value;
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - kStepBits - 1;
  return shift * kSteps + (value >> shift);
}

std::int64_t highest_in(std::size_t bucket) {
  if (bucket < 2 * kSteps) return static_cast<std::int64_t>(bucket);
  const std::size_t shift = bucket / kSteps - 1;
  return static_cast<std::int64_t>(((bucket - shift * kSteps + 1) << shift) - 1);
}

}  // namespace

void Histogram::record(std::int64_t nanoseconds) {
  const std::int64_t value = std::max<std::int64_t>(nanoseconds, 0);
  const std::size_t bucket = bucket_of(static_cast<std::uint64_t>(value));
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::int64_t Histogram::percentile(double percent) const {
  const auto rank = static_cast<std::uint64_t>(
      std::max(1.0, std::ceil(percent / 100.0 * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(highest_in(i), max_);
  }
  return max_;
}

std::vector<std::uint64_t> Histogram::pack() const {
  std::vector<std::uint64_t> packed{static_cast<std::uint64_t>(max_)};
  packed.insert(packed.end(), buckets_.begin(), buckets_.end());
  return packed;
}

Histogram Histogram::unpack(const std::vector<std::uint64_t>& packed) {
  Histogram result;
  if (packed.empty()) return result;
  result.max_ = static_cast<std::int64_t>(packed.front());
  result.buckets_.assign(packed.begin() + 1, packed.end());
  for (const auto n : result.buckets_) result.count_ += n;
  return result;
}

}  // namespace parley::load
