#pragma once
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>

#include "api/auth.h"
#include "base/gate.h"

namespace parley::auth {

/// Looks again and again for what other processes have done. A look blocks a thread of the pool,
/// the pause between two takes none. What fails is logged when it begins and when it is over.
class Follower {
 public:
  using Look = std::function<Result<void>()>;

  Follower(boost::asio::thread_pool& pool, std::chrono::milliseconds pause, Look look);
  /// The first look is at once.
  void start();
  /// Waits for a look to end. Once, before the pool ends; not from its threads.
  void stop();

 private:
  Awaitable<void> run();

  const std::chrono::milliseconds pause_;
  const Look look_;
  boost::asio::strand<boost::asio::thread_pool::executor_type> strand_;
  boost::asio::steady_timer timer_;
  bool stopping_ = false;
  Gate gate_;
};

}  // namespace parley::auth
