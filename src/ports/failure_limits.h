#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace parley {

/// Limits the failures of whoever guesses: a token bucket per key, for all processes that share the
/// adapter's memory. An attempt takes a token of each of its keys before it is tried, and gives
/// them back if it did not fail, so that attempts at once cannot pass together.
///
/// Nothing is durable: what is forgotten was a failure of the last minutes. Any thread; calls back
/// once, on any thread, perhaps before it returns.
class FailureLimits {
 public:
  struct Key {
    std::string name;                  // of what is guessed at, or of who guesses
    double burst;                      // so many failures at once
    std::chrono::milliseconds refill;  // and one more each
  };
  using Taken = std::move_only_function<void(Result<void>)>;

  virtual ~FailureLimits() = default;
  /// Of every key, or of none. `rate_limited`: with when to come again.
  virtual void take(std::vector<Key> keys, Taken taken) = 0;
  /// A bucket never has more than its burst.
  virtual void give_back(std::vector<Key> keys) = 0;
};

/// The refusal, with when there is a token again.
inline std::unexpected<Error> too_many_failures(std::uint32_t wait_ms) {
  return fail_for(Code::rate_limited, "too many failed attempts: wait before the next", wait_ms);
}

}  // namespace parley
