#include "services/gateway/watched.h"

#include "base/check.h"

namespace parley::gateway {

void Watched::came(std::size_t loop, UserId user) {
  const std::lock_guard lock(mutex_);
  auto& loops = loops_[user];
  if (loops == 0) told_.try_emplace(user, false);
  loops |= LoopSet{1} << loop;
}

void Watched::went(std::size_t loop, UserId user) {
  const std::lock_guard lock(mutex_);
  const auto at = loops_.find(user);
  PARLEY_CHECK(at != loops_.end(), "a watcher goes that was not here");
  at->second &= ~(LoopSet{1} << loop);
  if (at->second != 0) return;
  loops_.erase(at);
  told_.try_emplace(user, true);
}

void Watched::flush() {
  const std::lock_guard telling(telling_);
  std::vector<UserId> added, removed;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [user, told] : std::exchange(told_, {}))
      if (const bool watched = loops_.contains(user); watched != told)
        (watched ? added : removed).push_back(user);
  }
  if (!added.empty() || !removed.empty())
    presence_.watch(gateway_, std::move(added), std::move(removed));
}

void Watched::say_again() {
  {
    const std::lock_guard lock(mutex_);
    told_.clear();
    for (const auto& [user, loops] : loops_) told_.emplace(user, false);
  }
  flush();
}

std::vector<Watched::LoopSet> Watched::loops_of(const std::vector<PresenceView>& users) const {
  std::vector<LoopSet> out;
  out.reserve(users.size());
  const std::lock_guard lock(mutex_);
  for (const auto& view : users) {
    const auto at = loops_.find(view.user);
    out.push_back(at == loops_.end() ? 0 : at->second);
  }
  return out;
}

}  // namespace parley::gateway
