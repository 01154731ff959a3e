#pragma once
#include <vector>

#include "base/result.h"
#include "domain/push.h"

namespace parley {

/// Where pushes go. Blocking; any thread. Success means that every one of them is durable. The same
/// (user, conversation, seq) twice changes nothing.
class PushSink {
 public:
  virtual ~PushSink() = default;
  virtual Result<void> record(const std::vector<Push>& pushes) = 0;
  virtual Result<std::vector<Push>> of(UserId user) = 0;  // by rising (decided, seq)
};

}  // namespace parley
