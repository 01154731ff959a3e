#include "services/session/listener_queue.h"

namespace parley::session {

void ListenerQueue::push(const std::vector<SessionListener::Change>& changes) {
  const std::lock_guard lock(mutex_);
  changes_.insert(changes_.end(), changes.begin(), changes.end());
  post_once();
}

void ListenerQueue::push_gone(GatewayId gateway) {
  const std::lock_guard lock(mutex_);
  gone_.push_back(gateway);
  post_once();
}

void ListenerQueue::post_once() {
  if (std::exchange(posted_, true)) return;
  boost::asio::post(loops_.at(loop_), [this] { hand_over(); });
}

void ListenerQueue::hand_over() {
  std::vector<SessionListener::Change> changes;
  std::vector<GatewayId> gone;
  {
    const std::lock_guard lock(mutex_);
    changes.swap(changes_);
    gone.swap(gone_);
    posted_ = false;
  }
  if (!changes.empty()) listener_.on_sessions(std::move(changes));
  for (const auto gateway : gone) listener_.on_gateway_gone(gateway);
}

}  // namespace parley::session
