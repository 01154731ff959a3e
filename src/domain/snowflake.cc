#include "domain/snowflake.h"

#include <algorithm>

namespace parley {

std::uint64_t Snowflake::next(TimeMs wall) {
  const auto now =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, wall.value - kSnowflakeEpochMs));
  if (now > ms_) {
    ms_ = now;
    sequence_ = 0;
  } else if (++sequence_ > 4095) {
    ++ms_;
    sequence_ = 0;
  }
  return ms_ << 22 | node_ << 12 | sequence_;
}

void Snowflake::start_after(std::uint64_t issued) {
  if (issued >> 22 < ms_ || issued == 0) return;
  ms_ = (issued >> 22) + 1;
  sequence_ = 0;
}

}  // namespace parley
