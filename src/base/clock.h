#pragma once
#include <atomic>
#include <chrono>
#include <ctime>

#include "base/ids.h"

namespace parley {

/// Time as a port. Any thread.
class Clock {
 public:
  using Mono = std::chrono::nanoseconds;  // since an arbitrary start; never steps back

  virtual ~Clock() = default;
  virtual TimeMs wall() const = 0;  // may step either way
  virtual Mono mono() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimeMs wall() const override {
    using namespace std::chrono;
    return TimeMs(duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count() +
                  offset_ms_.load(std::memory_order_relaxed));
  }
  Mono mono() const override {
    return std::chrono::duration_cast<Mono>(std::chrono::steady_clock::now().time_since_epoch());
  }
  /// Moves the wall clock, for the fault test that sets it back (`--test-data` servers only).
  void shift(std::chrono::milliseconds by) { offset_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> offset_ms_{0};
};

/// Its `mono` goes on while the machine sleeps (CLOCK_BOOTTIME): what leases are counted by.
class BootClock final : public Clock {
 public:
  TimeMs wall() const override { return SystemClock().wall(); }
  Mono mono() const override {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  }
};

/// Stands still until a test moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimeMs start = TimeMs(1'750'000'000'000)) : wall_ms_(start.value) {}
  TimeMs wall() const override { return TimeMs(wall_ms_.load()); }
  Mono mono() const override { return Mono(mono_ns_.load()); }
  void advance(std::chrono::milliseconds by) {
    wall_ms_ += by.count();
    mono_ns_ += std::chrono::nanoseconds(by).count();
  }
  void set_wall(TimeMs to) { wall_ms_ = to.value; }

 private:
  std::atomic<std::int64_t> wall_ms_;
  std::atomic<std::int64_t> mono_ns_{0};
};

}  // namespace parley
