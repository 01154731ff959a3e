#include "services/session/listener_queue.h"

namespace parley::session {

void ListenerQueue::push(const std::vector<SessionListener::Change>& changes) {
  const std::lock_guard lock(mutex_);
  changes_.insert(changes_.end(), changes.begin(), changes.end());
  if (std::exchange(posted_, true)) return;
  boost::asio::post(loops_.at(loop_), [this] { hand_over(); });
}

void ListenerQueue::hand_over() {
  std::vector<SessionListener::Change> changes;
  {
    const std::lock_guard lock(mutex_);
    changes.swap(changes_);
    posted_ = false;
  }
  listener_.on_sessions(std::move(changes));
}

}  // namespace parley::session
