#pragma once
#include "base/ids.h"

namespace parley::cassandra_log {

/// Traces of what a shard's conversations got are kept by periods of ten minutes, each a partition.
inline constexpr std::int64_t kPeriodMs = 600'000;
inline std::int64_t period_of(TimeMs time) { return time.value / kPeriodMs; }

}  // namespace parley::cassandra_log
