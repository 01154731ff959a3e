#pragma once
#include <map>
#include <mutex>
#include <tuple>

#include "ports/push.h"

namespace parley::push {

class MemoryPushSink final : public PushSink {
 public:
  Result<void> record(const std::vector<Push>& pushes) override;
  Result<std::vector<Push>> of(UserId user) override;

 private:
  std::mutex mutex_;
  std::map<std::tuple<UserId, ConversationId, Seq>, Push> rows_;
};

}  // namespace parley::push
