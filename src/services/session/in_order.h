#pragma once
#include <boost/asio/post.hpp>
#include <functional>
#include <mutex>
#include <vector>

#include "base/loops.h"

namespace parley::session {

/// Runs on one loop what any thread gives it, in the order in which it was given. (A loop puts what
/// its own thread posts behind what others post meanwhile.)
class InOrder {
 public:
  InOrder(Loops& loops, std::size_t loop) : loops_(loops), loop_(loop) {}

  void run(std::move_only_function<void()> call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
    if (std::exchange(posted_, true)) return;
    boost::asio::post(loops_.at(loop_), [this] { catch_up(); });
  }

  /// Runs what was given so far; on the loop, and not out of a call.
  void catch_up() {
    std::vector<std::move_only_function<void()>> calls;
    {
      const std::lock_guard lock(mutex_);
      calls.swap(calls_);
      posted_ = false;
    }
    for (auto& call : calls) call();
  }

 private:
  Loops& loops_;
  const std::size_t loop_;
  std::mutex mutex_;
  bool posted_ = false;
  std::vector<std::move_only_function<void()>> calls_;
};

}  // namespace parley::session
