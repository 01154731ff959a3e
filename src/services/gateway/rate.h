#pragma once
#include <chrono>
#include <cstdint>
#include <unordered_map>

#include "base/clock.h"

namespace parley::gateway {

/// How much one kind of request may cost: `per_second` averaged, twice that at once. 0: unlimited.
class RateLimit {
 public:
  explicit RateLimit(std::size_t per_second)
      : interval_ns_(per_second ? 1'000'000'000 / static_cast<std::int64_t>(per_second) : 0),
        burst_ns_(per_second ? 2'000'000'000 : 0) {}

  std::int64_t interval_ns() const { return interval_ns_; }
  std::int64_t burst_ns() const { return burst_ns_; }

 private:
  std::int64_t interval_ns_;
  std::int64_t burst_ns_;
};

/// A token bucket in one number: the generic cell rate algorithm (ITU-T I.371), which keeps the
/// time at which the bucket would be full.
class RateState {
 public:
  /// 0: go on. Else the milliseconds after which to come again: what comes before that is refused
  /// too, so that requests behind a refused one do not overtake it.
  std::uint32_t take(const RateLimit& limit, Clock::Mono now) {
    const std::int64_t full_at = std::max(full_at_ns_, now.count());
    const std::int64_t wait = full_at + limit.interval_ns() - limit.burst_ns() - now.count();
    if (wait <= 0) {
      full_at_ns_ = (full_at + limit.interval_ns()) & ~kRefusing;
      return 0;
    }
    if (full_at_ns_ & kRefusing) return in_ms(wait);
    // The first refusal: its sender is to hear of it before anything is taken again.
    const std::int64_t least = std::max(wait, kLeastWait.count());
    full_at_ns_ = (full_at + least - wait) | kRefusing;
    return in_ms(least);
  }
  bool is_full(Clock::Mono now) const { return full_at_ns_ <= now.count(); }

 private:
  static constexpr std::chrono::nanoseconds kLeastWait = std::chrono::milliseconds(100);
  static constexpr std::int64_t kRefusing = 1;  // the lowest bit: the last request was refused
  static std::uint32_t in_ms(std::int64_t ns) {
    return static_cast<std::uint32_t>(ns / 1'000'000 + 1);
  }
  std::int64_t full_at_ns_ = 0;
};

/// Buckets by a number (an address, a device), for what has no session. Forgets full ones.
class RateTable {
 public:
  explicit RateTable(RateLimit limit) : limit_(limit) {}

  std::uint32_t take(std::uint64_t key, Clock::Mono now) {
    if (limit_.interval_ns() == 0) return 0;
    if (buckets_.size() >= kMax && !buckets_.contains(key)) {
      forget_full(now);
      if (buckets_.size() >= kMax) return kCrowdedMs;
    }
    return buckets_[key].take(limit_, now);
  }
  void forget_full(Clock::Mono now) {
    std::erase_if(buckets_, [&](const auto& row) { return row.second.is_full(now); });
  }

 private:
  static constexpr std::size_t kMax = 20'000;
  static constexpr std::uint32_t kCrowdedMs = 1'000;
  RateLimit limit_;
  std::unordered_map<std::uint64_t, RateState> buckets_;
};

}  // namespace parley::gateway
