#include "adapters/push/memory/push_sink.h"

#include <algorithm>

namespace parley::push {

Result<void> MemoryPushSink::record(const std::vector<Push>& pushes) {
  const std::lock_guard lock(mutex_);
  for (const auto& push : pushes) rows_.try_emplace({push.user, push.conversation, push.seq}, push);
  return {};
}

Result<std::vector<Push>> MemoryPushSink::of(UserId user) {
  const std::lock_guard lock(mutex_);
  std::vector<Push> found;
  for (auto at = rows_.lower_bound({user, {}, {}}); at != rows_.end() && at->second.user == user;
       ++at)
    found.push_back(at->second);
  std::ranges::sort(found, {}, [](const Push& p) { return std::tuple(p.decided, p.seq); });
  return found;
}

}  // namespace parley::push
