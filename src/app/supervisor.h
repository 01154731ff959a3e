#pragma once
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "base/loops.h"

namespace parley::app {

/// Whoever started this process and wants to hear how it is: systemd, or what speaks as it does
/// (sd_notify(3)). Where $NOTIFY_SOCKET is not set there is nobody, and nothing is done.
bool has_supervisor();
/// Lines of `KEY=VALUE`. Failures are logged.
void tell_supervisor(const std::string& state);

/// Says that the process is alive, for as long as every loop still turns, three times within what
/// the supervisor gives it in $WATCHDOG_USEC; nothing where that is not set, or meant for another
/// process.
class Watchdog {
 public:
  /// On `io`; both outlive it.
  Watchdog(boost::asio::io_context& io, Loops& loops);

 private:
  void ask();
  void wait();

  Loops& loops_;
  boost::asio::steady_timer timer_;
  std::chrono::microseconds every_{0};
  std::shared_ptr<std::atomic<std::size_t>> answered_ =
      std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace parley::app
