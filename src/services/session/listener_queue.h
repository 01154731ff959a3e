#pragma once
#include <mutex>

#include "api/session.h"
#include "base/loops.h"

namespace parley::session {

/// What one listener has to hear next: gathered by any thread, handed over in one call per turn of
/// the listener's loop.
class ListenerQueue {
 public:
  ListenerQueue(SessionListener& listener, Loops& loops, std::size_t loop)
      : listener_(listener), loops_(loops), loop_(loop) {}

  SessionListener& listener() { return listener_; }
  void push(const std::vector<SessionListener::Change>& changes);
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return changes_.size();
  }

 private:
  void hand_over();

  SessionListener& listener_;
  Loops& loops_;
  const std::size_t loop_;
  mutable std::mutex mutex_;
  bool posted_ = false;
  std::vector<SessionListener::Change> changes_;
};

}  // namespace parley::session
