#pragma once
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "cli/context.h"

namespace parley::cli::desk {

/// Coroutines that run beside the caller, on its loop, until they are through or until finish().
class Jobs {
 public:
  explicit Jobs(boost::asio::io_context& io) : io_(io), ended_(io) {}

  void start(Awaitable<void> job);
  /// Cancels what runs and waits for it; what is started afterwards does not run.
  Awaitable<void> finish();

 private:
  boost::asio::io_context& io_;
  boost::asio::steady_timer ended_;
  std::list<boost::asio::cancellation_signal> running_;
  bool finishing_ = false;
};

}  // namespace parley::cli::desk
