#pragma once
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "services/gateway/shared.h"

namespace parley::gateway {

/// Tells the session service that this gateway lives, for all its clients at once; where it is not
/// known (the service is new, or dropped it), everything that was said is said again. Loop 0's
/// thread.
class Heartbeat {
 public:
  /// `say_again`: tells other services who is here and whom they watch.
  Heartbeat(Shared& shared, std::function<void()> say_again)
      : shared_(shared), say_again_(std::move(say_again)), timer_(shared.loops.at(0)) {}

  /// At once, before anybody is let in.
  void start() { beat(); }
  void stop();

 private:
  void beat();

  Shared& shared_;
  std::function<void()> say_again_;
  boost::asio::steady_timer timer_;
  bool stopped_ = false;
};

}  // namespace parley::gateway
