#pragma once
#include <functional>
#include <vector>

#include "base/result.h"
#include "domain/push.h"

namespace parley {

/// Pushes to people whom no device of theirs has reached in time. Any loop.
class NotificationApi {
 public:
  virtual ~NotificationApi() = default;
  /// `done` runs on the calling loop when all of them are durable with the notification service.
  virtual void notify(std::vector<Push> pushes,
                      std::move_only_function<void(Result<void>)> done) = 0;
};

}  // namespace parley
