#pragma once
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <set>

#include "api/auth.h"
#include "base/loops.h"
#include "services/group/settings.h"

namespace parley::group {

/// The waits of one loop's coroutines, all of which `close` ends, and later ones at once.
class Pauses {
 public:
  explicit Pauses(boost::asio::io_context& io) : io_(io) {}

  Awaitable<void> sleep(std::chrono::milliseconds how_long);
  void close();
  bool closed() const { return closed_; }

 private:
  boost::asio::io_context& io_;
  bool closed_ = false;
  std::set<boost::asio::steady_timer*> sleeping_;
};

/// The growing pauses before retries of one call.
class BackOff {
 public:
  explicit BackOff(const Settings& settings)
      : next_(settings.first_pause), longest_(settings.longest_pause) {}
  std::chrono::milliseconds next() {
    const auto now = next_;
    total_ += now;
    next_ = std::min(next_ * 2, longest_);
    return now;
  }
  std::chrono::milliseconds total() const { return total_; }

 private:
  std::chrono::milliseconds next_, longest_, total_{};
};

}  // namespace parley::group
