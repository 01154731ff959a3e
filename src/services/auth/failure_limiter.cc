#include "services/auth/failure_limiter.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

namespace parley::auth {

Result<void> FailureLimiter::take(std::string_view key) {
  const std::lock_guard lock(mutex_);
  Bucket& found = bucket(key);
  if (found.tokens >= 1) {
    found.tokens -= 1;
    return {};
  }
  const double wait_ms = (1 - found.tokens) * static_cast<double>(limit_.refill.count());
  return fail_for(Code::rate_limited, "too many failed attempts: wait before the next",
                  static_cast<std::uint32_t>(wait_ms) + 1);
}

void FailureLimiter::give_back(std::string_view key) {
  const std::lock_guard lock(mutex_);
  Bucket& found = bucket(key);
  found.tokens = std::min(limit_.burst, found.tokens + 1);
}

std::size_t FailureLimiter::keys() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

FailureLimiter::Bucket& FailureLimiter::bucket(std::string_view key) {
  const auto now = clock_.mono();
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, known->second);
    Bucket& found = buckets_.front();
    const std::chrono::duration<double> passed = now - found.at;
    found.tokens = std::min(limit_.burst, found.tokens + passed / limit_.refill);
    found.at = now;
    return found;
  }
  if (buckets_.size() >= max_keys_) {
    by_key_.erase(buckets_.back().key);
    buckets_.pop_back();
  }
  buckets_.push_front({std::string(key), limit_.burst, now});
  by_key_.emplace(buckets_.front().key, buckets_.begin());
  return buckets_.front();
}

std::string address_key(std::string_view remote_address) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(remote_address), error);
  if (error || !address.is_v6()) return std::string(remote_address.substr(0, 64));
  auto v6 = address.to_v6();
  if (v6.is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_string();
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return boost::asio::ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace parley::auth
