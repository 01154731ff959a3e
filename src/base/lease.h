#pragma once
#include <atomic>
#include <limits>

#include "base/clock.h"

namespace parley {

/// How long what one session holds is certainly still its own. Who relies on that asks after the
/// fact: a write that returned counts if `certainly_holds` is true *then*. Any thread; an answer
/// costs one atomic and one clock read.
///
/// False may become true again (a renewal that came late, of a session that was never given up);
/// after `end` it stays false for good.
class Lease {
 public:
  /// `clock.mono` must go on while the machine sleeps (BootClock), and outlives the lease.
  explicit Lease(const Clock& clock) : clock_(clock) {}
  Lease(const Lease&) = delete;

  bool certainly_holds() const { return clock_.mono().count() < until_.load(); }
  /// The instant, of the lease's clock, from which it is not certain any more.
  Clock::Mono until() const { return Clock::Mono(until_.load()); }

  /// For who renews it: an earlier instant than the present one changes nothing.
  void extend(Clock::Mono until) {
    auto seen = until_.load();
    while (seen != kEnded && seen < until.count() &&
           !until_.compare_exchange_weak(seen, until.count())) {
    }
  }
  void end() { until_ = kEnded; }
  bool ended() const { return until_.load() == kEnded; }

 private:
  static constexpr std::int64_t kEnded = std::numeric_limits<std::int64_t>::min();

  const Clock& clock_;
  std::atomic<std::int64_t> until_{0};
};

}  // namespace parley
