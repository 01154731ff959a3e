#pragma once
#include "base/ids.h"

namespace parley {

/// 2025-01-01T00:00:00Z: the start of a Snowflake's 41 bits of milliseconds.
inline constexpr std::int64_t kSnowflakeEpochMs = 1'735'689'600'000;

/// 41 bits of milliseconds, 10 of node, 12 of sequence. Every id is above the one before, also when
/// the clock is set back: time is max(wall clock, last issued). One thread.
class Snowflake {
 public:
  explicit Snowflake(std::uint32_t node, std::uint64_t last_issued = 0) : node_(node & 1023) {
    start_after(last_issued);
  }

  std::uint64_t next(TimeMs wall);
  /// Later ids are of this node.
  void use_node(std::uint32_t node) { node_ = node & 1023; }
  /// Every later id is in a later millisecond than this one.
  void start_after(std::uint64_t issued);

  static TimeMs time_of(std::uint64_t id) {
    return TimeMs(static_cast<std::int64_t>(id >> 22) + kSnowflakeEpochMs);
  }

 private:
  std::uint64_t node_;
  std::uint64_t ms_ = 0;
  std::uint64_t sequence_ = 0;
};

}  // namespace parley
