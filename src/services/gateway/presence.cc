#include "services/gateway/presence.h"

#include "base/check.h"

namespace parley::gateway {

bool LocalPresence::connect(DeviceId device, std::size_t max) {
  const std::lock_guard lock(mutex_);
  auto& count = connections_[device];
  if (count >= max) return false;
  ++count;
  return true;
}

void LocalPresence::disconnect(DeviceId device) {
  const std::lock_guard lock(mutex_);
  const auto at = connections_.find(device);
  PARLEY_CHECK(at != connections_.end(), "a device disconnects that was not connected");
  if (--at->second == 0) connections_.erase(at);
}

void LocalPresence::came(std::size_t loop, UserId user) {
  const std::lock_guard lock(mutex_);
  if (one_loop_) return changes_.push_back({user, true});
  auto& loops = loops_[user];
  if (loops == 0) changes_.push_back({user, true});
  loops |= LoopSet{1} << loop;
}

void LocalPresence::went(std::size_t loop, UserId user) {
  const std::lock_guard lock(mutex_);
  if (one_loop_) return changes_.push_back({user, false});
  const auto at = loops_.find(user);
  PARLEY_CHECK(at != loops_.end(), "a user goes who was not here");
  at->second &= ~(LoopSet{1} << loop);
  if (at->second != 0) return;
  loops_.erase(at);
  changes_.push_back({user, false});
}

void LocalPresence::flush() {
  // Under the lock, so that two loops cannot tell of two changes of one user in the wrong order.
  // The session service does not call back.
  const std::lock_guard lock(mutex_);
  if (!changes_.empty()) sessions_.update(gateway_, std::exchange(changes_, {}));
}

void LocalPresence::say_again(const std::vector<UserId>& users) {
  const std::lock_guard lock(mutex_);
  changes_.clear();
  for (const auto user : users) changes_.push_back({user, true});
  for (const auto& [user, loops] : loops_) changes_.push_back({user, true});
  if (!changes_.empty()) sessions_.update(gateway_, std::exchange(changes_, {}));
}

std::vector<LocalPresence::LoopSet> LocalPresence::loops_of(
    const std::vector<UserId>& users) const {
  std::vector<LoopSet> out;
  out.reserve(users.size());
  const std::lock_guard lock(mutex_);
  for (const auto user : users) {
    const auto at = loops_.find(user);
    out.push_back(at == loops_.end() ? 0 : at->second);
  }
  return out;
}

}  // namespace parley::gateway
