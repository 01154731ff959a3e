#pragma once
#include <mutex>
#include <unordered_map>

#include "ports/last_seen.h"

namespace parley::last_seen {

class MemoryLastSeenStore final : public LastSeenStore {
 public:
  Result<void> put(const std::vector<LastSeen>& batch) override;
  Result<std::vector<LastSeen>> of(const std::vector<UserId>& users) override;

 private:
  std::mutex mutex_;
  std::unordered_map<UserId, TimeMs> rows_;
};

}  // namespace parley::last_seen
