#pragma once
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"

namespace parley::auth {

/// How many failures a key may have: `burst` at once, and one more each `refill`.
struct FailureLimit {
  double burst = 10;
  std::chrono::milliseconds refill{60'000};
};

/// A token bucket per key, in memory. An attempt takes a token before it is tried, and gives it
/// back if it did not fail, so that attempts at once cannot pass together. The table is bounded:
/// the key that was not used for the longest makes room. Any thread.
class FailureLimiter {
 public:
  FailureLimiter(const Clock& clock, FailureLimit limit, std::size_t max_keys)
      : clock_(clock), limit_(limit), max_keys_(max_keys) {}

  /// `rate_limited`, with when to come again.
  Result<void> take(std::string_view key);
  void give_back(std::string_view key);
  std::size_t keys() const;

 private:
  struct Bucket {
    std::string key;
    double tokens;
    Clock::Mono at;
  };
  Bucket& bucket(std::string_view key);

  const Clock& clock_;
  const FailureLimit limit_;
  const std::size_t max_keys_;
  mutable std::mutex mutex_;
  std::list<Bucket> buckets_;  // the last used first
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> by_key_;
};

/// The key of an address: itself, or the /64 network of an IPv6 address, of which a guest has as
/// many addresses as it likes.
std::string address_key(std::string_view remote_address);

}  // namespace parley::auth
