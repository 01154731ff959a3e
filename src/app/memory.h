#pragma once
#include <boost/asio/steady_timer.hpp>
#include <ctime>

#include "base/loops.h"

namespace parley::app {

/// Gives memory that a burst left behind back to the system: glibc keeps it for ever otherwise.
/// Looks every few seconds, on the blocking pool, once a tenth of a second of CPU was used since.
class MemoryKeeper {
 public:
  explicit MemoryKeeper(Loops& loops);
  void start();  // before the loops run, or on loop 0; ends with the loops

 private:
  Loops& loops_;
  boost::asio::steady_timer timer_;
  std::clock_t looked_ = 0;  // the process's CPU time at the last look
};

}  // namespace parley::app
