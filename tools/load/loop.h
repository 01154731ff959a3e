#pragma once
#include <cstdint>
#include <sys/epoll.h>
#include <vector>

#include "checker/checker.h"

namespace parley::load {

/// The monotonic clock. Nanoseconds.
Nanos now();

/// Called once at the end of a turn in which it was given to `Loop::at_end_of_turn`.
class TurnEnd {
 public:
  virtual ~TurnEnd() = default;
  virtual void turn_ends() = 0;
};

/// Something with a descriptor in the loop.
class Watched : public TurnEnd {
 public:
  virtual void ready(std::uint32_t events) = 0;
};

/// One epoll set; level-triggered. One thread.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void add(int fd, std::uint32_t events, Watched* watched);
  void change(int fd, std::uint32_t events, Watched* watched);
  /// Also forgets what this turn still has for it.
  void remove(int fd, Watched* watched);
  void at_end_of_turn(TurnEnd* what) { ending_.push_back(what); }
  void forget_turn_end(const TurnEnd* what);

  /// Waits for events until `deadline` at most, hands them out, ends the turn.
  void turn(Nanos deadline);

 private:
  void end_turn();

  int fd_;
  std::vector<epoll_event> events_;
  std::size_t waiting_ = 0;  // of events_, those not yet handed out
  std::size_t next_ = 0;
  std::vector<TurnEnd*> ending_;
};

}  // namespace parley::load
