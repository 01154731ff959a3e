#pragma once
#include <algorithm>

#include "base/clock.h"

namespace parley {

/// Wall time that never steps back within a process, nor behind what its store has seen: max(wall
/// clock, last told). (The wall-clock half of Kulkarni et al., "Logical Physical Clocks", 2014;
/// message ids carry the logical half.) Any thread.
class HybridClock {
 public:
  explicit HybridClock(const Clock& clock, TimeMs at_least = TimeMs(0))
      : clock_(clock), last_(at_least.value) {}

  TimeMs now() { return TimeMs(raise(clock_.wall().value)); }
  /// Every later `now` is at or after `seen`.
  void observe(TimeMs seen) { raise(seen.value); }

 private:
  std::int64_t raise(std::int64_t to) {
    auto last = last_.load(std::memory_order_relaxed);
    while (last < to && !last_.compare_exchange_weak(last, to, std::memory_order_relaxed)) {
    }
    return std::max(last, to);
  }

  const Clock& clock_;
  std::atomic<std::int64_t> last_;
};

}  // namespace parley
